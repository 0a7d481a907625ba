/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 and escapes. It must never read behind n, whatever the bytes promise. */
#include "broker/text.h"

#include <stdint.h>
#include <string.h>

static bool is_continuation(unsigned char c) {
        return (c & 0xc0) == 0x80;
}

static uint32_t code_point(const unsigned char *b, size_t length) {
        static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
        uint32_t code = b[0] & masks[length];

        for (size_t i = 1; i < length; i++)
                code = code << 6 | (b[i] & 0x3f);
        return code;
}

size_t text_utf8_length(const char *bytes, size_t size) {
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        const unsigned char *b = (const unsigned char *)bytes;
        size_t length;
        uint32_t code;

        if (size == 0)
                return 0;
        if (b[0] < 0x80)
                return 1;
        length = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
        if (b[0] < 0xc2 || b[0] > 0xf4 || length > size)
                return 0;
        for (size_t i = 1; i < length; i++)
                if (!is_continuation(b[i]))
                        return 0;
        code = code_point(b, length);
        if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
                return 0;
        return length;
}

bool text_is_utf8(const char *bytes, size_t size) {
        for (size_t i = 0, length; i < size; i += length) {
                length = text_utf8_length(bytes + i, size - i);
                if (length == 0 || bytes[i] == 0)
                        return false;
        }
        return true;
}

/* What changes how the text around it is shown: C1 controls, line and paragraph separators, bidirectional marks, byte order
 * marks. Shown raw they let a request look like another one. */
static bool is_deceptive(uint32_t code) {
        return (code >= 0x80 && code < 0xa0) || code == 0x61c ||
               (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
               (code >= 0x2060 && code <= 0x2069) || code == 0xfeff;
}

static bool is_shown(const char *bytes, size_t length) {
        const unsigned char *b = (const unsigned char *)bytes;

        if (length == 0)
                return false;
        if (length == 1)
                return b[0] >= 0x20 && b[0] != 0x7f && b[0] != '\\';
        return !is_deceptive(code_point(b, length));
}

static void put_hex(unsigned char c, char *ret) {
        static const char digits[] = "0123456789abcdef";

        ret[0] = '\\';
        ret[1] = 'x';
        ret[2] = digits[c >> 4];
        ret[3] = digits[c & 15];
}

size_t text_escape(const char *bytes, size_t n, char *buffer, size_t size) {
        size_t used = 0;

        for (size_t i = 0, length; i < n; i += length) {
                char hex[16];
                bool shown;

                length = text_utf8_length(bytes + i, n - i);
                shown = is_shown(bytes + i, length);
                if (length == 0)
                        length = 1;
                for (size_t k = 0; k < length && !shown; k++)
                        put_hex((unsigned char)bytes[i + k], hex + 4 * k);
                if (used + (shown ? length : 4 * length) + 1 > size)
                        break;
                memcpy(buffer + used, shown ? bytes + i : hex, shown ? length : 4 * length);
                used += shown ? length : 4 * length;
        }
        if (size > 0)
                buffer[used] = 0;
        return used;
}

bool text_looks_decodable(const char *text) {
        for (text = strchr(text, '\\'); text; text = strchr(text + 1, '\\'))
                if (text[1] == '\\' || (text[1] == 'x' && strspn(text + 2, "0123456789abcdef") >= 2))
                        return true;
        return false;
}

/* How one character is written by text_decodable(); *ret_length is what it takes of the input. */
static size_t decodable_one(const char *bytes, size_t n, char out[4], size_t *ret_length) {
        size_t length = text_utf8_length(bytes, n);

        *ret_length = length ? length : 1;
        if (length == 0 || bytes[0] == 0) {
                put_hex((unsigned char)bytes[0], out);
                return 4;
        }
        memcpy(out, bytes, length);
        if (bytes[0] != '\\')
                return length;
        out[1] = '\\';
        return 2;
}

size_t text_decodable(const char *bytes, size_t n, char *buffer, size_t size) {
        size_t used = 0;

        for (size_t i = 0, length; i < n; i += length) {
                char one[4];
                size_t written = decodable_one(bytes + i, n - i, one, &length);

                if (used + written <= size)
                        memcpy(buffer + used, one, written);
                used += written;
        }
        return used;
}

size_t text_decodable_length(const char *bytes, size_t n, size_t max) {
        size_t i = 0, used = 0, length;

        while (i < n) {
                char one[4];

                used += decodable_one(bytes + i, n - i, one, &length);
                if (used > max)
                        break;
                i += length;
        }
        return i;
}
