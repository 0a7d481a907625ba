/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the cgroups of this installation's sessions. */
#pragma once

#include <sys/types.h>

/* Calls found for each root-owned "airlock-<instance>-<token>" below the cgroup2 root whose parent an allowed pattern
 * matches: its path, the pid of the supervisor that holds its lock and a pidfd (the callee's), or 0 and -1. */
void sweep(void (*found)(const char *path, pid_t pid, int pidfd));
