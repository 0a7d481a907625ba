/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping: it decodes back to the same bytes, and nothing that a terminal acts on is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/environment.h"
#include "cli/table.h"
#include "cli/text.h"

static void decode(struct text *ret, const char *p) {
        text_add(ret, "", 0);
        for (; *p; p++) {
                unsigned byte = 0;

                if (*p != '\\') {
                        text_add(ret, p, 1);
                } else if (p[1] == '\\') {
                        text_add(ret, ++p, 1);
                } else {
                        assert_int_equal(sscanf(p, "\\x%2x", &byte), 1);
                        text_add(ret, &(char){ (char)byte }, 1);
                        p += 3;
                }
        }
}

static void check_bytes(const char *bytes, size_t n) {
        struct text escaped = { 0 }, back = { 0 };

        text_escape(&escaped, bytes, n);
        assert_true(utf8_valid(escaped.data ? escaped.data : ""));
        for (size_t i = 0; i < escaped.len; i++)
                assert_true((unsigned char)escaped.data[i] >= 0x20 && escaped.data[i] != 0x7f);
        decode(&back, escaped.data ? escaped.data : "");
        assert_int_equal(back.len, n);
        assert_memory_equal(back.data, bytes, n);
        text_free(&escaped);
        text_free(&back);
}

static void test_all_bytes(void **state) {
        char bytes[3];

        for (unsigned a = 0; a < 256; a++)
                for (unsigned b = 0; b < 256; b++) {
                        bytes[0] = (char)a;
                        bytes[1] = (char)b;
                        bytes[2] = '\\';
                        check_bytes(bytes, 3);
                }
}

static void test_hidden(void **state) {
        static const char *const hidden[] = { "\xc2\x85",         "\xe2\x80\xae", "\xe2\x80\x8b",
                                              "\xd8\x9c",         "\xe2\x81\xa6", "\xef\xbb\xbf",
                                              "\xf3\xa0\x80\x81", "\xe2\x80\xa8" };

        for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
                struct text text = { 0 };

                text_escape(&text, hidden[i], strlen(hidden[i]));
                assert_int_equal(text.data[0], '\\');
                text_free(&text);
        }
}

static void test_utf8(void **state) {
        assert_true(utf8_valid("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"));
        assert_false(utf8_valid("\xc0\x80"));         /* not the shortest */
        assert_false(utf8_valid("\xed\xa0\x80"));     /* a surrogate */
        assert_false(utf8_valid("\xf4\x90\x80\x80")); /* beyond the last */
        assert_false(utf8_valid("\xc3"));
        assert_false(utf8_valid("\x80"));
        assert_false(utf8_valid("\xf8\x88\x80\x80\x80"));
}

static void test_environment(void **state) {
        struct strings env = { 0 };

        setenv("AIRLOCK_TEST_HAVE", "1", 1);
        unsetenv("AIRLOCK_TEST_LACK");
        assert_int_equal(environment_add(&env, "AIRLOCK_TEST_HAVE"), 0);
        assert_int_equal(environment_add(&env, "AIRLOCK_TEST_LACK"), 0);
        assert_int_equal(environment_add(&env, "A=1"), 0);
        assert_int_equal(environment_add(&env, "A=2"), 0);
        assert_int_equal(environment_add(&env, "AB=3"), 0);
        assert_true(environment_add(&env, "=1") < 0);
        assert_true(environment_add(&env, "") < 0);
        assert_int_equal(env.n, 4);
        assert_string_equal(env.items[0], "AIRLOCK_TEST_HAVE=1");
        assert_string_equal(env.items[1], "AIRLOCK_TEST_LACK");
        assert_string_equal(env.items[2], "A=2");
        strings_free(&env);
}

static void test_table_cuts_between_characters(void **state) {
        struct table table = { .columns = 1 };

        for (size_t width = 4; width < 12; width++) {
                table_cell(
                        &table,
                        "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc",
                        width);
                assert_true(utf8_valid(table.cells[table.n_cells - 1]));
                assert_int_equal(utf8_columns(table.cells[table.n_cells - 1]),
                                 width < 10 ? width : 10);
        }
        table_free(&table);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_bytes),
                cmocka_unit_test(test_hidden),
                cmocka_unit_test(test_utf8),
                cmocka_unit_test(test_environment),
                cmocka_unit_test(test_table_cuts_between_characters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
