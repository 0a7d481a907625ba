/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: one sd-event, its signals, and one coarse tick for everything that expires. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct loop;

/* What the loop calls on its owner; all may be NULL. */
struct loop_handler {
        void (*reload)(void *userdata);
        /* Called about every TICK_MS while it answers true; now is CLOCK_MONOTONIC in microseconds. */
        bool (*tick)(void *userdata, uint64_t now);
        void *userdata;
};

#define LOOP_TICK_MS 250

int loop_new(const struct loop_handler *handler, struct loop **ret);
struct loop *loop_free(struct loop *loop);
sd_event *loop_event(struct loop *loop);
/* Something now expires: the tick runs until its handler says that nothing does any more. Costs nothing when it runs already. */
void loop_need_tick(struct loop *loop);
/* Runs until loop_stop(); the status that was given to it, or -errno. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int status);
/* CLOCK_MONOTONIC in microseconds; the loop's own idea of now, which needs no system call. */
uint64_t loop_now(struct loop *loop);
