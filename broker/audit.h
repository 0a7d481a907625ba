/* SPDX-License-Identifier: Apache-2.0 */
/* One structured record for each decision and each end: to the journal where there is one, else a line on stderr. */
#pragma once

#include <stdint.h>

struct caller;
struct request;
struct session;

struct audit_decision {
        const struct caller *caller;
        const struct request *request;
        const char *target;  /* as found, or NULL: as asked */
        const char *answer;  /* an answer's name, or a refusal's log word */
        const char *rule;    /* FILE:LINE, "" */
        const char *session; /* "": none */
        const char *text;    /* of a refusal, "" */
};
void audit_decision(const struct audit_decision *decision);
void audit_end(const struct session *session);
/* Started, Detached, Attached, Resized, Stopping, Removed: a record of its own. */
void audit_event(const struct session *session, const char *name);
/* One line of our own affairs. */
void audit_note(const char *format, ...) __attribute__((__format__(printf, 1, 2)));
