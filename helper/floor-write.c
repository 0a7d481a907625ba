/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the floors as C: rows of the table in floor.c. A part of the build, not of the helper. */
#include "helper/floor.h"

#include <stdio.h>

static int write_one(enum floor floor, bool allow_32bit) {
        static struct sock_filter code[FLOOR_MAX];
        size_t n;

        if (floor_build(floor, allow_32bit, code, FLOOR_MAX, &n) < 0)
                return -1;
        printf("[%d][%d] = { .n = %zu, .code = {\n", floor, allow_32bit, n);
        for (size_t i = 0; i < n; i++)
                printf("        { 0x%02x, %u, %u, 0x%08x },\n", code[i].code, code[i].jt, code[i].jf, code[i].k);
        printf("} },\n");
        return 0;
}

int main(void) {
        for (int floor = 0; floor < N_FLOORS; floor++)
                for (int allow_32bit = 0; allow_32bit < 2; allow_32bit++)
                        if (write_one((enum floor)floor, allow_32bit) < 0) {
                                fprintf(stderr, "floor-write: a floor is longer than FLOOR_MAX\n");
                                return 1;
                        }
        return fflush(stdout) == 0 ? 0 : 1;
}
