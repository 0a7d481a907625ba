/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling's text: every key with good and bad values; what it does not know is an error, never a guess. */
#include "helper/ceiling.h"

#include "common/caps.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ceiling c;
static struct ceiling_error error;

static int parse(const char *text) {
        memset(&c, 0x5a, sizeof(c)); /* nothing of what was there before counts */
        assert_true(strlen(text) < sizeof(c.text));
        strcpy(c.text, text);
        return ceiling_parse(&c, &error);
}

static void test_built_in(void **state) {
        assert_int_equal(parse(""), 0);
        assert_true(c.plain_caps == CAPS_ALL);
        assert_true(c.privileged_caps == 0);
        assert_false(c.privileged_into_ptrace);
        assert_true(c.allow_uid0);
        assert_true(c.allow_other_user);
        assert_false(c.allow_unconfined);
        assert_int_equal(c.fd_kinds, FD_KIND_PIPE);
        assert_int_equal(c.sessions, LIMIT_SESSIONS);
        assert_int_equal(c.rate, LIMIT_RATE_PER_S);
        assert_true(c.n_patterns > 5 && c.n_patterns <= LIMIT_CEILING_PATTERNS);
        assert_true(c.n_dirs > 3 && c.n_dirs <= LIMIT_CEILING_DIRS);
}

static void test_built_in_patterns(void **state) {
        static const char *const fits[] = {
                "/system.slice/docker-0123456789abcdef.scope",
                "/docker/0123456789abcdef",
                "/machine.slice/libpod-1.scope",
                "/machine.slice/libpod-1.scope/container",
                "/lxc.payload.web",
                "/machine.slice/machine-web.scope",
        };
        static const char *const others[] = {
                "/",
                "",
                "/docker",
                "/docker/a/b",
                "/user.slice/docker/a",
                "/user.slice/alice/system.slice/docker-1.scope",
                "/system.slice/docker-1.scope/x",
                "/system.slice/sshd.service",
                "docker/a",
                "/user.slice/user-1000.slice/docker-1.scope",
                "/system.slice/docker-1.scope/../sshd.service",
                "/libpod-1",
                "/machine.slice/libpod-1.scope/other",
                "/init.scope",
        };

        assert_int_equal(parse("# nothing\n\n  \t\n"), 0);
        for (unsigned i = 0; i < sizeof(fits) / sizeof(*fits); i++)
                assert_true(ceiling_allows_cgroup(&c, fits[i]));
        for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
                assert_false(ceiling_allows_cgroup(&c, others[i]));
}

static void test_every_key(void **state) {
        assert_int_equal(parse("CgroupPattern=/a/*  /b?\nCgroupPattern=/c\n"
                               "PlainCaps=CAP_KILL net_raw\n"
                               "PrivilegedCaps=all\n"
                               "PrivilegedIntoPtrace=yes\r\n"
                               "  AllowUid0=no  \n"
                               "AllowOtherUser=no\nAllowUnconfined=yes\n"
                               "FdKinds=pipe inet inet-listen unix file\n"
                               "OpenDirs=/x /y\nOpenDirs=/z\n"
                               "Sessions=1\nRate=2000"),
                         0);
        assert_int_equal(c.n_patterns, 3);
        assert_true(ceiling_allows_cgroup(&c, "/a/b"));
        assert_false(ceiling_allows_cgroup(&c, "/a/b/c"));
        assert_true(ceiling_allows_cgroup(&c, "/bb"));
        assert_true(ceiling_allows_cgroup(&c, "/c"));
        assert_false(ceiling_allows_cgroup(&c, "/docker/x"));
        assert_true(c.plain_caps == (CAPS_BIT(5) | CAPS_BIT(13)));
        assert_true(c.privileged_caps == CAPS_ALL);
        assert_true(c.privileged_into_ptrace && c.allow_unconfined);
        assert_false(c.allow_uid0 || c.allow_other_user);
        assert_int_equal(c.fd_kinds, FD_KIND_PIPE | FD_KIND_INET | FD_KIND_INET_LISTEN |
                                             FD_KIND_UNIX | FD_KIND_FILE);
        assert_int_equal(c.n_dirs, 3);
        assert_true(ceiling_lists_dir(&c, "/z"));
        assert_false(ceiling_lists_dir(&c, "/z/"));
        assert_false(ceiling_lists_dir(&c, "/run/crun"));
        assert_int_equal(c.sessions, 1);
        assert_int_equal(c.rate, 2000);
}

