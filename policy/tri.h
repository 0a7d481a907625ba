/* SPDX-License-Identifier: Apache-2.0 */
/* Three-valued logic over enum policy_tri; of the library only. */
#pragma once

#include "policy/policy.h"

static inline enum policy_tri tri(bool yes) {
        return yes ? POLICY_YES : POLICY_NO;
}

static inline enum policy_tri tri_and(enum policy_tri a, enum policy_tri b) {
        if (a == POLICY_NO || b == POLICY_NO)
                return POLICY_NO;
        return a == POLICY_YES && b == POLICY_YES ? POLICY_YES : POLICY_UNKNOWN;
}

static inline enum policy_tri tri_or(enum policy_tri a, enum policy_tri b) {
        if (a == POLICY_YES || b == POLICY_YES)
                return POLICY_YES;
        return a == POLICY_NO && b == POLICY_NO ? POLICY_NO : POLICY_UNKNOWN;
}
