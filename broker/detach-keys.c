/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/detach-keys.h"

#include <string.h>
#include <strings.h>

#define CTRL "ctrl-"

/* One key of n characters: a letter, digit or sign as it is, or ctrl- and what a terminal has a control character for. -1: none. */
static int key_of(const char *text, size_t n) {
        char c;

        if (n == 1 && text[0] > ' ' && text[0] < 0x7f)
                return text[0];
        if (n != strlen(CTRL) + 1 || strncasecmp(text, CTRL, strlen(CTRL)) != 0)
                return -1;
        c = text[n - 1];
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 1;
        if (c == '@' || (c >= '[' && c <= '_'))
                return c - '@';
        return -1;
}

int detach_keys_parse(const char *text, uint8_t ret[LIMIT_DETACH_KEYS], uint32_t *ret_n,
                      struct error *error) {
        uint8_t keys[LIMIT_DETACH_KEYS];
        uint32_t n = 0;

        for (const char *p = text; *text; p++) {
                size_t length = strcspn(p, ",");
                int key = key_of(p, length);

                if (key < 0 || n == LIMIT_DETACH_KEYS)
                        return error_set(
                                error, OUTCOME_INVALID_ARGS,
                                "detach-keys '%.64s': expected at most %u keys with commas between them, each a character or ctrl- and one of a-z @ [ \\ ] ^ _",
                                text, LIMIT_DETACH_KEYS);
                keys[n++] = (uint8_t)key;
                p += length;
                if (!*p)
                        break;
        }
        memcpy(ret, keys, n);
        *ret_n = n;
        return 0;
}
