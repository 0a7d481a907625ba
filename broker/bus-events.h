/* SPDX-License-Identifier: Apache-2.0 */
/* Events of sessions: signals to their owner and to each subscriber who may see them, one by one, never to everybody. */
#pragma once

#include <stdint.h>

struct DBusMessage;
struct broker;
struct call;
struct dict;
struct session;

#define SUBSCRIBERS_MAX 256u /* of all users */
#define SUBSCRIBERS_PER_USER 32u
#define SUBSCRIBER_PENDING_MAX 4096u /* signals that wait while the past is sent */

int manager_subscribe(struct call *call);
int manager_unsubscribe(struct call *call);

struct event {
        const char *name; /* Created, Started, Detached, Attached, Resized, Stopping, Removed */
        uint32_t a;       /* rows · milliseconds of grace · enum relay_why */
        uint32_t b;       /* cols */
};
/* To subscribers, to the owner where it was told of the session already, to the history and the journal. */
void bus_event(struct broker *broker, struct session *session, const struct event *event);
/* What every signal's details say. NULL or failed: no memory. */
struct dict *bus_event_details(const struct session *session, const struct event *event);
/* A copy of a signal of a session to each subscriber but the owner. */
void bus_events_copy(struct broker *broker, const struct session *session,
                     struct DBusMessage *message);

void bus_events_caller_gone(struct broker *broker, const char *name);
void bus_events_free(struct broker *broker);
