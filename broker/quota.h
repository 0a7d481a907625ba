/* SPDX-License-Identifier: Apache-2.0 */
/* What each uid has in use, and how much it may: one user at its limit costs another nothing. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct quotas;
struct settings;

struct quota {
        struct quota *next;
        uint32_t uid;
        uint32_t sessions;   /* that have not ended */
        uint32_t kept;       /* that have */
        uint64_t kept_bytes; /* of their commands and environments */
        uint32_t requests;   /* that have no answer yet */
        uint64_t bytes;      /* of output that is held for Run */
        /* Starts of the last minute, in six slices of ten seconds. */
        uint32_t starts[6];
        uint64_t slice; /* number of the slice that is being filled */
};

#define QUOTA_BYTES (UINT64_C(96) << 20)
#define QUOTA_KEPT 1024 /* finished sessions of one user that stay inspectable */
#define QUOTA_KEPT_BYTES (UINT64_C(32) << 20)

struct quotas *quotas_new(void);
struct quotas *quotas_free(struct quotas *quotas);
/* The uid's own; NULL: no memory. Lives as long as quotas. */
struct quota *quotas_of(struct quotas *quotas, uint32_t uid);
/* Counts one start at that time, microseconds of CLOCK_MONOTONIC. */
void quota_start(struct quota *quota, uint64_t now);
uint32_t quota_starts(struct quota *quota, uint64_t now);
