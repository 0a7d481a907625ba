/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's connection to the broker, and to the next one where that has died. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct wait;

struct link {
        bool adopted;        /* the broker has said hello, or is the one that asked for the exec */
        uint64_t retry_ns;   /* when to try next; 0: connected */
        uint32_t pause_ms;
        uint64_t orphan_ns;  /* when the session ends for want of a broker; 0: never */
};

/* The connection has ended: closes it and begins to try. */
void link_lost(struct wait *w, struct link *l);
/* One try, if it is time for one; a broker that takes us gets our hello. ended: there is an end record. */
void link_try(struct wait *w, struct link *l, bool ended);
