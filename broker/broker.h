/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the broker, and who owns what: main.c makes them, everybody else borrows. */
#pragma once

#include "broker/lookup.h"

#include <stdint.h>

struct broker {
        struct loop *loop;
        struct bus *bus;
        struct settings *settings;
        struct policy_set *rules; /* NULL denies everything */
        char policy_status[512];
        char policy_error[512]; /* of the last load; empty: none */
        uint64_t
                policy_loaded_us; /* since the epoch: when what is in force was read; 0: nothing is */
        uint64_t policy_tried_us; /* of the last load, good or not */
        struct filter_cache *filters;
        struct profiles *profiles;
        struct links *links;
        struct callers *callers;
        struct logins *logins;
        struct targets *targets;
        struct sessions *sessions;
        struct quotas *quotas;
        struct turns *turns;
        struct flow *flows;       /* requests under way */
        struct subscriber *subscribers;
        struct wait *waits;       /* calls of Session.Wait that have no answer yet */
        struct manage *manages;   /* calls that wait for a manage action */
        struct listing *listings; /* calls of ListTargets under way */
        struct lookup_context lookup;
        uint64_t counter;    /* of requests to the helper, never the same twice */
        uint64_t started_us; /* loop_now() */
        struct recorder *recorder;
        struct recall *recall; /* of the history: sessions that a supervisor may still come for */
        struct adopt *adopt;   /* NULL without a sessions_fd */
        int sessions_fd; /* the listening socket where supervisors that outlived a broker call; -1: none */
};

/* One of them, or settings, policy and profiles again. 0; -errno; OUTCOME_INVALID_ARGS with a text: the last good ones stay. */
struct error;
int broker_load_settings(struct broker *broker, struct error *error);
int broker_load_policy(struct broker *broker, struct error *error);
int broker_reload(struct broker *broker, struct error *error);
