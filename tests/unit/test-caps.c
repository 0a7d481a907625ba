/* SPDX-License-Identifier: Apache-2.0 */
/* Names and numbers of capabilities, held against the kernel's header. */
#include "common/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define N(name) \
        { #name, name }
static const struct {
        const char *name;
        int number;
} kernel[] = {
        N(CAP_CHOWN),
        N(CAP_DAC_OVERRIDE),
        N(CAP_DAC_READ_SEARCH),
        N(CAP_FOWNER),
        N(CAP_FSETID),
        N(CAP_KILL),
        N(CAP_SETGID),
        N(CAP_SETUID),
        N(CAP_SETPCAP),
        N(CAP_LINUX_IMMUTABLE),
        N(CAP_NET_BIND_SERVICE),
        N(CAP_NET_BROADCAST),
        N(CAP_NET_ADMIN),
        N(CAP_NET_RAW),
        N(CAP_IPC_LOCK),
        N(CAP_IPC_OWNER),
        N(CAP_SYS_MODULE),
        N(CAP_SYS_RAWIO),
        N(CAP_SYS_CHROOT),
        N(CAP_SYS_PTRACE),
        N(CAP_SYS_PACCT),
        N(CAP_SYS_ADMIN),
        N(CAP_SYS_BOOT),
        N(CAP_SYS_NICE),
        N(CAP_SYS_RESOURCE),
        N(CAP_SYS_TIME),
        N(CAP_SYS_TTY_CONFIG),
        N(CAP_MKNOD),
        N(CAP_LEASE),
        N(CAP_AUDIT_WRITE),
        N(CAP_AUDIT_CONTROL),
        N(CAP_SETFCAP),
        N(CAP_MAC_OVERRIDE),
        N(CAP_MAC_ADMIN),
        N(CAP_SYSLOG),
        N(CAP_WAKE_ALARM),
        N(CAP_BLOCK_SUSPEND),
        N(CAP_AUDIT_READ),
        N(CAP_PERFMON),
        N(CAP_BPF),
        N(CAP_CHECKPOINT_RESTORE),
};

static void test_names(void **state) {
        assert_int_equal(sizeof(kernel) / sizeof(*kernel), CAPS_KNOWN);
        assert_int_equal(CAPS_KNOWN, CAP_LAST_CAP + 1);
        for (unsigned i = 0; i < CAPS_KNOWN; i++) {
                char lower[64];
                size_t n = strlen(kernel[i].name);

                assert_int_equal(kernel[i].number, i);
                assert_string_equal(caps_name(i), kernel[i].name);
                assert_int_equal(caps_from_name(kernel[i].name), i);
                assert_int_equal(caps_from_name(kernel[i].name + 4), i);
                for (size_t k = 0; k <= n; k++)
                        lower[k] = (char)(kernel[i].name[k] >= 'A' && kernel[i].name[k] <= 'Z'
                                                  ? kernel[i].name[k] | 0x20
                                                  : kernel[i].name[k]);
                assert_int_equal(caps_from_name(lower), i);
        }
        assert_null(caps_name(CAPS_KNOWN));
        assert_null(caps_name(63));
        assert_null(caps_name(~0u));
}

static void test_no_names(void **state) {
        static const char *const bad[] = {
                "",          "CAP_",         "CAP", "CAP_KIL", "CAP_KILLX",          "KILL ",
                " KILL",     "CAP_CAP_KILL", "12",  "all",     "CAP_KILL,CAP_CHOWN", "CAP-KILL",
                "CAP_KILL\n"
        };

        for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
                assert_int_equal(caps_from_name(bad[i]), -EINVAL);
}

static void test_sets(void **state) {
        assert_true(caps_subset(0, 0));
        assert_true(caps_subset(5, 7));
        assert_false(caps_subset(8, 7));
        assert_false(caps_subset(CAPS_BIT(40), CAPS_BIT(40) - 1));
        assert_false(caps_subset(CAPS_BIT(63), CAPS_ALL));
        assert_int_equal(caps_first(0), -1);
        assert_int_equal(caps_first(1), 0);
        assert_int_equal(caps_first(CAPS_BIT(40) | CAPS_BIT(33)), 33);
        assert_int_equal(caps_first(CAPS_BIT(63)), 63);
        assert_true(CAPS_ALL == CAPS_BIT(41) - 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_no_names),
                cmocka_unit_test(test_sets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
