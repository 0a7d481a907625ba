/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, and the two escapes: one that people can look at, one that decodes exactly. */
#include "broker/text.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void utf8(void **state) {
        static const char *const good[] = { "", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };
        static const char *const bad[] = { "\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x80\x80", "\xe0\xa0", "\xed\xa0\x80",
                                           "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "a\xff" };

        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
                assert_true(text_is_utf8(good[i], strlen(good[i])));
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
                assert_false(text_is_utf8(bad[i], strlen(bad[i])));
        assert_false(text_is_utf8("a\0b", 3));
}

static void shown(void **state) {
        static const struct {
                const char *bytes;
                const char *text;
        } rows[] = { { "plain", "plain" },           { "a\nb", "a\\x0ab" },          { "\x1b[31m", "\\x1b[31m" },    { "\xff", "\\xff" },
                     { "back\\slash", "back\\x5cslash" }, { "\xc3\xa4", "\xc3\xa4" }, { "\xe2\x80\xae", "\\xe2\\x80\\xae" },
                     { "\xc2\x85", "\\xc2\\x85" },   { "\x7f", "\\x7f" },            { "\xe2\x81\xa6", "\\xe2\\x81\\xa6" } };
        char buffer[64];

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                text_escape(rows[i].bytes, strlen(rows[i].bytes), buffer, sizeof buffer);
                assert_string_equal(buffer, rows[i].text);
        }
        /* Never half of an escape, never beyond the end. */
        memset(buffer, 'Z', sizeof buffer);
        assert_int_equal(text_escape("ab\n", 3, buffer, 6), 2);
        assert_string_equal(buffer, "ab");
        assert_int_equal(buffer[6], 'Z');
}

static size_t decode(const char *text, size_t n, char *out) {
        size_t used = 0;

        for (size_t i = 0; i < n;) {
                if (text[i] != '\\') {
                        out[used++] = text[i++];
                } else if (text[i + 1] == '\\') {
                        out[used++] = '\\';
                        i += 2;
                } else {
                        char hex[3] = { text[i + 2], text[i + 3], 0 };

                        out[used++] = (char)strtoul(hex, NULL, 16);
                        i += 4;
                }
        }
        return used;
}

static void decodes(void **state) {
        char bytes[512], text[2048], back[512];

        srand(1);
        for (unsigned round = 0; round < 20000; round++) {
                size_t n = (size_t)rand() % sizeof bytes, size;

                for (size_t i = 0; i < n; i++)
                        bytes[i] = (char)(round < 2 ? (int)i : rand() % 3 ? rand() : "\\x41\xc3\xa4"[rand() % 6]);
                size = text_decodable(bytes, n, text, sizeof text);
                assert_true(size <= sizeof text);
                assert_true(text_is_utf8(text, size));
                assert_int_equal(decode(text, size, back), n);
                assert_memory_equal(back, bytes, n);
        }
}

static void fits(void **state) {
        const char bytes[] = "ab\xff" "cd";

        assert_int_equal(text_decodable_length(bytes, 5, 8), 5);
        assert_int_equal(text_decodable_length(bytes, 5, 7), 4);
        assert_int_equal(text_decodable_length(bytes, 5, 5), 2);
        assert_int_equal(text_decodable_length(bytes, 5, 0), 0);
        assert_int_equal(text_decodable(bytes, 5, NULL, 0), 8);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(utf8), cmocka_unit_test(shown), cmocka_unit_test(decodes), cmocka_unit_test(fits) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