static void test_empty_lists(void **state) {
        assert_int_equal(
                parse("CgroupPattern=\nOpenDirs=\nPlainCaps=\nPrivilegedCaps=\nFdKinds=\n"), 0);
        assert_int_equal(c.n_patterns, 0);
        assert_int_equal(c.n_dirs, 0);
        assert_false(ceiling_allows_cgroup(&c, "/docker/x"));
        assert_true(c.plain_caps == 0 && c.privileged_caps == 0);
        assert_int_equal(c.fd_kinds, FD_KIND_PIPE);
}

static void test_bad_lines(void **state) {
        static const char *const bad[] = {
                "AllowUid0",
                "=yes",
                "allowuid0=yes",
                "AllowUid0 =yes",
                "AllowUid0=",
                "AllowUid0=Yes",
                "AllowUid0=true",
                "AllowUid0=1",
                "AllowUid0=yes no",
                "AllowUid0=yes#",
                "PlainCaps=all",
                "PlainCaps=CAP_NONE",
                "PlainCaps=CAP_KILL,CAP_CHOWN",
                "PrivilegedCaps=target",
                "PrivilegedCaps=-1",
                "FdKinds=tty",
                "FdKinds=pipe,inet",
                "FdKinds=PIPE",
                "Sessions=0",
                "Sessions=",
                "Sessions=-1",
                "Sessions=4097",
                "Sessions=1 2",
                "Sessions=0x10",
                "Sessions=18446744073709551617",
                "Rate=0",
                "Rate=2001",
                "Rate=1.5",
                "CgroupPattern=a",
                "CgroupPattern=/a b",
                "OpenDirs=run",
                "OpenDirs=/a ./b",
                "Unknown=1",
                "[Ceiling]",
                "; comment",
                "\xef\xbb\xbf# comment",
                "AllowUid0=no=",
        };

        for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                char text[256];

                snprintf(text, sizeof(text), "# one\nRate=7\n%s\nRate=8\n", bad[i]);
                if (parse(text) != -EINVAL)
                        fail_msg("taken: %s", bad[i]);
                assert_int_equal(error.line, 3);
                assert_non_null(error.what);
        }
}

static void test_list_bounds(void **state) {
        char text[8192];

        for (unsigned n = LIMIT_CEILING_PATTERNS - 1; n <= LIMIT_CEILING_PATTERNS + 1; n++) {
                size_t used = (size_t)snprintf(text, sizeof(text), "CgroupPattern=");

                for (unsigned i = 0; i < n; i++)
                        used += (size_t)snprintf(text + used, sizeof(text) - used, "/p%u ", i);
                assert_int_equal(parse(text), n > LIMIT_CEILING_PATTERNS ? -EINVAL : 0);
                memcpy(text, "     OpenDirs=", 14);
                assert_int_equal(parse(text), n > LIMIT_CEILING_DIRS ? -EINVAL : 0);
        }
}

static void test_patterns(void **state) {
        static const struct {
                const char *pattern, *path;
                bool fits;
        } rows[] = {
                { "/a/*", "/a/b", true },    { "/a/*", "/a/", true },   { "/a/*", "/a", false },
                { "/a/*", "/a/b/c", false }, { "/*", "/", true },       { "/*", "/a/b", false },
                { "/a*", "/a/b", false },    { "/a?b", "/a/b", false }, { "/a[/]b", "/a/b", false },
                { "/[ab]/c", "/b/c", true }, { "/a\\*", "/a*", false }, { "/a", "/a", true },
                { "/a", "/A", false },       { "/.a", "/.a", true },    { "/*", "/.a", true },
        };

        for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                char text[64];

                snprintf(text, sizeof(text), "CgroupPattern=%s", rows[i].pattern);
                assert_int_equal(parse(text), 0);
                if (ceiling_allows_cgroup(&c, rows[i].path) != rows[i].fits)
                        fail_msg("%s and %s", rows[i].pattern, rows[i].path);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_built_in),  cmocka_unit_test(test_built_in_patterns),
                cmocka_unit_test(test_every_key), cmocka_unit_test(test_empty_lists),
                cmocka_unit_test(test_bad_lines), cmocka_unit_test(test_list_bounds),
                cmocka_unit_test(test_patterns),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
