/* SPDX-License-Identifier: Apache-2.0 */
/* Setuid mode: the broker starts the helper itself, one for each connection. What it starts leaves it at once. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

struct spawned; /* a helper's first process, until it has ended */

/* Its first process has ended, well or with a refusal to start; called once, and not after spawned_forget(). */
typedef void (*spawn_ended)(void *userdata, bool well);

/* Blocks SIGCHLD: without it the loop would not see them end. 0 or -errno. */
int spawn_prepare(void);
/* A helper, *ret_fd the other end of its connection. 0; -ENOEXEC: it cannot be started, spawn_why_not() says why; -errno. */
int spawn_helper(sd_event *event, spawn_ended ended, void *userdata, int *ret_fd,
                 struct spawned **ret);
/* Nobody wants to hear of it any more; it is reaped all the same. Takes and returns NULL. */
struct spawned *spawned_forget(struct spawned *spawned);
/* Why helpers do not start here, as far as we can see it ourselves. */
const char *spawn_why_not(void);
