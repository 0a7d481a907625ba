/* SPDX-License-Identifier: Apache-2.0 */
/* Each user's own counts: what is charged is given back exactly, and nobody's limit is another's. */
#include "broker/quota.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define SECOND UINT64_C(1000000)

static void charges(void **state) {
        struct quotas *quotas = quotas_new(20);
        struct quota *alice = quotas_of(quotas, 1), *bob = quotas_of(quotas, 2);
        struct charge first, second, none = { 0 };

        assert_int_equal(quota_fds_max(alice), 20);
        assert_true(quota_charge(alice, 100, 15, &first));
        assert_false(quota_charge(alice, 0, 6, &none));
        assert_false(quota_charge(alice, QUOTA_BYTES, 0, &none));
        assert_null(none.quota);
        assert_int_equal(alice->fds, 15);
        assert_true(quota_charge(bob, QUOTA_BYTES, 20, &second));
        assert_false(quota_charge(bob, 1, 0, &none));
        charge_drop_fds(&first);
        assert_true(alice->fds == 0 && alice->bytes == 100);
        charge_drop(&first);
        charge_drop(&first);
        charge_drop(&second);
        charge_drop(&none);
        assert_true(alice->bytes == 0 && bob->bytes == 0 && bob->fds == 0);
        quotas_free(quotas);
}

static void most_fds(void **state) {
        struct quotas *quotas = quotas_new(1u << 20);

        assert_int_equal(quota_fds_max(quotas_of(quotas, 0)), LIMIT_USER_FDS);
        quotas_free(quotas);
}

static void starts(void **state) {
        struct quotas *quotas = quotas_new(1);
        struct quota *alice = quotas_of(quotas, 1);

        for (unsigned i = 0; i < 6; i++)
                quota_start(alice, i * 10 * SECOND);
        assert_int_equal(quota_starts(alice, 50 * SECOND), 6);
        assert_int_equal(quota_starts(alice, 60 * SECOND), 5);
        alice->starting = 3;
        assert_int_equal(quota_starts(alice, 109 * SECOND), 4);
        assert_int_equal(quota_starts(alice, 500 * SECOND), 3);
        assert_int_equal(quota_starts(quotas_of(quotas, 2), 50 * SECOND), 0);
        quotas_free(quotas);
}

/* Who was refused too often in a slice rests until its end; root does not, and others are not touched. */
static void refusals(void **state) {
        struct quotas *quotas = quotas_new(1);
        struct quota *alice = quotas_of(quotas, 1), *root = quotas_of(quotas, 0);
        uint64_t now = 50 * SECOND + 1;

        for (unsigned i = 0; i < QUOTA_REFUSALS; i++) {
                assert_int_equal(quota_rests_until(alice, now), now);
                quota_refused(alice, now);
                quota_refused(root, now);
        }
        assert_int_equal(quota_rests_until(alice, now), 50 * SECOND + QUOTA_REFUSALS_US);
        assert_int_equal(quota_rests_until(root, now), now);
        assert_int_equal(quota_rests_until(quotas_of(quotas, 2), now), now);
        now += QUOTA_REFUSALS_US;
        assert_int_equal(quota_rests_until(alice, now), now);
        quotas_free(quotas);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(charges), cmocka_unit_test(most_fds), cmocka_unit_test(starts),
                                             cmocka_unit_test(refusals) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
