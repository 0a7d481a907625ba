/* SPDX-License-Identifier: Apache-2.0 */
/* Hands a plan to the helper and hears of the session until its end. */
#pragma once

#include "broker/error.h"
#include "common/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ack;
struct link;
struct links;
struct launch;
struct wire_plan;
struct wire_started;
struct wire_exited;

#define LAUNCH_ENDS 5u

struct launch_handler {
        /* The command was executed. Comes once, before exited(). master: of its terminal, the handler's from now on; -1: none. */
        void (*started)(void *userdata, const struct wire_started *started, int master);
        /* Nothing was executed; the launch is to be freed. An outcome or -errno, with a text; 0: it was only to be checked, and would
         * be done. */
        void (*refused)(void *userdata, int result, struct error *error);
        /* It has ended and its cgroup is empty. Comes once; the launch is to be freed. exited NULL: nobody knows how it ended. */
        void (*exited)(void *userdata, const struct wire_exited *exited);
        /* The answer to launch_fetch(), each -1 where there is none: the terminal's master, the outer ends, the ring. What the
         * handler takes it sets to -1. */
        void (*ends)(void *userdata, int fds[LAUNCH_ENDS]);
        void *userdata;
};

struct launch_request {
        const struct wire_plan *plan;
        size_t plan_size;
        int target_fd;
        int filter_fd;  /* -1: unconfined */
        int streams[3]; /* -1: the target's null device */
        int extra[LIMIT_EXTRA_FDS];
        unsigned n_extra;
        int outer
                [3]; /* the streams' other ends and the ring, for the supervisor to keep; -1: none */
        int ring_fd;
        uint64_t counter;
        uint64_t now;      /* loop_now() */
        bool only_checked; /* nothing is started: refused() says what would be */
};

/* Connects to the helper, which prepares while the plan is being made: only for what is allowed already, since it costs a
 * process of root's. 0 and *ret; OUTCOME_HELPER_FAILED with a text; -ENOMEM. */
int launch_new(struct links *links, const struct launch_handler *handler, struct launch **ret,
               struct error *error);
/* All fds stay the caller's. 0: the handler hears of it; else as above: nothing was sent. */
int launch_exec(struct launch *launch, const struct launch_request *request, struct error *error);
/* A command that runs already, whose supervisor came to us. Takes the link over. 0 or -ENOMEM. */
int launch_adopt(struct link *link, const struct launch_handler *handler, struct launch **ret);
/* Takes and returns NULL; closes the connection. */
struct launch *launch_free(struct launch *launch);

/* Of a command that has ended, inside exited(): the supervisor, which keeps its record until it is acknowledged. The taker's; NULL: it has
 * gone. One that nobody takes is acknowledged at once. */
struct ack *launch_take_ack(struct launch *launch);
/* Acknowledges, and takes the ack. Takes NULL. */
void ack_send(struct ack *ack);
/* The same of a connection on which a record came in that is known already. NULL: no memory, and the link is freed. */
struct ack *ack_new(struct link *link);

/* Commands to the supervisor: 0 or -errno. */
int launch_signal(struct launch *launch, int signal, unsigned scope);
int launch_stop(struct launch *launch, int signal, uint32_t grace_ms, unsigned ended_by);
int launch_close_stdin(struct launch *launch);
int launch_fetch(struct launch *launch);
int launch_resize(struct launch *launch, uint16_t rows, uint16_t cols);
