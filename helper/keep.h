/* SPDX-License-Identifier: Apache-2.0 */
/* The listener's sessions, living and ending. A session leaves this table when its cgroup is gone. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct session_page;

bool keep_has_room(void);
bool keep_is_empty(void);
/* Takes conn and page; token is what the session's cgroup must carry in its name. */
void keep_session(pid_t supervisor, int conn, struct session_page *page, const char *token);
/* Reaps everything that has ended. */
void keep_reap(void);
/* Moves endings on; ends supervisors that are stuck before their start. */
void keep_tick(void);
/* Milliseconds until keep_tick() has something to do; -1: nothing. */
int keep_timeout(void);
/* Sessions of other listeners, known by their locks: what has no supervisor is ended, the others are watched where
 * adopt_living (else they have a listener of their own). */
void keep_sweep(bool adopt_living);
