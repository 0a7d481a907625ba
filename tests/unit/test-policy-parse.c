/* SPDX-License-Identifier: Apache-2.0 */
/* The parser: what it refuses, where it says so, and that no text whatever gets past it unseen. */
#include "policy-test.h"

#include <stdlib.h>

#define RULE "[Rule r]\nWho=*\nTarget=*\nAnswer=allow\n"

static void first_error(const char *text, size_t len, char *line, size_t size) {
        struct policy_errors errors = { 0 };
        struct policy_set *set;

        line[0] = '\0';
        if (rules_try(text, len, &set, &errors) != 0)
                policy_error_text(&errors.list[0], line, size);
        policy_errors_free(&errors);
        policy_set_unref(set);
}

static const struct {
        const char *text, *error;
} bad[] = {
        { "[Rule r]\nWho=*\nTarget=*\n", "test.conf:1:1: the rule r has no Answer=" },
        { "[Rule r]\nWho=*\nAnswer=deny\n", "test.conf:1:1: the rule r has no Target=" },
        { "[Rule r]\nTarget=*\nAnswer=deny\n", "test.conf:1:1: the rule r has no Who=" },
        { "Who=*\n", "test.conf:1:1: a key outside of a [Rule NAME]" },
        { "[Rul r]\n", "test.conf:1:2: unknown section Rul; did you mean Rule?" },
        { "[Rule]\n", "test.conf:1:6: a rule's name is" },
        { "[Rule a b]\n", "test.conf:1:7: a rule's name is" },
        { "[Rule r\n", "test.conf:1:8: a section line ends with ]" },
        { "[\n", "test.conf:1:2: a section line ends with ]" },
        { "[]\n", "test.conf:1:2: unknown section" },
        { "[Rule r] x\n", "test.conf:1:11: a section line ends with ]" },
        { RULE "  Comand=/bin/x\n", "test.conf:5:3: unknown key Comand; did you mean Command?" },
        { RULE "who=*\n", "test.conf:5:1: unknown key who; did you mean Who?" },
        { RULE "Zzzzzzzz=*\n", "test.conf:5:1: unknown key Zzzzzzzz" },
        { RULE "Who=*\n", "test.conf:5:1: Who is given twice in this rule" },
        { RULE "nonsense\n", "test.conf:5:1: neither a [section], a key=value nor a # comment" },
        { RULE "=x\n", "test.conf:5:1: a key is missing before =" },
        { RULE "Seccomp=\n", "test.conf:5:9: Seccomp= is empty" },
        { RULE RULE, "test.conf:5:1: a rule r stands at test.conf:1 already" },
        { "[Rule r]\nWho=user:\n", "test.conf:2:5: a name has 1 to 255 bytes" },
        { "[Rule r]\nWho=user:0\n",
          "test.conf:2:5: 0 is a number, not a name; did you mean uid:N?" },
        { "[Rule r]\nWho=* usr:alice\n", "test.conf:2:7: usr:alice is none of" },
        { "[Rule r]\nWho=uid:01\n", "test.conf:2:5: 01 is no number or range" },
        { "[Rule r]\nWho=uid:-1\n", "test.conf:2:5: -1 is no number or range" },
        { "[Rule r]\nWho=uid:4294967295\n", "test.conf:2:5: 4294967295 is no number or range" },
        { "[Rule r]\nWho=uid:5-4\n", "test.conf:2:5: 5-4 is no number or range" },
        { "[Rule r]\nTarget=demo\n", "test.conf:2:8: demo is none of ENGINE:NAME" },
        { "[Rule r]\nTarget=dcker:x\n",
          "test.conf:2:8: unknown engine dcker; did you mean docker?" },
        { "[Rule r]\nTarget=docker:\n", "test.conf:2:8: a name or pattern is missing" },
        { "[Rule r]\nTarget=docker:[a\n", "test.conf:2:15: this [ is not closed" },
        { "[Rule r]\nTarget=docker:[]\n", "test.conf:2:15: an empty [] matches nothing" },
        { "[Rule r]\nTarget=docker:[b-a]\n", "test.conf:2:16: this range is empty" },
        { "[Rule r]\nTarget=docker:a\\\n", "test.conf:2:16: a backslash at the end" },
        { "[Rule r]\nCommand=id\n", "test.conf:2:9: id is no absolute path" },
        { "[Rule r]\nCommand=**\n",
          "test.conf:2:9: ** is no absolute path; a single * is any command" },
        { "[Rule r]\nCommand=* x\n", "test.conf:2:9: * is no absolute path" },
        { "[Rule r]\nCommand=/bin/\n", "test.conf:2:9: a command's path does not end with /" },
        { "[Rule r]\nCommand=/bin\\/x\n", "test.conf:2:14: in a path a slash stands for itself" },
        { "[Rule r]\nCommand=/bin[/]x\n", "test.conf:2:14: in a path a slash stands for itself" },
        { "[Rule r]\nCommand=/x \"a\n", "test.conf:2:12: this quote is not closed" },
        { "[Rule r]\nCommand=/x a\"b\"\n", "test.conf:2:13: quotes enclose a whole word" },
        { "[Rule r]\nCommand=/x \"a\"b\n",
          "test.conf:2:15: a blank must follow the closing quote" },
        { "[Rule r]\nCommand=/x \"\\q\"\n",
          "test.conf:2:13: inside quotes a backslash is followed by" },
        { "[Rule r]\nCommand=/x \"\\x00\"\n",
          "test.conf:2:13: inside quotes a backslash is followed by" },
        { "[Rule r]\nCommand=/x \"\\x0\"\n",
          "test.conf:2:13: inside quotes a backslash is followed by" },
        { "[Rule r]\nAsUser=-1\n", "test.conf:2:8: -1 is neither a name nor a number" },
        { "[Rule r]\nAsUser=0-9\n", "test.conf:2:8: a range begins above 0" },
        { "[Rule r]\nAsUser=00\n", "test.conf:2:8: 00 is no number or range" },
        { "[Rule r]\nAsGroup=default-\xc3\xa4\n", "test.conf:2:17: byte 0xc3 is not ASCII" },
        { "[Rule r]\nCapabilities=CAP_NET_ADMN\n",
          "test.conf:2:14: unknown capability CAP_NET_ADMN; did you mean CAP_NET_ADMIN?" },
        { "[Rule r]\nCapabilities=CAP_KILL all\n", "test.conf:2:23: all stands alone" },
        { "[Rule r]\nSeccomp=../x\n", "test.conf:2:9: ../x is no profile" },
        { "[Rule r]\nSeccomp=.x\n", "test.conf:2:9: .x is no profile" },
        { "[Rule r]\nTty=maybe\n", "test.conf:2:5: unknown value maybe" },
        { "[Rule r]\nTty=yes no\n", "test.conf:2:9: only one word is taken here" },
        { "[Rule r]\nNoNewPrivileges=no\n", "test.conf:2:17: unknown value no" },
        { "[Rule r]\nAnswer=alow\n", "test.conf:2:8: unknown value alow; did you mean allow?" },
        { "[Rule r]\nFds=13\n", "test.conf:2:5: 13 is neither a number up to 12" },
        { "[Rule r]\nFds=1 2\n", "test.conf:2:7: a second number" },
        { "[Rule r]\nEnvSet=A\n", "test.conf:2:8: A is not NAME=VALUE" },
        { "[Rule r]\nEnvSet=1A=x\n", "test.conf:2:8: 1A=x is not NAME=VALUE" },
        { "[Rule r]\nEnvSet=A=1 A=2\n", "test.conf:2:12: this variable is set twice" },
        { "[Rule r]\nLimits=wal:1h\n", "test.conf:2:8: unknown limit wal:1h" },
        { "[Rule r]\nLimits=wall:1\n", "test.conf:2:8: 1 is not a time" },
        { "[Rule r]\nLimits=wall:0s\n", "test.conf:2:8: 0s is not a time" },
        { "[Rule r]\nLimits=memory:1T\n", "test.conf:2:8: 1T is not a size" },
        { "[Rule r]\nLimits=pids:1 pids:2\n", "test.conf:2:15: pids: is given twice" },
        { "[Rule r]\nLimits=pids:1000001\n", "test.conf:2:8: 1000001 is not a number from 1" },
        { "[Rule r]\nClientGone=keep-for:1500ms\n", "test.conf:2:12: 1500ms is not a time" },
        { "[Rule r]\nClientGone=stay\n", "test.conf:2:12: unknown value stay" },
        { "[Rule r]\nWhen=25:00-26:00\n", "test.conf:2:6: 25:00-26:00 is none of" },
        { "[Rule r]\nWhen=24:00-08:00\n", "test.conf:2:6: 24:00-08:00 is none of" },
        { "[Rule r]\nWhen=08:00-08:00\n", "test.conf:2:6: 08:00-08:00 is none of" },
        { "[Rule r]\nWhen=mon\n", "test.conf:2:6: mon is none of" },
        { "[Rule r]\nWhen=until:2026-02-29\n", "test.conf:2:6: until:2026-02-29 is none of" },
        { "[Rule r]\nWhen=until:2026-1-1\n", "test.conf:2:6: until:2026-1-1 is none of" },
        { "[Rule r]\nWho=*\nTarget=*\nAnswer=deny\nEnvSet=A=1\n",
          "test.conf:5:1: EnvSet= has no meaning in a rule with" },
        { "[Rule r]\nWho=*\nTarget=*\nLimits=pids:1\nAnswer=deny\n",
          "test.conf:4:1: Limits= has no meaning in a rule" },
        { "[Rule r]\nWho=*\nTarget=*\nCapabilities=\nAnswer=deny\n",
          "test.conf:4:1: Capabilities= is empty in a rule" },
        { "[Rule r]\r\nWho=*\n", "test.conf:1:9: a carriage return" },
        { RULE "Reason=\x1b[31m\n", "test.conf:5:8: control byte 0x1b" },
        { RULE "# \x1b\n", "test.conf:5:3: control byte 0x1b" },
        { RULE "Reason=\xe2\x80\xae\n",
          "test.conf:5:8: byte 0xe2 is not ASCII: write it as \\xe2" },
};

