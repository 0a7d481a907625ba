/* SPDX-License-Identifier: Apache-2.0 */
/* Capability sets as 64-bit numbers, and their names (capabilities(7)). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CAPS_KNOWN 41u /* CAP_CHECKPOINT_RESTORE is 40, the last one of Linux 6.1 to 6.18 */
#define CAPS_ALL ((UINT64_C(1) << CAPS_KNOWN) - 1)
#define CAPS_BIT(cap) (UINT64_C(1) << (cap))

static inline bool caps_subset(uint64_t small, uint64_t large) {
        return (small & ~large) == 0;
}

/* "CAP_NET_ADMIN", or NULL where there is none of this number. */
const char *caps_name(unsigned cap);

/* Number of a capability by name, in any case, with or without CAP_; -EINVAL where there is none. */
int caps_from_name(const char *name);

/* The lowest capability of a set, or -1 for the empty one. */
int caps_first(uint64_t set);
