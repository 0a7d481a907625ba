/* SPDX-License-Identifier: Apache-2.0 */
/* One target: a pidfd, one fd on its /proc directory, and what the kernel says about it. */
#pragma once

#include "common/wire.h"
#include "helper/report.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct target {
        int pidfd;
        int proc_fd;   /* O_PATH /proc/PID */
        int cgroup_fd; /* O_PATH, its directory in the cgroup2 hierarchy */
        pid_t pid;
        uint64_t root_dev; /* of its root directory */
        uint64_t root_ino;
        unsigned ns_depth;  /* entries of NSpid */
        uint64_t inner_pid; /* the last of them */
        uint64_t tgid;
        uint64_t task_flags; /* PF_*, field 9 of /proc/PID/stat */
        char state;
        char cgroups[4096]; /* /proc/PID/cgroup */
        struct wire_facts facts;
};

/* The listener's own limits, maps, label: what of a target equals them need not be read or set. 0 or -errno: then what
 * was read before stays. */
int target_read_own(void);

/* Reads everything by pidfd. The fds of *t are the caller's, also after a refusal. 0, or -1 and *f. */
int target_read(int pidfd, struct target *t, struct fail *f);

/* Ended, now or within this time. */
bool target_has_ended(int pidfd, int timeout_ms);

/* The tests of ARCHITECTURE §3 and SECURITY I5 to I8 that need no plan. 0, or -1 and *f. */
int target_check(const struct target *t, struct fail *f);

/* 0, or -1 and *f where the target is frozen (cgroup2 or v1 freezer). */
int target_check_thawed(const struct target *t, struct fail *f);

/* An id inside the target's user namespace as the helper sees it. False where it is not mapped. */
bool target_map(const struct wire_map *map, uint32_t inside, uint32_t *ret);

static inline bool target_has_own_userns(const struct target *t) {
        return t->facts.flags & WIRE_FACT_OWN_USERNS;
}

/* A label that the command would not get from the helper by itself. */
bool target_needs_label(const struct target *t);

/* Path of the directory below the cgroup2 root: never begins with a slash, "." for the root itself. */
const char *target_cgroup(const struct target *t);

/* Closes what target_read() opened; the pidfd is the caller's. */
void target_close(struct target *t);

/* Opens a directory below the cgroup2 root, O_PATH, without links and never above it. fd or -errno. */
int cgroup_open(const char *path);
