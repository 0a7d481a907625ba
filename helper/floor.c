/* SPDX-License-Identifier: Apache-2.0 */
/* The finished floors: constants, which floor-write.c made of floor-build.c's tables when this was compiled. */
#include "helper/floor.h"

static const struct floor_program programs[N_FLOORS][2] = {
#include "helper/floor-programs.h"
};

const struct floor_program *floor_get(enum floor floor, bool allow_32bit) {
        return (unsigned)floor < N_FLOORS ? &programs[floor][allow_32bit] : NULL;
}
