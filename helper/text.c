/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded reading of text. */
#include "helper/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

char text_scratch[TEXT_SCRATCH];

/* A record of the kernel's is given whole or not at all: a read this small had nothing left to give. */
#define LAST_READ 3072

static int read_text(int fd, char *buf, size_t size, ssize_t last) {
        size_t done = 0;

        for (;;) {
                ssize_t n = pread(fd, buf + done, size - done, (off_t)done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                done += (size_t)n;
                if (done == size)
                        return -EFBIG;
                if (n < last)
                        break;
        }
        buf[done] = 0;
        return (int)done;
}

int text_pread(int fd, char *buf, size_t size) {
        return read_text(fd, buf, size, LAST_READ);
}

int text_pread_file(int fd, char *buf, size_t size) {
        return read_text(fd, buf, size, 1);
}

int text_read(int dir, const char *name, char *buf, size_t size) {
        int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        int r;

        if (fd < 0)
                return -errno;
        r = text_pread(fd, buf, size);
        close(fd);
        return r;
}

const char *text_field(const char *text, const char *key) {
        size_t n = strlen(key);

        while (text && *text) {
                const char *eol = strchr(text, '\n');

                if (strncmp(text, key, n) == 0) {
                        text += n;
                        while (*text == ' ' || *text == '\t')
                                text++;
                        return text;
                }
                text = eol ? eol + 1 : NULL;
        }
        return NULL;
}

static int digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return 99;
}

int text_u64(const char **p, int base, uint64_t *ret) {
        const char *s = *p;
        uint64_t v = 0;

        while (*s == ' ' || *s == '\t')
                s++;
        if (digit(*s) >= base)
                return -EINVAL;
        for (; digit(*s) < base; s++) {
                if (v > (UINT64_MAX - (uint64_t)digit(*s)) / (uint64_t)base)
                        return -EINVAL;
                v = v * (uint64_t)base + (uint64_t)digit(*s);
        }
        *p = s;
        *ret = v;
        return 0;
}

int text_field_u64(const char *text, const char *key, int base, uint64_t *ret) {
        const char *p = text_field(text, key);

        return p ? text_u64(&p, base, ret) : -EINVAL;
}

int text_stat_field(const char *stat, unsigned n, uint64_t *ret) {
        const char *p = strrchr(stat, ')');

        if (!p || strlen(p) < 4)
                return -EINVAL;
        p += 4; /* ") S" and the blank before field 4 */
        for (unsigned field = 4; field <= n; field++) {
                p += strspn(p, " -");
                if (text_u64(&p, 10, ret) < 0)
                        return -EINVAL;
        }
        return 0;
}
