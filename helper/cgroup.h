/* SPDX-License-Identifier: Apache-2.0 */
/* A session's own cgroup: made below the target's, entered by birth, emptied by one write, removed by the listener. */
#pragma once

#include "helper/report.h"

#include <stdbool.h>
#include <stdint.h>

struct target;
struct session_page;

struct cgroup {
        int dir_fd;
        int kill_fd; /* carries the lock by which a new listener knows that this session has a supervisor */
        int events_fd;
        int procs_fd;
        int cpu_fd;
        bool delegated; /* the target's is its owner's, who can move processes out of ours */
};

/* Makes and opens it, with the lock held, and writes its path into the page. 0, or -1 and *f (nothing is left then). */
int cgroup_make(const struct target *t, struct session_page *page, struct cgroup *cg, struct fail *f);

/* Opens what only the wait needs, while the intermediate works. 0 or -errno. */
int cgroup_open_rest(struct cgroup *cg);

/* SIGKILL to all that is in it. 0 or -errno. */
int cgroup_kill(int kill_fd);
bool cgroup_is_populated(int events_fd);
/* Waits until it is empty or the deadline (CLOCK_MONOTONIC) has passed. False where it is not empty. */
bool cgroup_wait_empty(int events_fd, uint64_t deadline_ns);
/* usage_usec of cpu.stat; 0 where it cannot be read. */
uint64_t cgroup_cpu_us(int cpu_fd);
/* Up to max pids of its processes. How many there are. */
uint32_t cgroup_pids(int procs_fd, uint32_t *ret, uint32_t max);

/* The last component is "airlock-<this installation>-<token>" (any token where it is NULL). */
bool cgroup_is_ours(const char *path, const char *token);
/* The instance's file, locked for starting (shared) or sweeping (exclusive); closing it unlocks. fd or -errno. */
int instance_lock(bool exclusive);
