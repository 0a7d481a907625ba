/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan may ask for: held against target, kernel and ceiling. */
#pragma once

#include "helper/report.h"

#include <stdint.h>

struct job;
struct target;

/* The largest bounding set that an exec into this target may ask for. */
uint64_t plan_ceiling_caps(const struct target *t);

/* FD_KIND_* that may be passed to a command of this target with these capabilities. */
unsigned plan_fd_kinds(const struct target *t, uint64_t bounding);

/* Decides job->privileged, floor, host ids and the mask of setns on the way. 0, or -1 and *f. */
int plan_check(struct job *job, struct fail *f);
