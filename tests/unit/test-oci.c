/* SPDX-License-Identifier: Apache-2.0 */
/* The engines' files, right and odd. */
#include "broker/oci.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void states(void **state) {
        const char *crun = "{\"pid\":4711,\"process-start-time\":99,\"cgroup-path\":\"/x\"}\n";
        const char *runc = "{\"id\":\"x\",\"init_process_pid\":12,\"init_process_start\":18446744073709551615,\"config\":{}}";
        struct oci_state s;
        struct error error;

        assert_int_equal(oci_parse_crun_status(crun, strlen(crun), &s, &error), 0);
        assert_int_equal(s.pid, 4711);
        assert_int_equal(s.start_ticks, 99);
        assert_int_equal(oci_parse_runc_state(runc, strlen(runc), &s, &error), 0);
        assert_int_equal(s.pid, 12);
}

static void odd_states(void **state) {
        static const char *const rows[] = { "", "{", "[]", "null", "{\"pid\":\"1\"}", "{}", "{\"pid\":1}x", "{\"pid\":1}{}", "{\"pid\":1,}" };
        struct oci_state s;
        struct error error;

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
                if (oci_parse_crun_status(rows[i], strlen(rows[i]), &s, &error) != OUTCOME_HELPER_FAILED)
                        fail_msg("%s was taken", rows[i]);
        assert_int_equal(oci_parse_crun_status("{\"pid\":-5}", 10, &s, &error), 0);
        assert_int_equal(s.pid, 0);
}

static void deep(void **state) {
        char text[512] = "{\"pid\":1,\"x\":";
        struct oci_state s;
        struct error error;

        memset(text + strlen(text), '[', 200);
        assert_int_equal(oci_parse_crun_status(text, strlen(text), &s, &error), OUTCOME_HELPER_FAILED);
}

static void process(void **state) {
        const char *text = "{\"process\":{\"user\":{\"uid\":33,\"gid\":44,\"additionalGids\":[5,6]},\"env\":[\"A=1\",\"B=2\"],\"cwd\":\"/srv\"}}";
        struct oci_process p = { 0 };
        struct error error;

        assert_int_equal(oci_parse_process(text, strlen(text), &p, &error), 0);
        assert_int_equal(p.uid, 33);
        assert_int_equal(p.gid, 44);
        assert_int_equal(p.n_groups, 2);
        assert_int_equal(p.groups[1], 6);
        assert_int_equal(p.env.n, 2);
        assert_string_equal(p.env.list[1], "B=2");
        assert_string_equal(p.cwd, "/srv");
        oci_process_clear(&p);
}

static void odd_process(void **state) {
        static const char *const rows[] = { "{}", "{\"process\":[]}", "{\"process\":{\"cwd\":\"relative\"}}", "{\"process\":{\"user\":{\"uid\":-1}}}",
                                            "{\"process\":{\"user\":{\"uid\":4294967295}}}", "{\"process\":{\"user\":{\"uid\":\"0\"}}}",
                                            "{\"process\":{\"user\":{\"additionalGids\":[-1]}}}", "{\"process\":{\"env\":[1]}}",
                                            "{\"process\":{\"env\":[\"A=\\u0000x\"]}}", "{\"process\":{\"cwd\":\"/a\\u0000b\"}}" };
        struct oci_process p = { 0 };
        struct error error;

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
                if (oci_parse_process(rows[i], strlen(rows[i]), &p, &error) != OUTCOME_HELPER_FAILED)
                        fail_msg("%s was taken", rows[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(states), cmocka_unit_test(odd_states), cmocka_unit_test(deep), cmocka_unit_test(process),
                                            cmocka_unit_test(odd_process) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
