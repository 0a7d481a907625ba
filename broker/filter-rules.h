/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a profile that apply to one request: includes and excludes decided, names resolved,
 * alternatives taken apart, contradictions decided or refused, for one architecture.
 */
#pragma once

#include <stddef.h>

#include "broker/profile-rule.h"

struct filter_params;

struct filter_rule {
        uint32_t nr;
        uint32_t action;                /* a SECCOMP_RET_ value */
        const struct profile_arg *args; /* the profile's */
        size_t n_args;
        size_t order; /* in the profile */
};

struct filter_rules {
        struct filter_rule *
                /* sorted by nr; for one call either one unconditional rule or conditional ones that
                 * agree */
                rule;
        size_t n;
        size_t max;
};

uint32_t filter_action(struct profile_action action);

/* arch is libseccomp's SCMP_ARCH_X86_64 or SCMP_ARCH_X86. 0, -errno or OUTCOME_BAD_PROFILE; *ret is
 * the caller's to free in every case. */
int filter_rules_make(const struct profile *profile, const struct filter_params *params,
                      uint32_t arch, struct filter_rules *ret, struct profile_error *err);
int filter_rules_append(struct filter_rules *rules, struct filter_rule rule);
/* How many rules from first on, and before end, are for the same call. */
size_t filter_rules_of_call(const struct filter_rules *rules, size_t first, size_t end);
void filter_rules_done(struct filter_rules *rules);
