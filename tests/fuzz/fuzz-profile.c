/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as a profile or OCI config; what parses is compiled, and what compiles must pass the
 * helper's own check, answer every number with an action that the profile names, and come out the
 * same twice.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "broker/filter-rules.h"
#include "broker/filter.h"
#include "broker/profile-rule.h"
#include "broker/profile.h"
#include "common/outcome.h"
#include "helper/cbpf.h"
#include "helper/step-filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int good) {
        if (!good)
                abort();
}

static int is_named(const struct profile *profile, uint32_t action) {
        if (action == filter_action(profile->default_action) ||
            action == SECCOMP_RET_KILL_PROCESS ||
            action == (SECCOMP_RET_ERRNO | 38)) /* architectures that are not listed, and x32 */
                return 1;
        for (size_t i = 0; i < profile->n_rules; i++)
                if (filter_action(profile->rules[i].action) == action)
                        return 1;
        return 0;
}

static void judge(const struct profile *profile, const struct filter *filter, const uint8_t *data,
                  size_t size) {
        struct seccomp_data d = { .arch = AUDIT_ARCH_X86_64 };

        memcpy(d.args, data, size < sizeof(d.args) ? size : sizeof(d.args));
        for (int nr = -1; nr < 480; nr++)
                for (int arch = 0; arch < 2; arch++) {
                        d.nr = nr;
                        d.arch = arch ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
                        must(is_named(profile, cbpf_run(filter->program, filter->n, &d)));
                }
}

static void compile(const struct profile *profile, uint64_t caps, const uint8_t *data,
                    size_t size) {
        struct filter_params params = { .caps = caps, .kernel_major = 6, .kernel_minor = 1 };
        struct profile_error err = { .text = "" };
        struct filter *first = NULL, *second = NULL;
        int r = filter_compile(profile, &params, &first, &err);

        must(r == 0 ? first != NULL : first == NULL && (r < 0 || err.text[0]));
        if (r != 0)
                return;
        must(filter_check(first->program, first->n * sizeof(*first->program)) == FILTER_OK);
        must(filter_compile(profile, &params, &second, &err) == 0);
        must(memcmp(first->hash, second->hash, sizeof(first->hash)) == 0);
        judge(profile, first, data, size);
        filter_free(first);
        filter_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct profile_error err = { .text = "" };
        struct profile *profile = NULL;
        int r = profile_parse((const char *)data, size, "fuzz", &profile, &err);

        if (r > 0)
                r = profile_parse_oci((const char *)data, size, "fuzz", &profile, &err);
        must(r <= 0 || (r == OUTCOME_BAD_PROFILE && !profile && err.text[0]));
        if (r == 0 && profile) {
                compile(profile, 0, data, size);
                compile(profile, UINT64_MAX >> 23, data, size);
        }
        profile_free(profile);
        return 0;
}
