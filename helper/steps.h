/* SPDX-License-Identifier: Apache-2.0 */
/* The sequence that turns a checked job into a running command. */
#pragma once

#include "helper/job.h"
#include "helper/report.h"

#include <stdbool.h>

struct session_page;

/* What the intermediate (I) carries from step to step. */
struct run {
        const struct job *job;
        struct session_page *page;
        int report_fd;   /* I and C report here; end of file says that the command was executed */
        int join_fd;     /* cgroup.procs, where birth in the cgroup does not work; else -1 */
        int ns_fd;       /* host's /proc/self/ns, closed once compared */
        int self_fd_fd;  /* host's /proc/self/fd, closed once the null device and the terminal are open */
        int attr_fd;     /* host's /proc/self/attr/exec, only where a label is needed */
        int streams[3];
        int tty_fd;      /* the command's end, or -1 */
        const char *program;
        char path[4096]; /* room for the program that was found in PATH */
};

/* All steps of I; the last makes C and I ends. Never returns. */
_Noreturn void steps_intermediate(struct run *r);

/* One for each row of the table in steps.c. 0, or -1 and *f. */
int step_alone(struct run *r, struct fail *f);
int step_v1(struct run *r, struct fail *f);
int step_attributes(struct run *r, struct fail *f);
int step_label(struct run *r, struct fail *f);
int step_keyring(struct run *r, struct fail *f);
int step_owner(struct run *r, struct fail *f);
int step_setns(struct run *r, struct fail *f);
int step_compare(struct run *r, struct fail *f);
int step_groups(struct run *r, struct fail *f);
int step_bounding(struct run *r, struct fail *f);
int step_ids(struct run *r, struct fail *f);
int step_caps_open(struct run *r, struct fail *f);
int step_tty(struct run *r, struct fail *f);
int step_null(struct run *r, struct fail *f);
int step_cwd(struct run *r, struct fail *f);
int step_path(struct run *r, struct fail *f);
int step_streams(struct run *r, struct fail *f);
int step_filters(struct run *r, struct fail *f);
int step_birth(struct run *r, struct fail *f);

/* Ends the process for sure: a filter that answers exit_group with an error would let it run on into code that is
 * not its own. */
_Noreturn void end_now(int status);

/* Closes every fd but these (any order, at most 32, -1 is skipped). */
void close_all_but(const int *keep, unsigned n);
