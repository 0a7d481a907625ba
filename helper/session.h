/* SPDX-License-Identifier: Apache-2.0 */
/* The page that listener and supervisor share: what is needed to end a session whose supervisor has died.
 * The listener reads it as it would a stranger's words: the cgroup's name must carry the session's own token. */
#pragma once

#include "common/wire.h"
#include "helper/report.h"

#include <stdint.h>
#include <sys/types.h>

enum session_phase {
        PHASE_ACCEPTED = 0,
        PHASE_RECEIVED,  /* a request is there: the time for starting runs */
        PHASE_STARTING,  /* the cgroup's path is set */
        PHASE_STARTED,   /* the command runs */
        PHASE_RECORDED,  /* the end record is complete */
        PHASE_REPORTED,  /* and sent, or the request was refused or was no exec */
};

struct session_page {
        volatile uint32_t phase; /* enum session_phase */
        volatile pid_t i_pid;    /* set by the kernel before the child runs (CLONE_PARENT_SETTID) */
        volatile pid_t c_pid;
        uint64_t received_ns;
        uint64_t trace_ns[WIRE_TRACE];
        struct fail fail; /* why an exec that was not refused did not start; for the log */
        char token[17];   /* set by the listener, which keeps its own copy */
        char cgroup[LIMIT_CGROUP_BYTES + 64]; /* below the cgroup2 root */
        struct wire_exited record;
};
_Static_assert(sizeof(struct session_page) <= 4096, "one page a session");

/* The life of a supervisor: one connection, received over sock from the listener, and one request. Never returns. */
_Noreturn void supervise(int sock, struct session_page *page);
