/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor after the command's birth: user airlock-session with CAP_KILL alone, a filter of its own, these fds:
 *   connection · pidfd of C · socketpair until exec · cgroup.kill (with the lock) · cgroup.events · cgroup.procs ·
 *   cpu.stat · /proc/C/stat · /proc/C/attr/current · plan · terminal's master · 0 to 2, which are empty pipes ·
 *   for a relay's session the outer ends of its pipes and the ring
 * A test compares this list with /proc. */
#pragma once

#include "helper/cgroup.h"
#include "helper/report.h"

#include <stdint.h>
#include <sys/types.h>

struct job;
struct session_page;

struct wait {
        int conn;
        int report_fd;
        int tty_fd;
        int pidfd;
        int i_pidfd; /* of the intermediate, until it is reaped */
        pid_t i_pid;
        int stat_fd;
        int label_fd;
        pid_t pid;
        uint32_t inner_pid;
        struct cgroup cg;
        struct session_page *page;
        const struct job *job;
        int outer[4]; /* stdin, stdout, stderr, ring: second references, should the relay be lost */
};

/* Gives up root while the intermediate works: own user, CAP_KILL and CAP_SYS_PTRACE, no_new_privs. 0, or -1 and *f. */
int wait_become(struct fail *f);
/* Then all but CAP_KILL, with the filter, before the command runs. 0, or -1 and *f. */
int wait_drop(struct wait *w, struct fail *f);

/* Reports the start, serves commands until the command has ended and its cgroup is empty, reports the end. */
void wait_session(struct wait *w);

/* In a child of the listener: delivers the record of a session whose supervisor and whose broker have died. */
_Noreturn void wait_heir(const struct wire_exited *record);
