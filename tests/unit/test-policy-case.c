/* SPDX-License-Identifier: Apache-2.0 */
/* Test cases of administrators: what a case says becomes exactly that request, and a wrong expectation is told. */
#include "policy-test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/caps.h"
#include "policy/case.h"
#include "policy/check.h"

#define LEAST \
        "[Case c]\nCaller=uid:1000 user:alice\nTarget=podman:web-1\nCommand=/usr/bin/id -u\nExpect=allow\n"

static int cases_try(const char *text, struct policy_cases **ret, char *line, size_t size) {
        struct policy_errors errors = { 0 };
        int r;

        assert_int_equal(policy_cases_new(ret), 0);
        r = policy_cases_add(*ret, "t.case", text, strlen(text), &errors);
        line[0] = '\0';
        if (errors.n)
                policy_error_text(&errors.list[0], line, size);
        policy_errors_free(&errors);
        return r;
}

static struct policy_cases *cases(const char *text) {
        struct policy_cases *ret;
        char line[512];

        if (cases_try(text, &ret, line, sizeof(line)) != 0)
                fail_msg("%s", line);
        return ret;
}

static void test_least(void **state) {
        struct policy_cases *all = cases(LEAST);
        const struct policy_request *req = &policy_cases_get(all, 0)->request;

        assert_int_equal(policy_cases_count(all), 1);
        assert_int_equal(req->caller.uid, 1000);
        assert_string_equal(req->caller.name, "alice");
        assert_int_equal(req->caller.active, POLICY_UNKNOWN);
        assert_null(req->caller.unit);
        assert_string_equal(req->target.engine, "podman");
        assert_string_equal(req->target.name, "web-1");
        assert_true(req->target.image_known && req->target.labels_known);
        assert_false(req->target.owner_known);
        assert_int_equal(req->n_argv, 2);
        assert_string_equal(req->argv[1], "-u");
        assert_true(req->user.resolved && req->user.uid == 1000 && req->user.gid == 1000);
        assert_int_equal(req->user.is_default, POLICY_YES);
        assert_false(req->time.known || req->tty || req->privileged);
        assert_int_equal(policy_cases_get(all, 0)->expect, POLICY_ALLOW);
        policy_cases_free(all);
}

static void test_everything(void **state) {
        struct policy_cases *all = cases(
                LEAST
                "Active=yes\nUnit=a.service\nCgroup=/a\nTargetId=0123\nImage=i\nLabel=a=b \"c=d e\"\n"
                "Owner=uid:5 user:o\nOwn=no\nUser=app\nUid=0\nGid=7\nGids=8 9\nDefaultUser=unknown\n"
                "Groups=disk=6 5 wheel\nCapabilities=CAP_KILL\nPrivileged=yes\nTty=yes\nSeccomp=x\n"
                "SELinuxLabel=l\nReason=\"a b\"\nNoNewPrivileges=no\nFds=2 pipe file\nEnv=A=1 B=\n"
                "ClientGone=keep-for:2m\nLimits=wall:1s memory:1K\nWhen=2026-11-25 10:30\nSessions=3\nStarts=4\n"
                "Rule=r\n");
        const struct policy_request *req = &policy_cases_get(all, 0)->request;

        assert_int_equal(req->caller.active, POLICY_YES);
        assert_string_equal(req->target.labels[1].value, "d e");
        assert_true(req->target.owner_known && req->target.owner_uid == 5);
        assert_true(req->user.uid == 0 && req->user.gid == 7 && req->user.groups[1] == 9);
        assert_int_equal(req->user.is_default, POLICY_UNKNOWN);
        assert_true(req->user.asked_groups[0].resolved && req->user.asked_groups[0].gid == 6);
        assert_true(req->user.asked_groups[1].resolved && req->user.asked_groups[1].gid == 5);
        assert_false(req->user.asked_groups[2].resolved);
        assert_true(req->caps == CAPS_BIT(5) && req->privileged && req->tty);
        assert_int_equal(req->no_new_privs, POLICY_NO);
        assert_true(req->n_extra_fds == 2 && req->fd_kinds == (POLICY_FD_PIPE | POLICY_FD_FILE));
        assert_true(req->n_env == 2 && req->client_gone == POLICY_GONE_KEEP_FOR &&
                    req->keep_for_s == 120);
        assert_true(req->limits.wall_ms == 1000 && req->limits.memory == 1024);
        assert_true(req->time.known && req->time.weekday == 2 && req->time.minute == 630);
        assert_true(req->quota.sessions == 3 && req->quota.starts_last_min == 4);
        policy_cases_free(all);
}

