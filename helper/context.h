/* SPDX-License-Identifier: Apache-2.0 */
/* What the listener learned at its start and every child inherits: host facts, never a request's. */
#pragma once

#include "common/limits.h"
#include "common/wire.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ceiling;

struct ns_kind {
        const char *name; /* below /proc/PID/ns */
        int flag;         /* CLONE_NEW* */
};
/* In the order of enum wire_ns. */
extern const struct ns_kind ns_kinds[WIRE_NS_KINDS];

struct context {
        int proc_fd;     /* O_PATH /proc: never a name that a container could have replaced */
        int cgroup_fd;   /* O_PATH root of the cgroup2 hierarchy */
        int log_fd;      /* append only */
        int listen_fd;
        bool clone_into; /* CLONE_INTO_CGROUP works from the listener's cgroup */
        pid_t listener;
        uid_t broker_uid;
        uid_t session_uid;
        gid_t session_gid;
        unsigned cap_last;
        bool has_freezer;             /* the v1 freezer is mounted */
        const struct wire_facts *own; /* of the listener itself: what need not be read or set again */
        uint64_t own_ns[WIRE_NS_KINDS];
        uint64_t init_ns[WIRE_NS_KINDS];
        char own_cgroups[4096]; /* /proc/self/cgroup of the listener */
        char instance[9];
        _Atomic uint64_t *counters;    /* of requests that were seen, shared by all supervisors */
        const struct ceiling *ceiling; /* NULL: broken at the start, refuse all */
};

extern struct context context;

#define COUNTERS 8192u /* more than come within LIMIT_REQUEST_AGE_MS at the built-in rate are not remembered */

/* Fills everything but listen_fd and ceiling. 0, or -1 after one line on stderr that says what is wrong. */
int context_init(void);

/* Inode of /proc/PID/ns/NAME below a /proc/PID directory fd, 0 where it cannot be read. */
uint64_t ns_link_inode(int dir, const char *name);
uint64_t ns_inode(int pid_fd, const char *name);

uint64_t now_ns(void);      /* CLOCK_MONOTONIC */
uint64_t now_real_us(void); /* CLOCK_REALTIME */
