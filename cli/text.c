/* SPDX-License-Identifier: Apache-2.0 */
/* Text on its way to a person. Whatever a container or another user named reaches a terminal through text_escape() only. */
#include "cli/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *must_realloc(void *old, size_t size) {
        void *new = realloc(old, size ? size : 1);

        if (!new) {
                complain("memory", "there is none left");
                _exit(125);
        }
        return new;
}

char *must_strdup(const char *string) {
        size_t n = strlen(string) + 1;

        return memcpy(must_realloc(NULL, n), string, n);
}

void text_free(struct text *text) {
        free(text->data);
        *text = (struct text){ 0 };
}

void text_add(struct text *text, const void *bytes, size_t n) {
        if (text->size - text->len < n + 1) {
                text->size = (text->len + n + 1) * 2;
                text->data = must_realloc(text->data, text->size);
        }
        memcpy(text->data + text->len, bytes, n);
        text->len += n;
        text->data[text->len] = 0;
}

void text_puts(struct text *text, const char *string) {
        text_add(text, string, strlen(string));
}

static void text_vprintf(struct text *text, const char *format, va_list args) {
        char *line = NULL;
        int n = vasprintf(&line, format, args);

        if (n >= 0)
                text_add(text, line, (size_t)n);
        free(line);
}

void text_printf(struct text *text, const char *format, ...) {
        va_list args;

        va_start(args, format);
        text_vprintf(text, format, args);
        va_end(args);
}

size_t utf8_next(const char *p, size_t n, uint32_t *ret) {
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        const unsigned char *u = (const unsigned char *)p;
        size_t len = !n          ? 0
                   : u[0] < 0x80 ? 1
                   : u[0] < 0xc0 ? 0
                   : u[0] < 0xe0 ? 2
                   : u[0] < 0xf0 ? 3
                   : u[0] < 0xf8 ? 4
                                 : 0;
        uint32_t c;

        if (!len || len > n)
                return 0;
        c = len == 1 ? u[0] : u[0] & (0x7fu >> len);
        for (size_t i = 1; i < len; i++) {
                if ((u[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (u[i] & 0x3f);
        }
        if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
                return 0;
        *ret = c;
        return len;
}

bool utf8_valid(const char *string) {
        size_t n = strlen(string), len;
        uint32_t c;

        for (; n; string += len, n -= len) {
                len = utf8_next(string, n, &c);
                if (!len)
                        return false;
        }
        return true;
}

size_t utf8_columns(const char *string) {
        size_t columns = 0;

        for (; *string; string++)
                columns += ((unsigned char)*string & 0xc0) != 0x80;
        return columns;
}

/* Controls, and what turns or hides the text around it: a file name may not look like another one. */
static bool is_plain(uint32_t c) {
        static const uint32_t bad[][2] = {
                { 0, 0x1f },        { 0x7f, 0x9f },     { 0xad, 0xad },       { 0x61c, 0x61c },
                { 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e },   { 0x2060, 0x206f },
                { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xe0000, 0xe0fff },
        };

        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
                if (c >= bad[i][0] && c <= bad[i][1])
                        return false;
        return true;
}

static void escape(struct text *text, const char *string, size_t n, bool exact) {
        uint32_t c = 0;
        size_t len;

        for (; n; string += len, n -= len) {
                len = utf8_next(string, n, &c);
                if (len && is_plain(c)) {
                        text_add(text, "\\", exact && c == '\\');
                        text_add(text, string, len);
                        continue;
                }
                len = len ? len : 1;
                for (size_t i = 0; i < len; i++)
                        text_printf(text, "\\x%02x", (unsigned char)string[i]);
        }
}

void text_escape(struct text *text, const char *string, size_t n) {
        escape(text, string, n, true);
}

static void write_all(int fd, const char *p, size_t n) {
        while (n) {
                ssize_t k = write(fd, p, n);

                if (k < 0 && errno != EINTR && errno != EAGAIN)
                        return;
                p += k > 0 ? k : 0;
                n -= k > 0 ? (size_t)k : 0;
        }
}

void complain(const char *what, const char *format, ...) {
        struct text raw = { 0 }, line = { 0 };
        va_list args;

        va_start(args, format);
        text_vprintf(&raw, format, args);
        va_end(args);
        text_puts(&line, "airlock: ");
        if (what) {
                escape(&line, what, strlen(what), false);
                text_puts(&line, ": ");
        }
        escape(&line, raw.data ? raw.data : "", raw.len, false);
        text_puts(&line, "\n");
        write_all(STDERR_FILENO, line.data, line.len);
        text_free(&raw);
        text_free(&line);
}

bool text_print(const struct text *text) {
        size_t done = 0;

        while (done < text->len) {
                ssize_t k = write(STDOUT_FILENO, text->data + done, text->len - done);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0) {
                        if (errno != EPIPE)
                                complain("stdout", "%s", strerror(errno));
                        return false;
                }
                done += (size_t)k;
        }
        return true;
}