static void test_bad(void **state) {
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                char line[1024];

                first_error(bad[i].text, strlen(bad[i].text), line, sizeof(line));
                /* the error text doubles backslashes, as everything that is shown does */
                if (strncmp(line, bad[i].error, strcspn(bad[i].error, "\\")) != 0)
                        fail_msg("row %zu: \"%s\", not \"%s\"", i, line, bad[i].error);
        }
}

static const char *const good[] = {
        "",
        "\n\n",
        "# only a comment in any language: \xc3\xa4\xe2\x80\xae\xff",
        "; likewise",
        RULE,
        "[Rule r]\nWho=*\nTarget=*\nAnswer=allow", /* no newline at the end */
        "\t[ Rule  a.b_c-1 ]\t\n  Who\t= * \nTarget =*\nAnswer= deny \n",
        RULE "Command=/bin/a\nCommand=/bin/b **\n",
        RULE "Command=\"/opt/a b/c\" \"\\xe2\\x80\\xae \\\"\\\\\\n\\t\"\n",
        RULE "Capabilities=\n",
        RULE "Capabilities=net_admin CAP_SYS_ADMIN Cap_Kill\n",
        RULE "EnvAllow=\n",
        RULE "EnvSet=A= B=x=y \"C=a b\"\n",
        RULE "When=Mon,Wed-Fri,Sun 08:00-12:00 13:00-24:00 from:2024-02-29 until:9999-12-31\n",
        RULE
        "Limits=sessions:1 per-minute:1 wall:500ms idle:7d cpu:1s memory:4096 pids:1 cpu-percent:100\n",
        RULE "ClientGone=kill hup keep keep-for:90s\n",
        "[Rule r]\nWho=user:a@b \"user:DOM\\\\a b\" group:g uid:0 uid:0-4294967294\nTarget=own *:x docker:* pid:*\n"
        "Answer=ask-self\n",
};

