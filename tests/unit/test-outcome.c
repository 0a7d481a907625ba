/* SPDX-License-Identifier: Apache-2.0 */
/* Each lawful refusal has one D-Bus name, one word and one exit code; no number is out of bounds. */
#include "common/outcome.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_names_are_unique(void **state) {
        for (int i = 1; i < OUTCOME_COUNT; i++) {
                assert_true(strlen(outcome_word(i)) > 0);
                assert_true(strncmp(outcome_error(i), "org.airlock1.Error.", 19) == 0 ||
                            strncmp(outcome_error(i), "org.freedesktop.DBus.Error.", 27) == 0);
                assert_int_equal(outcome_from_error(outcome_error(i)), i);
                for (int k = 1; k < i; k++) {
                        assert_string_not_equal(outcome_error(i), outcome_error(k));
                        assert_string_not_equal(outcome_word(i), outcome_word(k));
                }
        }
}

static void test_exit_codes(void **state) {
        for (int i = 1; i < OUTCOME_COUNT; i++)
                assert_int_equal(outcome_exit_code(i), i == OUTCOME_NOT_FOUND        ? 127
                                                       : i == OUTCOME_NOT_EXECUTABLE ? 126
                                                                                     : 125);
        assert_int_equal(outcome_exit_code(OUTCOME_OK), 0);
        assert_string_equal(outcome_word(OUTCOME_OK), "ok");
}

static void test_any_number(void **state) {
        static const int numbers[] = { -1, INT_MIN, INT_MAX, OUTCOME_COUNT, OUTCOME_COUNT + 1 };

        for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
                assert_string_equal(outcome_error(numbers[i]), "org.airlock1.Error.HelperFailed");
                assert_string_equal(outcome_word(numbers[i]), "helper-failed");
                assert_int_equal(outcome_exit_code(numbers[i]), 125);
        }
}

static void test_unknown_errors(void **state) {
        static const char *const names[] = { "",
                                             "org.airlock1.Error.",
                                             "org.airlock1.Error.Denie",
                                             "org.airlock1.Error.Denied2",
                                             "Denied",
                                             "org.airlock1.error.Denied" };

        for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
                assert_int_equal(outcome_from_error(names[i]), OUTCOME_HELPER_FAILED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_are_unique),
                cmocka_unit_test(test_exit_codes),
                cmocka_unit_test(test_any_number),
                cmocka_unit_test(test_unknown_errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