static void test_weekdays(void **state) {
        static const struct {
                const char *date;
                int weekday;
        } rows[] = { { "2024-02-29", 3 },
                     { "2000-01-01", 5 },
                     { "1970-01-01", 3 },
                     { "2026-03-01", 6 },
                     { "0001-01-01", 0 } };

        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                char text[256];
                struct policy_cases *all;

                snprintf(text, sizeof(text), LEAST "When=%s 00:00\n", rows[i].date);
                all = cases(text);
                assert_int_equal(policy_cases_get(all, 0)->request.time.weekday, rows[i].weekday);
                policy_cases_free(all);
        }
}

static const struct {
        const char *text, *error;
} bad[] = {
        { "[Case c]\nCaller=uid:1\n", "t.case:1:1: the case c has no Target=" },
        { "[Rule c]\n", "t.case:1:2: unknown section Rule; did you mean Case?" },
        { "Target=x:y\n", "t.case:1:1: a key outside of a [Case NAME]" },
        { LEAST "Comand=x\n", "t.case:6:1: unknown key Comand; did you mean Command?" },
        { LEAST "Target=podman:x\n", "t.case:6:1: Target is given twice in this case" },
        { LEAST "Unit=a b\n", "t.case:6:8: Unit= takes one word" },
        { LEAST "Unit=\n", "t.case:6:6: Unit= takes one word" },
        { LEAST "Uid=-1\n", "t.case:6:5: -1 is not a uid" },
        { LEAST "When=2026-02-30 10:00\n", "t.case:6:6: 2026-02-30 is not part of" },
        { LEAST "When=2026-02-20\n", "t.case:6:6: 2026-02-20 is not part of" },
        { LEAST "Groups==5\n", "t.case:6:8: =5 is not NAME=N" },
        { LEAST "Groups=a=b\n", "t.case:6:8: a=b is not NAME=N" },
        { LEAST "Env=A\n", "t.case:6:5: A is not NAME=VALUE" },
        { LEAST "Limits=sessions:1\n", "t.case:6:8: sessions: and per-minute: are of rules only" },
        { LEAST "Capabilities=all\n", "t.case:6:14: all is not the name of a capability" },
        { LEAST "Fds=1 2\n", "t.case:6:7: 2 is not one number" },
        { "[Case c]\nCaller=user:x\n", "t.case:2:1: Caller= has no uid:N" },
        { "[Case c]\nTarget=podmn:x\n", "t.case:2:8: podmn:x is not of a known engine" },
        { "[Case c]\nExpect=yes\n", "t.case:2:8: unknown value yes" },
};

static void test_bad(void **state) {
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                struct policy_cases *all;
                char line[512];

                assert_int_equal(cases_try(bad[i].text, &all, line, sizeof(line)), 1);
                if (strncmp(line, bad[i].error, strlen(bad[i].error)) != 0)
                        fail_msg("row %zu: \"%s\", not \"%s\"", i, line, bad[i].error);
                policy_cases_free(all);
        }
}

