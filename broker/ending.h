/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel still tells about an end when its record comes in: whether the target ended with it, and whether memory ran out. */
#pragma once

#include "common/wire.h"

#include <stdbool.h>
#include <stdint.h>

/* Processes that were killed for want of memory on this host, and since when there were no more: CLOCK_MONOTONIC in us. */
struct ending_oom {
        uint64_t count;
        uint64_t since_us;
        bool known;
};

/* Looks now, so that what ends later can be held against it. */
void ending_oom_look(struct ending_oom *oom, uint64_t now_us);
/* "yes", "no", "unknown". cgroup: the session's, below the cgroup2 root; NULL: not known. */
const char *ending_oom_word(struct ending_oom *oom, uint64_t now_us,
                            const struct wire_exited *exited, const char *cgroup);
/* Killed by nobody of ours, while the target's init was ending or gone. */
bool ending_by_target(const struct wire_exited *exited, int32_t init_pid, uint64_t init_ticks);
