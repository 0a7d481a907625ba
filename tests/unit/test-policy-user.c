/* SPDX-License-Identifier: Apache-2.0 */
/* Spellings of users and groups (SECURITY P4): each is exactly one identity, or refused. */
#include "policy-test.h"

struct row {
        const char *text;
        bool ok, user_is_number, has_group, group_is_number;
        uint32_t uid, gid;
};

static const struct row rows[] = {
        { "0", true, true, false, false, 0, 0 },
        { "1", true, true, false, false, 1, 0 },
        { "1000", true, true, false, false, 1000, 0 },
        { "65534", true, true, false, false, 65534, 0 },
        { "65535", true, true, false, false, 65535, 0 },
        { "65536", true, true, false, false, 65536, 0 },
        { "2147483647", true, true, false, false, 2147483647, 0 },
        { "2147483648", true, true, false, false, 2147483648u, 0 },
        { "4294967294", true, true, false, false, 4294967294u, 0 },
        { "root", true, false, false, false, 0, 0 },
        { "app", true, false, false, false, 0, 0 },
        { "_apt", true, false, false, false, 0, 0 },
        { "a", true, false, false, false, 0, 0 },
        { "www-data", true, false, false, false, 0, 0 },
        { "first.last", true, false, false, false, 0, 0 },
        { "Machine$", true, false, false, false, 0, 0 },
        { "user1", true, false, false, false, 0, 0 },
        { "1000:1000", true, true, true, true, 1000, 1000 },
        { "app:0", true, false, true, true, 0, 0 },
        { "app:app", true, false, true, false, 0, 0 },
        { "0:0", true, true, true, true, 0, 0 },
        { "1:wheel", true, true, true, false, 1, 0 },
        { "0:4294967294", true, true, true, true, 0, 4294967294u },
};

static const char *const refused_spellings[] = {
        "",
        " ",
        "-1",
        "-0",
        "--1",
        "+0",
        "+1",
        " 0",
        "0 ",
        "\t0",
        "0\t",
        "0\n",
        "\n0",
        "root\n",
        "root ",
        " root",
        "00",
        "01",
        "007",
        "0000000000",
        "00000000000000000001",
        "0x0",
        "0x1",
        "0X0",
        "0b1",
        "0o7",
        "1e3",
        "1.0",
        "1,000",
        "1_000",
        "4294967295",
        "4294967296",
        "4294967297",
        "9999999999",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999999999",
        "-2",
        "-4294967296",
        "1-",
        "1-2",
        "1a",
        "0root",
        "1root",
        "ro ot",
        "ro\tot",
        "ro/ot",
        "../root",
        "root/",
        "ro\\ot",
        "$root",
        "roo$t",
        "root$$",
        "-root",
        ".root",
        "ro:ot:x",
        ":",
        ":1",
        "::",
        "1:",
        "root:",
        ":root",
        "1::1",
        "1:1:1",
        "1:1:",
        "a:b:c",
        "1: 1",
        "1 :1",
        "1:-1",
        "1:+1",
        "1:00",
        "1:0x0",
        "1:4294967295",
        "1:4294967296",
        "-1:0",
        "0:-1",
        "root:\n",
        "\xd9\xa1",
        "\xef\xbc\x90",
        "\xc2\xb2",
        "r\xc3\xb6"
        "ot",
        "\x01",
        "root\x7f",
        "*",
        "?",
        "[a]",
        "~",
        "@root",
        "root@host",
        "%0",
        "#0",
        "!0",

        "\"root\"",
        "'root'",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

static void test_accepted(void **state) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                const struct row *row = &rows[i];
                struct policy_user_spec spec;

                if (policy_user_spec_parse(row->text, &spec) != 0)
                        fail_msg("%s is refused", row->text);
                assert_int_equal(spec.user_is_number, row->user_is_number);
                assert_int_equal(spec.uid, row->uid);
                assert_int_equal(spec.group != NULL, row->has_group);
                assert_int_equal(spec.group_is_number, row->group_is_number);
                assert_int_equal(spec.gid, row->gid);
                assert_ptr_equal(spec.user, row->text);
                assert_int_equal(spec.user_len, strcspn(row->text, ":"));
                if (spec.group)
                        assert_int_equal(spec.group_len, strlen(row->text) - spec.user_len - 1);
        }
}

static void test_refused(void **state) {
        size_t n = sizeof(refused_spellings) / sizeof(*refused_spellings);

        assert_true(n >= 80);
        for (size_t i = 0; i < n; i++) {
                struct policy_user_spec spec = { .uid = 77 };

                if (policy_user_spec_parse(refused_spellings[i], &spec) != 1)
                        fail_msg("%s is accepted", refused_spellings[i]);
                assert_int_equal(spec.uid, 77); /* untouched */
        }
}

/* A single byte as a name: letters and the underscore only. */
static void test_every_byte(void **state) {
        for (unsigned b = 1; b < 256; b++) {
                char text[2] = { (char)b, '\0' };
                bool is_number, digit = b >= '0' && b <= '9';
                bool letter = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b == '_';
                uint32_t id;

                assert_int_equal(policy_id_parse(text, 1, &is_number, &id),
                                 digit || letter ? 0 : 1);
                if (digit || letter)
                        assert_int_equal(is_number, digit);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_accepted),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_every_byte),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
