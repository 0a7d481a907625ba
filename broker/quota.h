/* SPDX-License-Identifier: Apache-2.0 */
/* What each uid has in use, and how much it may: one user at its limit costs another nothing. Pure. */
#pragma once

#include "broker/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct call;
struct quotas;
struct settings;

struct quota {
        struct quota *next;
        uint32_t uid;
        uint32_t sessions;   /* that have not ended */
        uint32_t kept;       /* that have */
        uint64_t kept_bytes; /* of their commands and environments */
        uint32_t requests;   /* that have no answer yet */
        uint32_t starting;   /* of the sessions: that have not started yet */
        uint64_t bytes;      /* of output that is held for Run, and of requests until their sessions end */
        uint32_t fds;        /* that came with requests or bring Run's output */
        uint32_t max_fds;
        struct call *waiting, *last_waiting; /* of turns.c: calls whose turn has not come */
        uint32_t n_waiting;
        struct quota *next_turn;
        uint32_t refusals;      /* in the slice of QUOTA_REFUSALS_US that has this number */
        uint64_t refusals_slice;
        /* Starts of the last minute, in six slices of ten seconds. */
        uint32_t starts[6];
        uint64_t slice; /* number of the slice that is being filled */
};

/* What one request has of its user's: given back part by part. */
struct charge {
        struct quota *quota; /* NULL: nothing */
        uint64_t bytes;
        uint32_t fds;
};

/* max_fds: of one user, where the process may not have LIMIT_USER_FDS for each of four. NULL: no memory. */
struct quotas *quotas_new(uint32_t max_fds);
struct quotas *quotas_free(struct quotas *quotas);
/* The uid's own; NULL: no memory. Lives as long as quotas. */
struct quota *quotas_of(struct quotas *quotas, uint32_t uid);
/* False, and nothing is charged, where that is more than one user may have. */
bool quota_charge(struct quota *quota, uint64_t bytes, uint32_t fds, struct charge *ret);
uint32_t quota_fds_max(const struct quota *quota);
void charge_drop_fds(struct charge *charge);
void charge_drop(struct charge *charge);
/* Counts one start at that time, microseconds of CLOCK_MONOTONIC. */
void quota_start(struct quota *quota, uint64_t now);
/* Of the last minute, those that are on their way among them: or many at once would pass a limit that none has reached. */
uint32_t quota_starts(struct quota *quota, uint64_t now);
/* Counts a refusal at that time. */
void quota_refused(struct quota *quota, uint64_t now);
/* When the next call of that user may be handled; now or before: at once. */
uint64_t quota_rests_until(const struct quota *quota, uint64_t now);
