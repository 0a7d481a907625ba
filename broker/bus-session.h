/* SPDX-License-Identifier: Apache-2.0 */
/* A session's face on the bus: its methods, and its signals, which go to its owner and to nobody else. */
#pragma once

#include <stdint.h>

struct DBusMessage;
struct broker;
struct call;
struct session;

int bus_session_signal(struct call *call);
int bus_session_stop(struct call *call);
int bus_session_resize(struct call *call);
int bus_session_close_stdin(struct call *call);
int bus_session_wait(struct call *call);
int bus_session_attach(struct call *call);
int bus_session_remove(struct call *call);

void bus_session_added(struct broker *broker, struct session *session);
void bus_session_changed(struct broker *broker, struct session *session);
void bus_session_ended(struct broker *broker, struct session *session);
/* A copy of a signal to who is attached, where that is not its owner's own connection. */
void bus_session_copy(struct broker *broker, const struct session *session,
                      struct DBusMessage *message);
void bus_session_removed(struct broker *broker, struct session *session);
/* Calls of Wait by a caller that left. */
void bus_session_caller_gone(struct broker *broker, const char *name);
void bus_session_drop_waits(struct broker *broker);