static void test_good(void **state) {
        for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
                char line[1024];

                first_error(good[i], strlen(good[i]), line, sizeof(line));
                if (line[0])
                        fail_msg("row %zu: \"%s\"", i, line);
        }
}

static void test_all_errors_are_told(void **state) {
        const char *text = "[Rule a]\nX=1\nWho=*\nTarget=bad\n[Nope]\nWho=1\n[Rule b]\nAnswer=x\n";
        struct policy_errors errors = { 0 };
        struct policy_set *set;
        static const unsigned lines[] = { 2, 4, 1, 5, 8, 7, 7 };

        assert_int_equal(rules_try(text, strlen(text), &set, &errors), 1);
        assert_int_equal(errors.n, 7);
        assert_int_equal(errors.n_errors, 7);
        for (size_t i = 0; i < errors.n; i++)
                assert_int_equal(errors.list[i].line, lines[i]);
        policy_errors_free(&errors);
        policy_set_unref(set);
}

static void test_errors_are_bounded(void **state) {
        char text[4096];
        struct policy_errors errors = { 0 };
        struct policy_set *set;

        for (size_t i = 0; i < sizeof(text); i += 2)
                memcpy(text + i, "x\n", 2);
        assert_int_equal(rules_try(text, sizeof(text), &set, &errors), 1);
        assert_int_equal(errors.n_errors, sizeof(text) / 2);
        assert_int_equal(errors.n, 100);
        policy_errors_free(&errors);
        policy_set_unref(set);
}

