/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that have come and whose turn it is not yet. Users take turns, one call each: however many calls one of them sends, another's
 * waits for one of his and not for all. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

struct call;
struct quotas;
struct turns;

/* handle takes a call over. 0 or -errno. */
int turns_new(sd_event *event, struct quotas *quotas, void (*handle)(struct call *call),
              struct turns **ret);
struct turns *turns_free(struct turns *turns); /* takes and returns NULL; calls that wait are dropped */
/* Takes the call over, whose caller is known. 0; -ENOMEM; -EAGAIN: this user has as many waiting as he may: the call is not taken. */
int turns_add(struct turns *turns, struct call *call, uint32_t max_waiting);
/* Handles some calls; what is left comes in the loop's next rounds, between everything else. */
void turns_serve(struct turns *turns);
