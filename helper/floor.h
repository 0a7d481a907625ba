/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two constant seccomp floors below every session's filter. The helper chooses between them,
 * never the plan, so a broker that was taken over can weaken a profile to the floor and no further.
 *      privileged  always: TIOCSTI and TIOCLINUX are EPERM (compared on the low 32 bits, as the
 *                  kernel reads them), x32 is ENOSYS, a foreign architecture kills; the 32-bit one
 *                  is foreign unless the plan says that the profile lists it
 *      plain       also EPERM for what acts on the host's kernel as a whole and what containers'
 *                  default profiles refuse
 * The helper has them as constants; what builds them runs when it is compiled.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

enum floor {
        FLOOR_PRIVILEGED,
        FLOOR_PLAIN,
        N_FLOORS,
};

#define FLOOR_MAX 192 /* instructions: room for every floor that floor_build() can make */

/* Writes the program into buf and its length into *ret_n. 0, or -ENOSPC where max is too small
 * (then nothing is set). Not in the helper: floor-build.c. */
int floor_build(enum floor floor, bool allow_32bit, struct sock_filter *buf, size_t max,
                size_t *ret_n);

struct floor_program {
        size_t n;
        struct sock_filter code[FLOOR_MAX];
};
/* NULL where there is no such floor. */
const struct floor_program *floor_get(enum floor floor, bool allow_32bit);
