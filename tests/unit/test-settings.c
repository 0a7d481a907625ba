/* SPDX-License-Identifier: Apache-2.0 */
/* broker.conf: what is taken, and where exactly something is wrong. */
#include "broker/settings.h"

#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

static int parse(const char *text, struct settings **ret, struct error *error) {
        int r;

        assert_int_equal(settings_defaults(ret), 0);
        r = settings_parse(*ret, "F", text, strlen(text), error);
        return r;
}

static void defaults(void **state) {
        struct settings *settings;
        struct error error;

        assert_int_equal(parse("", &settings, &error), 0);
        assert_int_equal(settings->n_places, 2);
        assert_string_equal(settings->places[0].engine, "crun");
        assert_string_equal(settings->places[0].dir, "/run/crun");
        assert_string_equal(settings->places[1].dir, "/run/runc");
        assert_int_equal(settings->forget_after_s, 300);
        assert_int_equal(settings->prompt_timeout_s, 120);
        assert_int_equal(settings->setuid, AIRLOCK_SETUID); /* the mode that this is built for */
        settings_free(settings);
}

static void folders(void **state) {
        struct settings *settings;
        struct error error;

        assert_int_equal(parse("# a comment\n\n  RuncRoot=/r1  \nCrunRoot=/a\nCrunRoot=/b\nDockerRoot=/d\nRuncRoot=/r2\nForgetAfter=7", &settings, &error), 0);
        assert_int_equal(settings->n_places, 4);
        assert_string_equal(settings->places[0].dir, "/a");
        assert_string_equal(settings->places[1].dir, "/b");
        assert_string_equal(settings->places[2].dir, "/r1");
        assert_string_equal(settings->places[3].dir, "/r2");
        assert_string_equal(settings->places[3].engine, "runc");
        assert_int_equal(settings->forget_after_s, 7);
        settings_free(settings);
}

static void helper(void **state) {
        struct settings *settings;
        struct error error;

        assert_int_equal(parse("Helper=setuid\n", &settings, &error), 0);
        assert_true(settings->setuid);
        settings_free(settings);
        assert_int_equal(parse("Helper=socket\n", &settings, &error), 0);
        assert_false(settings->setuid);
        settings_free(settings);
}

static void wrong(void **state) {
        static const struct {
                const char *text;
                const char *place;
        } rows[] = { { "CrunRoot=/a\nNoSuch=1\n", "F:2:1" },    { "  Sessions=0", "F:1:3" },          { "Sessions=1\nSessions=2", "F:2:1" },
                     { "Sessions=abc", "F:1:1" },               { "Sessions=99999", "F:1:1" },        { "CrunRoot=relative", "F:1:1" },
                     { "CrunRoot=/a/../b", "F:1:1" },           { "just text", "F:1:1" },             { "=x", "F:1:1" },
                     { "[Section]", "F:1:1" },                  { "Sessions = 5", "F:1:1" },          { "\n\nsessions=5", "F:3:1" },
                     { "Helper=Setuid", "F:1:1" },              { "Helper=", "F:1:1" },               { "Helper=socket\nHelper=setuid", "F:2:1" } };

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct settings *settings;
                struct error error;

                assert_int_equal(parse(rows[i].text, &settings, &error), OUTCOME_INVALID_ARGS);
                if (strncmp(error.text, rows[i].place, strlen(rows[i].place)) != 0)
                        fail_msg("'%s' does not begin with %s", error.text, rows[i].place);
                settings_free(settings);
        }
}

static void odd_bytes(void **state) {
        static char line[2000];
        struct settings *settings;
        struct error error;

        assert_int_equal(settings_defaults(&settings), 0);
        assert_int_equal(settings_parse(settings, "F", "Sess\0ions=5", 11, &error), OUTCOME_INVALID_ARGS);
        memset(line, 'x', sizeof line);
        assert_int_equal(settings_parse(settings, "F", line, sizeof line, &error), OUTCOME_INVALID_ARGS);
        settings_free(settings);
}

static void many(void **state) {
        char text[8192] = "";
        struct settings *settings;
        struct error error;

        for (unsigned i = 0; i <= SETTINGS_PLACES; i++)
                snprintf(text + strlen(text), sizeof text - strlen(text), "CrunRoot=/r%u\n", i);
        assert_int_equal(parse(text, &settings, &error), OUTCOME_INVALID_ARGS);
        settings_free(settings);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(defaults), cmocka_unit_test(folders), cmocka_unit_test(helper), cmocka_unit_test(wrong), cmocka_unit_test(odd_bytes),
                                            cmocka_unit_test(many) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
