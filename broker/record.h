/* SPDX-License-Identifier: Apache-2.0 */
/* The exit record: how a command ended, never mixed with how it could not be started. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct dict;
struct wire_exited;

struct record {
        const struct wire_exited *exited; /* NULL: it never ran, or nobody knows how it ended */
        const char *stopped_by;           /* caller, user: who stopped it, where somebody did */
        uint64_t signals;                 /* bit n-1: signal n was sent through us */
        const char *signaled_by;
        const char *oom;        /* NULL: unknown */
        bool by_target;         /* it was ended with its target */
        unsigned rule_timeouts; /* bit n: enum wire_timeout n is the rule's and not the caller's */
        bool failed;            /* it never ran: */
        const char *stage;      /* where its start broke off; NULL: before the helper */
        int err;                /* and why; 0: no number of the kernel's */
};

/* NULL or failed: no memory. */
struct dict *record_make(const struct record *record);
/* self, caller, user, rule, target, broker. */
const char *record_ended_by(const struct record *record);
/* The command's own code, 128+n for signal n, -1 where there is none or it is not known. */
int record_code(const struct wire_exited *exited);
