/* SPDX-License-Identifier: Apache-2.0 */
/* Capability sets by system call. */
#pragma once

#include <stdint.h>

/* capset(2). 0 or -errno. */
int caps_write(uint64_t effective, uint64_t permitted, uint64_t inheritable);
/* capget(2), compared. 0, -EPERM where they differ, or -errno. */
int caps_compare(uint64_t effective, uint64_t permitted, uint64_t inheritable);
/* Drops everything else from the bounding set. 0 or -errno. The supervisor reads it back, from outside. */
int caps_set_bounding(uint64_t keep);