/* Every byte in every kind of place: an error at that byte, or rules that say what they said before. */
static void test_every_byte(void **state) {
        static const char *const places[] = {
                "[Rule r@]\nWho=*\nTarget=*\nAnswer=allow\n",
                "[Rule r]\n@Who=*\nTarget=*\nAnswer=allow\n",
                "[Rule r]\nWho=*@\nTarget=*\nAnswer=allow\n",
                "[Rule r]\nWho=*\nTarget=*\nAnswer=allow@\n",
                "[Rule r]\nWho=*\nTarget=*\nAnswer=allow\nCommand=/bin/x@\n",
                "[Rule r]\nWho=*\nTarget=*\nAnswer=allow\nCommand=/bin/x \"@\"\n",
        };
        unsigned refused_bytes = 0;

        for (size_t p = 0; p < sizeof(places) / sizeof(*places); p++)
                for (unsigned b = 0; b < 256; b++) {
                        char text[128], line[1024], shown[1024];
                        size_t len = strlen(places[p]);

                        memcpy(text, places[p], len);
                        text[strchr(places[p], '@') - places[p]] = (char)b;
                        first_error(text, len, line, sizeof(line));
                        for (const char *c = line; *c; c++)
                                assert_true(*c >= 0x20 && *c <= 0x7e); /* nothing raw is shown */
                        if (b < 0x20 && b != '\t' && b != '\n')
                                assert_non_null(strstr(line, b == '\r' ? "carriage return"
                                                                       : "control byte"));
                        snprintf(shown, sizeof(shown), "0x%02x", b);
                        if (b >= 0x80)
                                assert_non_null(strstr(line, shown));
                        refused_bytes += line[0] != '\0';
                }
        assert_true(refused_bytes > 6 * (128 + 30));
}

static void test_long_things(void **state) {
        char text[9000], line[1024];

        snprintf(text, sizeof(text), RULE "Command=/%0*d\n", 300, 0);
        first_error(text, strlen(text), line, sizeof(line));
        assert_non_null(strstr(line, "at most 255 bytes"));
        snprintf(text, sizeof(text), RULE "#%0*d\n", 5000, 0);
        first_error(text, strlen(text), line, sizeof(line));
        assert_non_null(strstr(line, "test.conf:5:4097: a line has at most 4096 bytes"));
        snprintf(text, sizeof(text), "[Rule %065d]\n", 0);
        first_error(text, strlen(text), line, sizeof(line));
        assert_non_null(strstr(line, "a rule's name is"));
        strcpy(text, RULE "EnvDeny=");
        for (unsigned i = 0; i < 257; i++)
                strcat(text, "a ");
        first_error(text, strlen(text), line, sizeof(line));
        assert_non_null(strstr(line, "at most 256 words"));
}

/* Random damage to a good file: it parses or it is refused, and neither reads outside (sanitized build). */
static void test_random_damage(void **state) {
        char text[2048], line[1024];
        unsigned seed = 1;

        for (unsigned round = 0; round < 20000; round++) {
                const char *from = good[(unsigned)rand_r(&seed) % (sizeof(good) / sizeof(*good))];
                size_t len = strlen(from);

                memcpy(text, from, len);
                for (unsigned k = 0; len && k < 3; k++)
                        text[(size_t)rand_r(&seed) % len] = (char)rand_r(&seed);
                if (len)
                        len -= (size_t)rand_r(&seed) % len / 4;
                first_error(text, len, line, sizeof(line));
        }
}

static void test_values_are_kept(void **state) {
        struct policy_set *set = rules(RULE "Command=/bin/a  *\nCommand=/bin/b\n");
        const struct policy_rule *rule = policy_set_rule(set, 0);

        assert_int_equal(policy_set_count(set), 1);
        assert_null(policy_set_rule(set, 1));
        assert_string_equal(policy_rule_value(rule, POLICY_KEY_COMMAND, 0), "/bin/a  *");
        assert_string_equal(policy_rule_value(rule, POLICY_KEY_COMMAND, 1), "/bin/b");
        assert_null(policy_rule_value(rule, POLICY_KEY_COMMAND, 2));
        assert_null(policy_rule_value(rule, POLICY_KEY_SECCOMP, 0));
        assert_string_equal(policy_rule_file(rule), "test.conf");
        assert_int_equal(policy_rule_answer(rule), POLICY_ALLOW);
        policy_set_unref(set);
}

static void test_frozen_takes_no_more(void **state) {
        struct policy_errors errors = { 0 };
        struct policy_set *set = rules(RULE);

        assert_true(policy_set_add(set, "x", "", 0, &errors) < 0);
        assert_true(policy_set_freeze(set, &errors) < 0);
        assert_ptr_equal(policy_set_ref(set), set);
        assert_null(policy_set_unref(set));
        assert_int_equal(policy_set_count(set), 1);
        assert_null(policy_set_unref(set));
        assert_null(policy_set_unref(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_all_errors_are_told),
                cmocka_unit_test(test_errors_are_bounded),
                cmocka_unit_test(test_every_byte),
                cmocka_unit_test(test_long_things),
                cmocka_unit_test(test_random_damage),
                cmocka_unit_test(test_values_are_kept),
                cmocka_unit_test(test_frozen_takes_no_more),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
