/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the cgroups of this installation's sessions. */
#pragma once

/* Calls found for each root-owned "airlock-<instance>-<token>" below the cgroup2 root whose parent an allowed pattern
 * matches: its path, and a pidfd (the callee's) of the supervisor that holds its lock, or -1. */
void sweep(void (*found)(const char *path, int pidfd));
