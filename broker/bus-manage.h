/* SPDX-License-Identifier: Apache-2.0 */
/* Calls about what is not the caller's own: others' sessions and the service itself. Root is never asked about; for everybody
 * else polkit answers one of the two manage actions, and the call goes on with that. */
#pragma once

#include <stdbool.h>

struct broker;
struct call;

#define MANAGE_SERVICE "org.airlock1.manage"
#define MANAGE_SESSIONS "org.airlock1.manage-sessions"
#define MANAGE_QUIET_MS 1000 /* for polkit where nobody is asked: a list waits no longer for it */

/* Once, never from manage_ask(): 0 authorised, else the outcome of polkit_done_t. The call is the callee's again. */
typedef void (*manage_done_t)(struct call *call, int outcome);

/* 0 and the call is taken, or -errno. loud: a prompt is in place, where the caller allows one; else polkit's rules alone answer, and
 * soon. */
int manage_ask(struct call *call, const char *action, bool loud, manage_done_t done);
/* The prompts of a caller that left the bus are taken away, its calls dropped. */
void manage_caller_gone(struct broker *broker, const char *name);
void manage_free(struct broker *broker);
