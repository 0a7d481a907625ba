/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of methods, and the way of a message to its row. */
#pragma once

struct DBusMessage;
struct broker;
struct call;

/* Kinds of objects that have an interface. */
enum api_object {
        API_NONE,
        API_PARENT, /* a node that leads to others: /, /org, /org/airlock1/session */
        API_MANAGER,
        API_SESSION,
};

struct method {
        const char *interface;
        const char *member;
        const char *in; /* signatures */
        const char *out;
        /* The polkit action; or "public"; or "owner": the session's own owner, else org.airlock1.manage-sessions; or "list": public,
         * and shows others' sessions to who has that action. A row without one answers nobody. */
        const char *action;
        /* Takes the call over and answers it, now or later, where it returns 0. Else -errno, or an outcome with call->error: the
         * dispatcher answers. NULL: libdbus answers it before we see it. */
        int (*handler)(struct call *call);
        /* Its answer may come later: such calls of one user are bounded in number. */
        int waits;
};

/* Row i, NULL behind the last. */
const struct method *api_method(unsigned i);
/* A call whose turn it is. Takes it over. */
void api_handle(struct call *call);
void api_dispatch(struct broker *broker, struct DBusMessage *message);
/* A caller who may see and end what is another's: root, and in a call that polkit was asked about its answer. */
int api_may_manage(const struct call *call);
