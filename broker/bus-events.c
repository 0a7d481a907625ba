/* SPDX-License-Identifier: Apache-2.0 */
/* Subscribers, and what they are sent. Who asks for the past gets it from the history first: what happens meanwhile waits, so that each
 * event comes once and in its order. */
#include "broker/bus-events.h"

#include "broker/api.h"
#include "broker/audit.h"
#include "broker/broker.h"
#include "broker/bus-history.h"
#include "broker/bus-session.h"
#include "broker/bus.h"
#include "broker/call.h"
#include "broker/caller.h"
#include "broker/dict.h"
#include "broker/history-row.h"
#include "broker/recall.h"
#include "broker/recorder.h"
#include "broker/reply.h"
#include "broker/request.h"
#include "broker/relay.h"
#include "broker/session.h"
#include "policy/policy.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSION "org.airlock1.Session"

struct pending {
        struct pending *next;
        DBusMessage *message;
};

struct subscriber {
        struct subscriber *next;
        struct broker *broker;
        char *name;
        uint32_t uid;
        bool sees_all;
        struct request_filter filter;
        struct call *call; /* while the past is asked for: its answer */
        bool gone;         /* and nobody waits for it any more */
        struct pending *pending;
        struct pending **pending_end;
        unsigned n_pending;
};

static void subscriber_free(struct subscriber *subscriber) {
        while (subscriber->pending) {
                struct pending *pending = subscriber->pending;

                subscriber->pending = pending->next;
                dbus_message_unref(pending->message);
                free(pending);
        }
        request_filter_clear(&subscriber->filter);
        call_free(subscriber->call);
        free(subscriber->name);
        free(subscriber);
}

static struct subscriber *take(struct broker *broker, const char *name) {
        for (struct subscriber **slot = &broker->subscribers; *slot; slot = &(*slot)->next)
                if (strcmp((*slot)->name, name) == 0) {
                        struct subscriber *subscriber = *slot;

                        *slot = subscriber->next;
                        return subscriber;
                }
        return NULL;
}

/* One that still waits for the history is freed by its answer. */
static void drop(struct broker *broker, const char *name) {
        struct subscriber *subscriber = take(broker, name);

        if (subscriber && subscriber->call)
                subscriber->gone = true;
        else if (subscriber)
                subscriber_free(subscriber);
}

void bus_events_caller_gone(struct broker *broker, const char *name) {
        drop(broker, name);
}

void bus_events_free(struct broker *broker) {
        while (broker->subscribers)
                drop(broker, broker->subscribers->name);
}

/* ---- what is sent ---- */

static void add_extras(struct dict *dict, const struct session *session,
                       const struct event *event) {
        if (strcmp(event->name, "Resized") == 0) {
                dict_uint(dict, "rows", event->a);
                dict_uint(dict, "cols", event->b);
        } else if (strcmp(event->name, "Detached") == 0) {
                dict_string(dict, "why", relay_why_name(event->a));
        } else if (strcmp(event->name, "Stopping") == 0) {
                dict_uint(dict, "grace-ms", event->a);
                dict_string(dict, "by", session->stopped_by);
        }
}

struct dict *bus_event_details(const struct session *session, const struct event *event) {
        struct dict *dict = dict_new();

        if (!dict)
                return NULL;
        dict_string(dict, "id", session->id);
        dict_string(dict, "name", session->request->name ? session->request->name : "");
        dict_string(dict, "target", session->target);
        dict_uint(dict, "owner", session->owner);
        dict_string(dict, "user", session->user);
        dict_strings(dict, "command");
        for (size_t i = 0; i < session->request->argv.n; i++)
                dict_strings_add(dict, session->request->argv.list[i]);
        dict_int(dict, "pid", session->pid);
        add_extras(dict, session, event);
        return dict;
}

static bool append(DBusMessage *message, struct dict *first, struct dict *second) {
        DBusMessageIter iter;
        bool ok = first || second;

        dbus_message_iter_init_append(message, &iter);
        if (ok && first)
                ok = append_dict(&iter, first);
        if (ok && second)
                ok = append_dict(&iter, second);
        dict_free(first);
        dict_free(second);
        return ok;
}

