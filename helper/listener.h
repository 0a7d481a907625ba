/* SPDX-License-Identifier: Apache-2.0 */
/* The listener: accepts, forks supervisors, and keeps what a dead one leaves. Interprets no request. */
#pragma once

/* Serves context.listen_fd until SIGTERM. Sessions go on after that. Returns the exit status. */
int listener_run(void);

/* Serves this one connection (setuid mode) until its session has ended and is cleaned up. */
int listener_run_one(int conn);

/* Setuid mode: the caller ends, and a child in a cgroup of root's own and a session of its own returns. 0 or -errno. */
int listener_leave(void);

/* Moves the listener into a fresh cgroup of its own and finds out whether children can be born in another one.
 * 0 or -errno. */
int listener_own_cgroup(void);
