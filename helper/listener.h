/* SPDX-License-Identifier: Apache-2.0 */
/* The listener: accepts, forks supervisors, and keeps what a dead one leaves. Interprets no request. */
#pragma once

#include <stdbool.h>

/* Serves context.listen_fd until SIGTERM. Sessions go on after that. Returns the exit status. */
int listener_run(void);

/* Moves the listener into a fresh cgroup of its own and finds out whether children can be born in another one.
 * 0 or -errno. */
int listener_own_cgroup(void);

/* What setuid.c does with one connection instead. */
int listener_serve(int conn);                           /* 0, or -1: refused, told so and closed */
int listener_open_signals(void);                        /* a signalfd */
bool listener_handle_signal(int signal_fd);             /* false: asked to end */
int listener_make_dir(int parent, const char *name);    /* a cgroup, made or found. fd or -errno */
bool listener_probe(int dir);                           /* whether a child can be born below it */
int listener_join(int dir);                             /* 0 or -errno */
int listener_read_cgroups(void);                        /* its own, into context. 0 or -errno */
