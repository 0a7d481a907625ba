/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a profile that apply to one request: includes and excludes decided, names resolved, alternatives taken
 * apart, contradictions refused. What filter.c hands to libseccomp one by one.
 */
#pragma once

#include <stddef.h>

#include "broker/profile-rule.h"

struct filter_params;

struct filter_rule {
        int nr; /* libseccomp's number, negative for a call that this architecture does not have */
        struct profile_action action;
        const struct profile_arg *args; /* the profile's */
        size_t n_args;
        size_t order; /* in the profile */
};

struct filter_rules {
        struct filter_rule *rule; /* sorted by nr; for one call either one unconditional rule or conditional ones that agree */
        size_t n;
        size_t max;
};

/* 0, -errno or OUTCOME_BAD_PROFILE. */
int filter_rules_make(const struct profile *profile, const struct filter_params *params, struct filter_rules *ret,
                      struct profile_error *err);
void filter_rules_done(struct filter_rules *rules);
