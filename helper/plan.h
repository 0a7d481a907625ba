/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan may ask for: held against target, kernel and ceiling. */
#pragma once

#include "helper/report.h"

struct job;

/* Decides job->privileged, floor, host ids and the mask of setns on the way. 0, or -1 and *f. */
int plan_check(struct job *job, struct fail *f);
