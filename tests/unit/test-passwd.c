/* SPDX-License-Identifier: Apache-2.0 */
/* passwd and group of a hostile container: a line that is not exactly right does not exist. */
#include "broker/passwd.h"

#include "broker/string-list.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "alice:x:1000:1001:Alice,,,:/home/alice:/bin/bash\n"
                             "short:x:5:5:only:/six\n"
                             "long:x:6:6::/:/bin/sh:more\n"
                             "minus:x:-1:0::/:/bin/sh\n"
                             "over:x:4294967296:0::/:/bin/sh\n"
                             "nobody32:x:4294967295:0::/:/bin/sh\n"
                             "octal:x:0000:0::/:/bin/sh\n"
                             "plus:x:+0:0::/:/bin/sh\n"
                             "blank:x: 0:0::/:/bin/sh\n"
                             "hex:x:0x0:0::/:/bin/sh\n"
                             ":x:77:77::/:/bin/sh\n"
                             "bob:x:1002:100::relative:sh\n"
                             "alice:x:0:0:again:/root:/bin/sh\n"
                             "big:x:4294967294:4294967294::/big:/bin/sh\n"
                             "last:x:9:9::/last:/bin/last";

static const char groups[] = "root:x:0:\nwheel:x:10:alice,bob\nstaff:x:50:bob,alice\nbad:x:-1:alice\nthree:x:60\n"
                             "again:x:10:alice\nnear:x:70:alicea,xalice\nodd::80:,alice,\n";

static void finds(void **state) {
        struct passwd_user user;

        assert_true(passwd_find(passwd, strlen(passwd), "alice", 0, &user));
        assert_int_equal(user.uid, 1000);
        assert_int_equal(user.gid, 1001);
        assert_string_equal(user.home, "/home/alice");
        assert_string_equal(user.shell, "/bin/bash");
        assert_true(passwd_find(passwd, strlen(passwd), NULL, 1002, &user));
        assert_string_equal(user.name, "bob");
        assert_string_equal(user.home, "");
        assert_true(passwd_find(passwd, strlen(passwd), "last", 0, &user));
        assert_true(passwd_find(passwd, strlen(passwd), "big", 0, &user));
        assert_int_equal(user.uid, 4294967294u);
}

static void malformed(void **state) {
        static const char *const absent[] = { "short", "long", "minus", "over", "nobody32", "octal", "plus", "blank", "hex", "", "nosuch", "root:x" };
        struct passwd_user user;

        for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
                assert_false(passwd_find(passwd, strlen(passwd), absent[i], 0, &user));
        assert_false(passwd_find(passwd, strlen(passwd), NULL, 77, &user));
        assert_false(passwd_find("", 0, "root", 0, &user));
        assert_false(passwd_find("\n\n::\n", 5, "root", 0, &user));
        /* A NUL in the line, and a file that ends in the middle of one. */
        assert_false(passwd_find("root\0:x:0:0::/:/\n", 17, "root", 0, &user));
        assert_false(passwd_find("root:x:0:0::/:/bin", 11, "root", 0, &user));
}

static void group_lines(void **state) {
        uint32_t gid, list[LIMIT_GROUPS], n = 0;

        assert_true(passwd_find_group(groups, strlen(groups), "staff", &gid));
        assert_int_equal(gid, 50);
        assert_false(passwd_find_group(groups, strlen(groups), "bad", &gid));
        assert_false(passwd_find_group(groups, strlen(groups), "three", &gid));
        assert_true(passwd_member_groups(groups, strlen(groups), "alice", list, &n));
        assert_int_equal(n, 3); /* 10 once, 50, 80; not 70 */
        assert_int_equal(list[0], 10);
        assert_int_equal(list[1], 50);
        assert_int_equal(list[2], 80);
}

static void too_many(void **state) {
        char text[4096] = "";
        uint32_t list[LIMIT_GROUPS], n = 0;

        for (unsigned i = 0; i <= LIMIT_GROUPS; i++)
                snprintf(text + strlen(text), sizeof text - strlen(text), "g%u:x:%u:eve\n", i, 1000 + i);
        assert_false(passwd_member_groups(text, strlen(text), "eve", list, &n));
        assert_int_equal(n, LIMIT_GROUPS);
}

struct row {
        const char *user;
        const char *group;
        bool files;
        int result;
        uint32_t uid;
        uint32_t gid;
        uint32_t n_groups;
        const char *home;
};