static void test_check(void **state) {
        struct policy_set *set = rules(HEAD ALLOW);
        struct policy_cases *all = cases(
                LEAST
                "Rule=r\n[Case d]\nCaller=uid:1\nTarget=podman:x\nCommand=/x\nExpect=deny\n"
                "[Case e]\nCaller=uid:1\nTarget=podman:x\nCommand=/x\nExpect=allow\nRule=none\n");
        struct policy_verdict got;
        char line[256];

        assert_int_equal(policy_case_check(set, policy_cases_get(all, 0), &got), 0);
        assert_int_equal(policy_case_check(set, policy_cases_get(all, 1), &got), 1);
        policy_case_text(policy_cases_get(all, 1), &got, line, sizeof(line));
        assert_string_equal(line, "t.case:7: d: allow by rule r (test.conf:1), expected deny");
        assert_int_equal(policy_case_check(set, policy_cases_get(all, 2), &got), 1);
        assert_null(policy_cases_get(all, 3));
        policy_cases_free(all);
        policy_set_unref(set);
}

static char folder[] = "/tmp/airlock-check-XXXXXX";

static void put(const char *name, const char *text) {
        char path[128];
        int fd;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static void say(void *data, const struct policy_finding *finding) {
        strncat(data, finding->line, 4000 - strlen(data));
        strcat(data, "\n");
}

/* A folder that is writable by everybody, as somebody's CI has it. */
static void test_check_folder(void **state) {
        char said[4096] = "", path[128];
        struct policy_check result;

        assert_non_null(mkdtemp(folder));
        assert_int_equal(chmod(folder, 0777), 0);
        put("a.conf", HEAD ALLOW);
        put("a.case", LEAST);
        assert_int_equal(policy_check_folder(folder, say, said, &result), 0);
        assert_string_equal(said, "");
        assert_int_equal(result.n_rules, 1);
        assert_int_equal(result.n_cases, 1);
        put("a.case", "[Case c]\nCaller=uid:1\nTarget=podman:x\nCommand=/x\nExpect=deny\n");
        assert_int_equal(policy_check_folder(folder, say, said, &result), 1);
        assert_int_equal(result.n_failed, 1);
        assert_non_null(strstr(said, "a.case:1: c: allow by rule r ("));
        said[0] = '\0';
        put("a.conf", HEAD "Unit=a\nCommand=/bin/rm **\nAsUser=app\nAnswer=deny\n");
        assert_int_equal(policy_check_folder(folder, say, said, &result), 0);
        assert_int_equal(result.n_warnings, 3);
        assert_non_null(
                strstr(said, "a.conf:4:1: warning: the rule r denies nothing where the bus"));
        said[0] = '\0';
        put("a.conf", HEAD "When=until:2020-02-29\nAnswer=allow\n[Rule s]\nWho=*\nTarget=*\n"
                           "When=from:2999-01-02 until:2999-01-01\nAnswer=allow\n");
        put("a.case", "");
        assert_int_equal(policy_check_folder(folder, say, said, &result), 0);
        assert_int_equal(result.n_warnings, 2);
        assert_non_null(strstr(said, "a.conf:4:1: warning: the rule r never matches any more"));
        assert_non_null(strstr(said, "a.conf:9:1: warning: the rule s never matches: its from:"));
        said[0] = '\0';
        put("a.conf", HEAD);
        put("a.case", "[Case c]\n");
        assert_int_equal(policy_check_folder(folder, say, said, &result), 1);
        assert_int_equal(result.n_errors, 5);
        assert_non_null(strstr(said, "has no Answer="));
        for (const char *const *name = (const char *const[]){ "a.conf", "a.case", NULL }; *name;
             name++) {
                snprintf(path, sizeof(path), "%s/%s", folder, *name);
                unlink(path);
        }
        rmdir(folder);
        assert_true(policy_check_folder(folder, say, said, &result) < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_least),    cmocka_unit_test(test_everything),
                cmocka_unit_test(test_weekdays), cmocka_unit_test(test_bad),
                cmocka_unit_test(test_check),    cmocka_unit_test(test_check_folder),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
