/* SPDX-License-Identifier: Apache-2.0 */
/* One exec request: received, every field and fd checked, and what the checks learned. Static: one a process. */
#pragma once

#include "common/wire.h"
#include "helper/floor.h"
#include "helper/report.h"
#include "helper/target.h"

#include <linux/filter.h>
#include <stdbool.h>

struct job {
        const struct wire_plan *plan;
        struct wire_strings strings;
        uint8_t digest[32];
        int fds[WIRE_SLOTS]; /* -1 where the slot is empty */
        unsigned fd_kinds[WIRE_SLOTS]; /* FD_KIND_* of each stream and extra fd */
        size_t n_extra;
        struct target target;
        uint64_t deadline_ns;
        const struct sock_filter *filter; /* NULL: unconfined */
        size_t n_filter;
        bool privileged; /* more than a plain exec: the helper's own verdict, which chooses the floor */
        enum floor floor;
        uint32_t host_uid; /* as mapped */
        uint32_t host_gid;
        int ns_mask; /* CLONE_NEW* that differ from the helper's own */
};

/* Touches the first pages of what a request is read into, while there is nothing else to do. */
void job_warm(void);

/* Takes the fds of an exec's message into *job and checks plan, target, filter and streams. 0, or -1 and *f. */
int job_read(const struct wire_exec *m, const int *fds, struct job *job, struct fail *f);
