/* SPDX-License-Identifier: Apache-2.0 */
/* One method call that waits for its answer. */
#pragma once

#include "broker/error.h"

#include <stdbool.h>

struct DBusMessage;
struct broker;
struct caller;
struct method;
struct quota;
struct session;

struct call {
        struct broker *broker;
        struct call *next_waiting; /* of turns.c */
        struct DBusMessage *message; /* a reference */
        const struct method *method;
        struct caller *caller;   /* a reference; set before a handler sees the call */
        struct session *session; /* of a session's object: set for the handler, not to be kept */
        struct quota *quota;     /* counts it among the caller's requests */
        bool interactive;        /* the caller lets polkit ask a person */
        bool asked;              /* polkit was, about a manage action */
        int manage;              /* its outcome: 0 is a yes */
        struct error error;
};
