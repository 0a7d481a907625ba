/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of rules: precedence, masks, and every way in which somebody else than root could have written them. Needs root. */
#include "policy-test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "policy/load.h"

#define RULE(name, answer) "[Rule " name "]\nWho=*\nTarget=*\nAnswer=" answer "\n"

static char base[] = "/run/airlock-policy-XXXXXX";
static char folders_text[3][128];
static const char *const folders[] = { folders_text[0], folders_text[1], folders_text[2] };
static struct policy_sources sources = { .folders = folders, .n_folders = 3 };

static const char *path(const char *folder, const char *name) {
        static char ret[256];

        snprintf(ret, sizeof(ret), "%s/%s/policy.d/%s", base, folder, name);
        return ret;
}

static void put(const char *folder, const char *name, const char *text) {
        int fd = open(path(folder, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        assert_int_equal(close(fd), 0);
        assert_int_equal(chmod(path(folder, name), 0644), 0);
        assert_int_equal(chown(path(folder, name), 0, 0), 0);
}

static void clear(void) {
        static const char *const names[] = { "lib", "run", "etc" };
        static const char *const files[] = { "a.conf", "b.conf", "c.conf", "a.txt" };

        for (size_t i = 0; i < 3; i++)
                for (size_t k = 0; k < 4; k++)
                        unlink(path(names[i], files[k]));
}

static int setup(void **state) {
        static const char *const names[] = { "lib", "run", "etc" };
        char text[256];

        if (geteuid() != 0 || !mkdtemp(base) || chmod(base, 0755) < 0)
                return -1;
        for (size_t i = 0; i < 3; i++) {
                snprintf(text, sizeof(text), "%s/%s", base, names[i]);
                if (mkdir(text, 0755) < 0)
                        return -1;
                snprintf(folders_text[i], sizeof(folders_text[i]), "%s/%s/policy.d", base,
                         names[i]);
                if (mkdir(folders_text[i], 0755) < 0)
                        return -1;
        }
        return 0;
}

static int teardown(void **state) {
        static const char *const names[] = { "lib", "run", "etc" };
        char text[256];

        clear();
        for (size_t i = 0; i < 3; i++) {
                rmdir(folders_text[i]);
                snprintf(text, sizeof(text), "%s/%s", base, names[i]);
                rmdir(text);
        }
        return rmdir(base);
}

/* What the set that is loaded answers, or how it is refused. */
static int load(struct policy_set **ret, char *message, size_t size) {
        struct policy_errors errors = { 0 };
        int r = policy_load(&sources, ret, &errors);

        message[0] = '\0';
        if (errors.n)
                policy_error_text(&errors.list[0], message, size);
        policy_errors_free(&errors);
        return r;
}

static void loads(const char *wanted) {
        struct policy_request req = plain();
        struct policy_set *set = NULL;
        char message[512];
        struct policy_verdict v;

        assert_int_equal(load(&set, message, sizeof(message)), 0);
        v = decide(set, &req);
        assert_string_equal(v.rule ? policy_rule_name(v.rule) : "none", wanted);
        policy_set_unref(set);
}

static void fails(const char *wanted) {
        struct policy_set *set = NULL;
        char message[512];

        assert_int_equal(load(&set, message, sizeof(message)), 1);
        assert_null(set);
        if (!strstr(message, wanted))
                fail_msg("%s does not say: %s", message, wanted);
}

static void test_nothing_is_a_denial(void **state) {
        clear();
        loads("none");
}

static void test_order_and_precedence(void **state) {
        clear();
        put("lib", "b.conf", RULE("lib-b", "allow"));
        loads("lib-b");
        put("etc", "c.conf", RULE("etc-c", "allow"));
        loads("lib-b"); /* by name, not by folder */
        put("run", "a.conf", RULE("run-a", "allow"));
        loads("run-a");
        put("etc", "a.conf", RULE("etc-a", "allow"));
        loads("etc-a"); /* hides the one in run */
        put("lib", "a.txt", "nonsense");
        loads("etc-a");
}

static void test_masks(void **state) {
        clear();
        put("lib", "a.conf", RULE("lib-a", "allow"));
        put("lib", "b.conf", RULE("lib-b", "allow"));
        assert_int_equal(symlink("/dev/null", path("etc", "a.conf")), 0);
        loads("lib-b");
        unlink(path("etc", "a.conf"));
        assert_int_equal(symlink("/dev/nul", path("etc", "a.conf")), 0);
        fails("is a link, and not one to /dev/null");
        unlink(path("etc", "a.conf"));
        assert_int_equal(symlink("/dev/null2", path("etc", "a.conf")), 0);
        fails("is a link, and not one to /dev/null");
}

static void test_all_or_nothing(void **state) {
        clear();
        put("lib", "a.conf", RULE("lib-a", "allow"));
        put("etc", "b.conf", "[Rule b]\nWho=*\n");
        fails("b.conf:1:1: the rule b has no Target=");
        put("etc", "b.conf", RULE("lib-a", "allow")); /* one name twice, in two files */
        fails("a rule lib-a stands at");
        put("etc", "b.conf", RULE("b", "allow"));
        loads("lib-a");
}

static void test_files_of_others(void **state) {
        clear();
        put("etc", "a.conf", RULE("a", "allow"));
        loads("a");
        assert_int_equal(chown(path("etc", "a.conf"), 1000, 0), 0);
        fails("a.conf: does not belong to root");
        assert_int_equal(chown(path("etc", "a.conf"), 0, 1000), 0);
        loads("a"); /* a group that may only read is harmless */
        assert_int_equal(chmod(path("etc", "a.conf"), 0664), 0);
        fails("a.conf: may be written by others");
        assert_int_equal(chmod(path("etc", "a.conf"), 0646), 0);
        fails("a.conf: may be written by others");
        unlink(path("etc", "a.conf"));
        assert_int_equal(mkfifo(path("etc", "a.conf"), 0644), 0);
        fails("a.conf: is no regular file");
        unlink(path("etc", "a.conf"));
        assert_int_equal(mkdir(path("etc", "a.conf"), 0755), 0);
        fails("a.conf: is no regular file");
        rmdir(path("etc", "a.conf"));
}

/* Each folder on the way, in turn. */
static void test_folders_of_others(void **state) {
        char etc[128];
        const char *const on_the_way[] = { base, etc, folders_text[2] };

        clear();
        put("etc", "a.conf", RULE("a", "allow"));
        snprintf(etc, sizeof(etc), "%s/etc", base);
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(chown(on_the_way[i], 1000, 0), 0);
                fails("does not belong to root");
                assert_int_equal(chown(on_the_way[i], 0, 0), 0);
                assert_int_equal(chmod(on_the_way[i], 0775), 0);
                fails("may be written by others");
                assert_int_equal(chmod(on_the_way[i], 01777), 0);
                fails("may be written by others");
                assert_int_equal(chmod(on_the_way[i], 0755), 0);
                loads("a");
        }
}

static void test_a_folder_that_is_a_link(void **state) {
        char moved[256];

        clear();
        put("etc", "a.conf", RULE("a", "allow"));
        snprintf(moved, sizeof(moved), "%s/etc/moved", base);
        assert_int_equal(rename(folders_text[2], moved), 0);
        assert_int_equal(symlink("moved", folders_text[2]), 0);
        fails("reached through a link");
        assert_int_equal(unlink(folders_text[2]), 0);
        loads("none"); /* no folder, no rules */
        assert_int_equal(rename(moved, folders_text[2]), 0);
        loads("a");
}

static void test_own_rules_may_be_checked_by_anybody(void **state) {
        clear();
        put("etc", "a.conf", RULE("a", "allow"));
        assert_int_equal(chown(path("etc", "a.conf"), 1000, 1000), 0);
        sources.any_owner = true;
        loads("a");
        sources.any_owner = false;
        fails("does not belong to root");
}

static void test_bytes(void **state) {
        static char big[(4u << 20) + 2];

        clear();
        memset(big, '#', sizeof(big) - 1);
        put("etc", "a.conf", big);
        fails("at most");
        put("etc", "a.conf", "");
        loads("none");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_is_a_denial),
                cmocka_unit_test(test_order_and_precedence),
                cmocka_unit_test(test_masks),
                cmocka_unit_test(test_all_or_nothing),
                cmocka_unit_test(test_files_of_others),
                cmocka_unit_test(test_folders_of_others),
                cmocka_unit_test(test_a_folder_that_is_a_link),
                cmocka_unit_test(test_own_rules_may_be_checked_by_anybody),
                cmocka_unit_test(test_bytes),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
