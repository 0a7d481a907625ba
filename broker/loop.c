/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of the broker. Nothing in it may block: whoever waits, waits here. */
#include "broker/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

struct loop {
        sd_event *event;
        sd_event_source *tick;
        bool ticking;
        struct loop_handler handler;
};

static int on_end_signal(sd_event_source *source, const struct signalfd_siginfo *info,
                         void *userdata) {
        loop_stop(userdata, 0);
        return 0;
}

static int on_reload_signal(sd_event_source *source, const struct signalfd_siginfo *info,
                            void *userdata) {
        struct loop *loop = userdata;

        if (loop->handler.reload)
                loop->handler.reload(loop->handler.userdata);
        return 0;
}

static int on_tick(sd_event_source *source, uint64_t now, void *userdata) {
        struct loop *loop = userdata;

        loop->ticking = false;
        if (loop->handler.tick && loop->handler.tick(loop->handler.userdata, loop_now(loop)))
                loop_need_tick(loop);
        return 0;
}

static int add_signal(struct loop *loop, int signal, sd_event_signal_handler_t handler) {
        sigset_t set;

        /* Blocked for good: sd-event reads them from a signalfd, between two callbacks and never inside one. */
        sigemptyset(&set);
        sigaddset(&set, signal);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        return sd_event_add_signal(loop->event, NULL, signal, handler, loop);
}

static int loop_setup(struct loop *loop) {
        int r;

        r = sd_event_new(&loop->event);
        if (r < 0)
                return r;
        /* One timer for all deadlines: arming a timer per request would cost two system calls per exec. */
        r = sd_event_add_time_relative(loop->event, &loop->tick, CLOCK_MONOTONIC, UINT64_MAX / 2,
                                       50000, on_tick, loop);
        if (r >= 0)
                r = sd_event_source_set_enabled(loop->tick, SD_EVENT_OFF);
        if (r >= 0)
                r = add_signal(loop, SIGTERM, on_end_signal);
        if (r >= 0)
                r = add_signal(loop, SIGINT, on_end_signal);
        if (r >= 0)
                r = add_signal(loop, SIGHUP, on_reload_signal);
        if (r >= 0)
                r = sd_event_set_watchdog(loop->event, true);
        return r < 0 ? r : 0;
}

int loop_new(const struct loop_handler *handler, struct loop **ret) {
        struct loop *loop;
        int r;

        loop = calloc(1, sizeof *loop);
        if (!loop)
                return -ENOMEM;
        loop->handler = *handler;
        r = loop_setup(loop);
        if (r < 0) {
                loop_free(loop);
                return r;
        }
        *ret = loop;
        return 0;
}

struct loop *loop_free(struct loop *loop) {
        if (!loop)
                return NULL;
        sd_event_source_disable_unref(loop->tick);
        sd_event_unref(loop->event);
        free(loop);
        return NULL;
}

sd_event *loop_event(struct loop *loop) {
        return loop->event;
}

void loop_need_tick(struct loop *loop) {
        if (loop->ticking)
                return;
        if (sd_event_source_set_time_relative(loop->tick, LOOP_TICK_MS * 1000) >= 0 &&
            sd_event_source_set_enabled(loop->tick, SD_EVENT_ONESHOT) >= 0)
                loop->ticking = true;
}

int loop_run(struct loop *loop) {
        return sd_event_loop(loop->event);
}

void loop_stop(struct loop *loop, int status) {
        sd_event_exit(loop->event, status);
}

uint64_t loop_now(struct loop *loop) {
        uint64_t now;

        if (sd_event_now(loop->event, CLOCK_MONOTONIC, &now) < 0)
                return 0;
        return now;
}
