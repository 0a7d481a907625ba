/* SPDX-License-Identifier: Apache-2.0 */
/* Each reason of the helper has a word, a text that says what was wrong, and an outcome; no number is out of bounds. */
#include "common/reason.h"

#include "common/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_rows(void **state) {
        for (uint32_t i = 1; i < REASON_COUNT; i++) {
                assert_true(reason_outcome(i) > OUTCOME_OK && reason_outcome(i) < OUTCOME_COUNT);
                assert_true(strlen(reason_text(i)) > 10);
                assert_null(strchr(reason_text(i), '\n'));
                for (uint32_t k = 1; k < i; k++) {
                        assert_string_not_equal(reason_word(i), reason_word(k));
                        assert_string_not_equal(reason_text(i), reason_text(k));
                }
        }
}

static void test_some(void **state) {
        assert_string_equal(reason_word(REASON_STREAM_KIND), "STREAM_KIND");
        assert_int_equal(reason_outcome(REASON_STREAM_KIND), OUTCOME_BAD_FD);
        assert_int_equal(reason_outcome(REASON_CAPS_CEILING), OUTCOME_OVER_CEILING);
        assert_int_equal(reason_outcome(REASON_NOT_FOUND), OUTCOME_NOT_FOUND);
        assert_int_equal(reason_outcome(REASON_NOT_EXECUTABLE), OUTCOME_NOT_EXECUTABLE);
        assert_int_equal(reason_outcome(REASON_TARGET_FROZEN), OUTCOME_TARGET_PAUSED);
        assert_int_equal(reason_outcome(REASON_NONE), OUTCOME_OK);
}

static void test_any_number(void **state) {
        static const uint32_t numbers[] = { REASON_COUNT, REASON_COUNT + 1, UINT32_MAX, 1u << 31 };

        for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
                assert_string_equal(reason_word(numbers[i]), "UNKNOWN");
                assert_int_equal(reason_outcome(numbers[i]), OUTCOME_HELPER_FAILED);
                assert_true(strlen(reason_text(numbers[i])) > 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_some),
                cmocka_unit_test(test_any_number),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
