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
        sd_event_source *more;  /* calls are left for the loop's next round */
        sd_event_source *later; /* all who have calls waiting rest */
        struct quota *first; /* whose turn it is */
        struct quota *last;
};

static int on_later(sd_event_source *source, uint64_t usec, void *userdata) {
        turns_serve(userdata);
        return 0;
}

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
        if (r >= 0)
                r = sd_event_add_time(event, &turns->later, CLOCK_MONOTONIC, UINT64_MAX, 1000, on_later, turns);
        if (r >= 0)
                r = sd_event_source_set_enabled(turns->later, SD_EVENT_OFF);
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

/* Brings somebody who does not rest to the front. 0; else when the first of them has rested. */
static uint64_t skip_resting(struct turns *turns) {
        const struct quota *seen = NULL;
        uint64_t now = 0, first = UINT64_MAX;

        sd_event_now(sd_event_source_get_event(turns->more), CLOCK_MONOTONIC, &now);
        while (turns->first && turns->first != seen) {
                struct quota *quota = turns->first;
                uint64_t until = quota_rests_until(quota, now);

                if (until <= now)
                        return 0;
                if (until < first)
                        first = until;
                if (!seen)
                        seen = quota;
                turns->first = quota->next_turn;
                if (!turns->first)
                        turns->last = NULL;
                put_last(turns, quota);
        }
        return turns->first ? first : 0;
}

struct turns *turns_free(struct turns *turns) {
        struct call *call;

        if (!turns)
                return NULL;
        while ((call = take(turns)))
                call_free(call);
        sd_event_source_disable_unref(turns->more);
        sd_event_source_disable_unref(turns->later);
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
        uint64_t rested = 0;

        for (unsigned i = 0; i < BATCH && turns->first; i++) {
                rested = skip_resting(turns);
                if (rested)
                        break;
                turns->handle(take(turns));
        }
        if (rested) {
                sd_event_source_set_time(turns->later, rested);
                sd_event_source_set_enabled(turns->later, SD_EVENT_ONESHOT);
        } else if (turns->first) {
                sd_event_source_set_enabled(turns->more, SD_EVENT_ONESHOT);
        }
}