/* record: of Exited alone. Both dicts are taken. */
static DBusMessage *make(const struct session *session, const char *name, struct dict *record,
                         struct dict *details) {
        DBusMessage *message = dbus_message_new_signal(session->path, SESSION, name);

        if (!message) {
                dict_free(record);
                dict_free(details);
                return NULL;
        }
        if (append(message, record, details))
                return message;
        dbus_message_unref(message);
        return NULL;
}

static bool is_for(const struct subscriber *subscriber, const struct session *session) {
        return session->visible &&
               policy_may_see(subscriber->uid, session->owner, subscriber->sees_all) &&
               session_matches(session, &subscriber->filter);
}

static void keep(struct subscriber *subscriber, DBusMessage *message) {
        struct pending *pending = subscriber->n_pending < SUBSCRIBER_PENDING_MAX
                                        ? calloc(1, sizeof *pending)
                                        : NULL;

        if (!pending) {
                dbus_message_unref(message);
                return;
        }
        pending->message = message;
        if (subscriber->pending)
                *subscriber->pending_end = pending;
        else
                subscriber->pending = pending;
        subscriber->pending_end = &pending->next;
        subscriber->n_pending++;
}

static void send_to(struct subscriber *subscriber, const DBusMessage *message) {
        DBusMessage *copy = dbus_message_copy(message);

        if (!copy)
                return;
        if (!dbus_message_set_destination(copy, subscriber->name))
                dbus_message_unref(copy);
        else if (subscriber->call)
                keep(subscriber, copy);
        else
                bus_send(subscriber->broker->bus, copy);
}

void bus_events_copy(struct broker *broker, const struct session *session,
                     struct DBusMessage *message) {
        for (struct subscriber *s = broker->subscribers; s; s = s->next)
                if (is_for(s, session) &&
                    (!session->owner_name || strcmp(s->name, session->owner_name) != 0))
                        send_to(s, message);
}

/* The owner has the beginning of an exec from its reply: it is told of what comes after it was told of the session. */
static void send_to_all(struct broker *broker, const struct session *session,
                        const struct event *event) {
        bool beginning = strcmp(event->name, "Created") == 0 || strcmp(event->name, "Started") == 0;
        bool owner = session->owner_name && (!beginning || session->announced);
        DBusMessage *message;

        if (!owner && !broker->subscribers && !session->attached_name)
                return;
        message = make(session, event->name, NULL, bus_event_details(session, event));
        if (!message)
                return;
        bus_session_copy(broker, session, message);
        bus_events_copy(broker, session, message);
        for (struct subscriber *s = broker->subscribers; s && session->owner_name && !owner;
             s = s->next)
                if (strcmp(s->name, session->owner_name) == 0 && is_for(s, session))
                        send_to(s, message);
        if (owner && dbus_message_set_destination(message, session->owner_name))
                bus_send(broker->bus, message);
        else
                dbus_message_unref(message);
}

void bus_event(struct broker *broker, struct session *session, const struct event *event) {
        bool beginning = strcmp(event->name, "Created") == 0 || strcmp(event->name, "Started") == 0;
        bool end = strcmp(event->name, "Removed") == 0;
        struct history_event row = { .time_us = recall_now_us(), .a = event->a, .b = event->b };

        send_to_all(broker, session, event);
        if (!beginning)
                audit_event(session, event->name);
        if (beginning || end)
                return; /* its row has the time of these */
        snprintf(row.id, sizeof row.id, "%s", session->id);
        snprintf(row.what, sizeof row.what, "%s", event->name);
        recorder_event(broker->recorder, &row);
}

/* ---- the past ---- */

/* Sends one event of the past as it was sent then, with a mark. */
static void replay(struct subscriber *subscriber, const struct history_event *event) {
        struct event what = { event->what, event->a, event->b };
        struct session session = { .ring_fd = -1, .outer = { -1, -1, -1 } };
        DBusMessage *message = NULL;

        memcpy(session.id, event->id, sizeof session.id);
        snprintf(session.path, sizeof session.path, "/org/airlock1/session/%s", event->id);
        if (history_row_restore(event->row, &session) == 0) {
                struct dict *details = bus_event_details(&session, &what);
                bool exited = strcmp(event->what, "Exited") == 0;

                session_restore_state(&session, event->row->state);
                if (details) {
                        dict_bool(details, "replayed", true);
                        dict_uint64(details, "time-us", event->time_us);
                }
                message = make(&session, event->what, exited ? session_record(&session) : NULL,
                               details);
        }
        if (message && dbus_message_set_destination(message, subscriber->name))
                bus_send(subscriber->broker->bus, message);
        else if (message)
                dbus_message_unref(message);
        session_clear(&session);
}