static const struct row rows[] = {
        { NULL, NULL, true, 0, 7, 8, 1, "/" },
        { "alice", NULL, true, 0, 1000, 1001, 3, "/home/alice" },
        { "alice:staff", NULL, true, 0, 1000, 50, 0, "/home/alice" },
        { "alice:0", NULL, true, 0, 1000, 0, 0, "/home/alice" },
        { "1000", NULL, true, 0, 1000, 1001, 3, "/home/alice" },
        { "1000:5", NULL, true, 0, 1000, 5, 0, "/home/alice" },
        { "12345", NULL, true, 0, 12345, 0, 0, "/" },
        { "12345", NULL, false, 0, 12345, 0, 0, "/" },
        { "12345:6", NULL, false, 0, 12345, 6, 0, "/" },
        { "0", NULL, true, 0, 0, 0, 0, "/root" },
        { "root", "staff", true, 0, 0, 50, 0, "/root" },
        { "bob", NULL, true, 0, 1002, 100, 2, "/" },
        { "alice", NULL, false, OUTCOME_BAD_USER, 0, 0, 0, NULL },
        { "eve", NULL, true, OUTCOME_BAD_USER, 0, 0, 0, NULL },
        { "1000:nosuch", NULL, true, OUTCOME_BAD_USER, 0, 0, 0, NULL },
        { "1000:staff", NULL, false, OUTCOME_BAD_USER, 0, 0, 0, NULL },
        { "root", "nosuch", true, OUTCOME_BAD_USER, 0, 0, 0, NULL },
        { "minus", NULL, true, OUTCOME_BAD_USER, 0, 0, 0, NULL },
};

static void resolves(void **state) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                const struct row *row = &rows[i];
                struct identity identity = { .uid = 7, .gid = 8, .groups = { 9 }, .n_groups = 1 };
                struct passwd_query query = { .user = row->user, .group = row->group };
                struct error error;

                if (row->files)
                        query = (struct passwd_query){ row->user, row->group, NULL, passwd, strlen(passwd), groups, strlen(groups) };
                assert_int_equal(passwd_resolve(&query, &identity, &error), row->result);
                if (row->result)
                        continue;
                assert_int_equal(identity.uid, row->uid);
                assert_int_equal(identity.gid, row->gid);
                assert_int_equal(identity.n_groups, row->n_groups);
                assert_string_equal(identity.home, row->home);
        }
}

/* The shell is the user's of the last word on who it is; who has none, or an odd one, has /bin/sh. */
static void shells(void **state) {
        static const char *const table[][2] = { { "alice", "/bin/bash" }, { "1000", "/bin/bash" }, { "bob", "/bin/sh" },
                                                { "12345", "/bin/sh" },   { NULL, "/bin/sh" },     { "root", "/bin/sh" } };
        struct error error;

        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
                struct identity identity = { .uid = 7 };
                struct passwd_query query = { table[i][0], NULL, NULL, passwd, strlen(passwd), groups, strlen(groups) };

                assert_int_equal(passwd_resolve(&query, &identity, &error), 0);
                assert_string_equal(identity.shell, table[i][1]);
        }
}

static void adds_groups(void **state) {
        struct strings more = { 0 };
        struct identity identity = { 0 };
        struct passwd_query query = { "alice:staff", NULL, &more, passwd, strlen(passwd), groups, strlen(groups) };
        struct error error;

        strings_add(&more, "wheel", 5);
        strings_add(&more, "4000", 4);
        strings_index(&more);
        assert_int_equal(passwd_resolve(&query, &identity, &error), 0);
        assert_int_equal(identity.n_groups, 2);
        assert_int_equal(identity.groups[0], 10);
        assert_int_equal(identity.groups[1], 4000);
        /* The rules are asked about each group that was named: with the user, then the others. */
        assert_int_equal(identity.n_asked_groups, 3);
        assert_int_equal(identity.asked_groups[0], 50);
        assert_int_equal(identity.asked_groups[2], 4000);
        strings_clear(&more);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(finds),    cmocka_unit_test(malformed), cmocka_unit_test(group_lines),
                                            cmocka_unit_test(too_many), cmocka_unit_test(resolves),  cmocka_unit_test(adds_groups), cmocka_unit_test(shells) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
