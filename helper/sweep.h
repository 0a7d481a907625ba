/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the cgroups of this installation's sessions. */
#pragma once

#include <sys/types.h>

/* Calls found for each "airlock-<instance>-<token>" below the cgroup2 root whose parent an allowed pattern matches:
 * its path and the pid that holds its lock (0: nobody). */
void sweep(void (*found)(const char *path, pid_t holder));