static void send_pending(struct subscriber *subscriber) {
        while (subscriber->pending) {
                struct pending *pending = subscriber->pending;

                subscriber->pending = pending->next;
                bus_send(subscriber->broker->bus, pending->message);
                free(pending);
        }
        subscriber->n_pending = 0;
}

static void on_replay(void *userdata, int result, struct history_event *events) {
        struct subscriber *subscriber = userdata;
        struct call *call = subscriber->call;

        subscriber->call = NULL;
        if (subscriber->gone) {
                call_free(call);
                subscriber_free(subscriber);
        } else if (result < 0) {
                drop(call->broker, subscriber->name);
                reply_refusal(
                        call, OUTCOME_HELPER_FAILED,
                        "history: cannot be read, so nothing since then is known; airlock status says why");
        } else {
                reply_empty(call);
                for (const struct history_event *event = events; event; event = event->next)
                        replay(subscriber, event);
                send_pending(subscriber);
        }
        history_event_free(events);
}

/* What the history does not have yet, so that the answer has it. */
static void record_all(struct broker *broker) {
        for (struct session *s = sessions_first(broker->sessions); s; s = s->next)
                if (s->visible && !s->recorded && !session_is_over(s)) {
                        s->recorded = true;
                        recorder_put(broker->recorder, history_row_of(s), true, NULL, NULL);
                }
}

/* ---- methods ---- */

static int check_room(struct call *call) {
        unsigned all = 0, own = 0;

        for (struct subscriber *s = call->broker->subscribers; s; s = s->next) {
                all++;
                own += s->uid == call->caller->uid;
        }
        if (own >= SUBSCRIBERS_PER_USER || all >= SUBSCRIBERS_MAX)
                return error_set(&call->error, OUTCOME_LIMITS_EXCEEDED,
                                 "more than %u subscribers of one user, or %u of all",
                                 SUBSCRIBERS_PER_USER, SUBSCRIBERS_MAX);
        return 0;
}

static int ask_past(struct subscriber *subscriber, struct call *call, uint64_t since_us) {
        struct history_filter filter = bus_history_filter(call, &subscriber->filter);

        filter.since_us = since_us;
        record_all(call->broker);
        return recorder_replay(call->broker->recorder, &filter, on_replay, subscriber);
}

static int add(struct call *call, struct request_filter *filter) {
        struct subscriber *subscriber = calloc(1, sizeof *subscriber);
        uint64_t since_us = filter->since_us;
        int r = 0;

        if (!subscriber)
                return -ENOMEM;
        subscriber->broker = call->broker;
        subscriber->uid = call->caller->uid;
        subscriber->sees_all = api_may_manage(call);
        subscriber->filter = *filter;
        *filter = (struct request_filter){ 0 };
        subscriber->filter.since_us = 0; /* of events, not of sessions */
        subscriber->name = strdup(call->caller->name);
        if (!subscriber->name)
                r = -ENOMEM;
        else if (since_us)
                r = ask_past(subscriber, call, since_us);
        if (r < 0) {
                subscriber_free(subscriber);
                return r;
        }
        subscriber->next = call->broker->subscribers;
        call->broker->subscribers = subscriber;
        if (since_us)
                subscriber->call = call;
        else
                reply_empty(call);
        return 0;
}

int manager_subscribe(struct call *call) {
        struct request_filter filter;
        int r = request_read_filter(call->message, &filter, &call->error);

        if (r)
                return r;
        drop(call->broker, call->caller->name);
        r = check_room(call);
        if (r == 0)
                r = add(call, &filter);
        request_filter_clear(&filter);
        return r;
}

int manager_unsubscribe(struct call *call) {
        drop(call->broker, call->caller->name);
        reply_empty(call);
        return 0;
}
