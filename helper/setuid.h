/* SPDX-License-Identifier: Apache-2.0 */
/* Setuid mode: a listener with exactly one connection. Not in the helper of service mode. */
#pragma once

/* The caller ends, and a child in a cgroup of root's own and a session of its own returns. 0 or -errno. */
int setuid_leave(void);

/* Serves this one connection until its session has ended and is cleaned up. Returns the exit status. */
int setuid_run(int conn);
