/* SPDX-License-Identifier: Apache-2.0 */
/* The output of a `Run`: read into bounded memory until its command has ended, then answered as text. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

struct call;
struct quota;
struct run;
struct session;

/* Takes over the reading ends of stdout and stderr; what it holds counts in quota. 0 and *ret, or -errno (the ends are closed). */
int run_new(sd_event *event, struct quota *quota, const int fds[2], struct run **ret);
/* From now on the end of this session answers the call, which is taken over. */
void run_attach(struct run *run, struct call *call, struct session *session, bool raw);
/* The session that a run is attached to has ended. */
void run_session_ended(struct run *run);
/* Takes and returns NULL. A call that is attached is dropped without an answer. */
struct run *run_free(struct run *run);
