/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of the users who have calls waiting, and each one's calls in the order in which they came. */
#include "broker/turns.h"

#include "broker/call.h"
#include "broker/caller.h"
#include "broker/quota.h"
#include "broker/reply.h"

#include <errno.h>
#include <stdlib.h>

/* How many calls are handled before the rest of the loop, reports of the helper among it, has its turn. */
#define BATCH 8

struct turns {
        struct quotas *quotas;
        void (*handle)(struct call *call);
        sd_event_source *more;
        struct quota *first; /* whose turn it is */
        struct quota *last;
};

static int on_more(sd_event_source *source, void *userdata) {
        turns_serve(userdata);
        return 0;
}

int turns_new(sd_event *event, struct quotas *quotas, void (*handle)(struct call *call),
              struct turns **ret) {
        struct turns *turns = calloc(1, sizeof *turns);
        int r;

        if (!turns)
                return -ENOMEM;
        turns->quotas = quotas;
        turns->handle = handle;
        r = sd_event_add_defer(event, &turns->more, on_more, turns);
        if (r >= 0)
                r = sd_event_source_set_enabled(turns->more, SD_EVENT_OFF);
        if (r < 0)
                turns_free(turns);
        else
                *ret = turns;
        return r < 0 ? r : 0;
}

static void put_last(struct turns *turns, struct quota *quota) {
        quota->next_turn = NULL;
        if (turns->last)
                turns->last->next_turn = quota;
        else
                turns->first = quota;
        turns->last = quota;
}

/* The next call; its user goes to the end of the ring, if there are more of his. NULL: none waits. */
static struct call *take(struct turns *turns) {
        struct quota *quota = turns->first;
        struct call *call;

        if (!quota)
                return NULL;
        turns->first = quota->next_turn;
        if (!turns->first)
                turns->last = NULL;
        call = quota->waiting;
        quota->waiting = call->next_waiting;
        quota->n_waiting--;
        if (quota->waiting)
                put_last(turns, quota);
        return call;
}

struct turns *turns_free(struct turns *turns) {
        struct call *call;

        if (!turns)
                return NULL;
        while ((call = take(turns)))
                call_free(call);
        sd_event_source_disable_unref(turns->more);
        free(turns);
        return NULL;
}

int turns_add(struct turns *turns, struct call *call, uint32_t max_waiting) {
        struct quota *quota = quotas_of(turns->quotas, call->caller->uid);

        if (!quota)
                return -ENOMEM;
        if (quota->n_waiting >= max_waiting)
                return -EAGAIN;
        call->next_waiting = NULL;
        if (quota->waiting) {
                quota->last_waiting->next_waiting = call;
        } else {
                quota->waiting = call;
                put_last(turns, quota);
        }
        quota->last_waiting = call;
        quota->n_waiting++;
        return 0;
}

void turns_serve(struct turns *turns) {
        struct call *call;

        for (unsigned i = 0; i < BATCH && (call = take(turns)); i++)
                turns->handle(call);
        if (turns->first)
                sd_event_source_set_enabled(turns->more, SD_EVENT_ONESHOT);
}
