/* SPDX-License-Identifier: Apache-2.0 */
/* Methods and signals of sessions. The dispatcher has let only who may see the session come here. */
#include "broker/bus-session.h"

#include "broker/broker.h"
#include "broker/bus-events.h"
#include "broker/bus.h"
#include "broker/call.h"
#include "broker/caller.h"
#include "broker/dict.h"
#include "broker/loop.h"
#include "broker/request.h"
#include "broker/reply.h"
#include "broker/session-relay.h"
#include "broker/session.h"
#include "common/fd.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SESSION "org.airlock1.Session"

/* A call of Wait that has no answer yet. */
struct wait {
        struct wait *next;
        struct call *call;
        const struct session *session;
        sd_event_source *timer; /* NULL: without limit */
        bool removes;           /* it is a Remove that waits for the end */
};

int bus_session_signal(struct call *call) {
        const char *scope;
        dbus_int32_t signal;
        int r;

        dbus_message_get_args(call->message, NULL, DBUS_TYPE_INT32, &signal, DBUS_TYPE_STRING,
                              &scope, DBUS_TYPE_INVALID);
        r = session_signal(call->session, signal, scope, call->caller->uid == call->session->owner,
                           &call->error);
        if (r == 0)
                reply_empty(call);
        return r;
}

int bus_session_stop(struct call *call) {
        dbus_uint32_t grace_ms;
        int r;

        dbus_message_get_args(call->message, NULL, DBUS_TYPE_UINT32, &grace_ms, DBUS_TYPE_INVALID);
        r = session_stop(call->session, grace_ms, call->caller->uid == call->session->owner,
                         &call->error);
        if (r == 0)
                reply_empty(call);
        return r;
}

int bus_session_resize(struct call *call) {
        dbus_uint16_t rows, cols;
        int r;

        dbus_message_get_args(call->message, NULL, DBUS_TYPE_UINT16, &rows, DBUS_TYPE_UINT16, &cols,
                              DBUS_TYPE_INVALID);
        r = session_resize(call->session, rows, cols, &call->error);
        if (r)
                return r;
        bus_event(call->broker, call->session, &(struct event){ "Resized", rows, cols });
        reply_empty(call);
        return 0;
}

int bus_session_close_stdin(struct call *call) {
        int r = session_close_stdin(call->session, &call->error);

        if (r == 0)
                reply_empty(call);
        return r;
}

/* Killed, and forgotten as soon as it has ended: the answer comes then. */
static int remove_by_force(struct call *call) {
        struct session *session = call->session;
        struct wait *wait;
        int r = session_stop(session, 0, call->caller->uid == session->owner, &call->error);

        if (r)
                return r;
        wait = calloc(1, sizeof *wait);
        if (!wait)
                return -ENOMEM;
        session->remove_at_end = true;
        *wait = (struct wait){
                .next = call->broker->waits, .call = call, .session = session, .removes = true
        };
        call->broker->waits = wait;
        return 0;
}

int bus_session_remove(struct call *call) {
        dbus_bool_t force;
        int r;

        dbus_message_get_args(call->message, NULL, DBUS_TYPE_BOOLEAN, &force, DBUS_TYPE_INVALID);
        if (force && !session_is_over(call->session))
                return remove_by_force(call);
        r = session_remove(call->session, &call->error);
        call->session = NULL;
        if (r == 0)
                reply_empty(call);
        return r;
}

/* ---- Attach ---- */

/* A call of Attach that the relay has not answered yet. */
struct attaching {
        struct call *call;
        struct session *session; /* outlives its relay, and that answers before it goes */
        int ends[3];
        bool read_only;
};

static const char *attach_error(int error) {
        return error == EBUSY  ? "somebody is attached; steal takes their place"
             : error == EUSERS ? "too many are attached"
                               : "its relay was lost; try again";
}

static void on_attached(void *userdata, int error) {
        struct attaching *attaching = userdata;
        struct call *call = attaching->call;

        if (error) {
                error_set(&call->error, OUTCOME_BAD_STATE, "session %s: %s", attaching->session->id,
                          attach_error(error));
                reply_refusal(call, OUTCOME_BAD_STATE, call->error.text);
        } else {
                if (!attaching->read_only) {
                        session_relay_attached(attaching->session, call->caller->name);
                        session_was_attached(attaching->session);
                }
                reply_fds(call, attaching->ends);
        }
        close_fds(attaching->ends, 3);
        free(attaching);
}

int bus_session_attach(struct call *call) {
        struct attaching *attaching = calloc(1, sizeof *attaching);
        struct session_relay_answer answer = { on_attached, attaching };
        struct request_attach attach;
        int r;

        if (!attaching)
                return -ENOMEM;
        *attaching = (struct attaching){ .call = call,
                                         .session = call->session,
                                         .ends = { -1, -1, -1 } };
        r = request_read_attach(call->message, false, &attach, &call->error);
        attaching->read_only = attach.read_only;
        if (r == 0)
                r = session_relay_attach(call->session, &attach, attaching->ends, &answer,
                                         &call->error);
        if (r)
                free(attaching);
        return r;
}

/* ---- Wait ---- */

static struct call *take_wait(struct broker *broker, struct wait *wait) {
        struct call *call = wait->call;

        for (struct wait **slot = &broker->waits; *slot; slot = &(*slot)->next)
                if (*slot == wait) {
                        *slot = wait->next;
                        break;
                }
        sd_event_source_disable_unref(wait->timer);
        free(wait);
        return call;
}

static int on_wait_timeout(sd_event_source *source, uint64_t now, void *userdata) {
        struct wait *wait = userdata;

        reply_refusal(take_wait(wait->call->broker, wait), OUTCOME_TIMEOUT,
                      "session: has not ended within the time");
        return 0;
}

int bus_session_wait(struct call *call) {
        struct broker *broker = call->broker;
        dbus_uint32_t timeout_ms;
        struct wait *wait;
        int r = 0;

        dbus_message_get_args(call->message, NULL, DBUS_TYPE_UINT32, &timeout_ms,
                              DBUS_TYPE_INVALID);
        if (session_is_over(call->session)) {
                reply_dict(call, session_record(call->session));
                return 0;
        }
        wait = calloc(1, sizeof *wait);
        if (!wait)
                return -ENOMEM;
        *wait = (struct wait){ .next = broker->waits, .call = call, .session = call->session };
        if (timeout_ms)
                r = sd_event_add_time_relative(loop_event(broker->loop), &wait->timer,
                                               CLOCK_MONOTONIC, (uint64_t)timeout_ms * 1000, 0,
                                               on_wait_timeout, wait);
        if (r < 0) {
                free(wait);
                return r;
        }
        broker->waits = wait;
        return 0;
}

void bus_session_caller_gone(struct broker *broker, const char *name) {
        struct wait *next;

        for (struct wait *wait = broker->waits; wait; wait = next) {
                next = wait->next;
                if (strcmp(wait->call->caller->name, name) == 0)
                        call_free(take_wait(broker, wait));
        }
}

void bus_session_drop_waits(struct broker *broker) {
        while (broker->waits)
                call_free(take_wait(broker, broker->waits));
}

static void answer_waits(struct broker *broker, const struct session *session, bool forgotten) {
        struct wait *next;

        for (struct wait *wait = broker->waits; wait; wait = next) {
                next = wait->next;
                if (wait->session != session || (wait->removes && !forgotten))
                        continue;
                if (wait->removes)
                        reply_empty(take_wait(broker, wait));
                else if (forgotten)
                        reply_refusal(take_wait(broker, wait), OUTCOME_NO_SUCH_SESSION,
                                      "session: was forgotten");
                else
                        reply_dict(take_wait(broker, wait), session_record(session));
        }
}

/* ---- signals: to the owner alone, by the name it had when it asked ---- */

static DBusMessage *signal_new(const struct broker *broker, const struct session *session,
                               const char *path, const char *interface, const char *name) {
        DBusMessage *message;

        /* Nobody who would hear it: one that was adopted, and that nobody has claimed yet; one whose owner left. */
        if (!session->owner_name && !broker->subscribers)
                return NULL;
        message = dbus_message_new_signal(path, interface, name);

        if (message && session->owner_name &&
            !dbus_message_set_destination(message, session->owner_name)) {
                dbus_message_unref(message);
                return NULL;
        }
        return message;
}

/* Who is attached may be another client of its owner, and hears of it as well. */
void bus_session_copy(struct broker *broker, const struct session *session,
                      struct DBusMessage *message) {
        DBusMessage *copy;

        if (!session->attached_name ||
            (session->owner_name && strcmp(session->attached_name, session->owner_name) == 0))
                return;
        copy = dbus_message_copy(message);
        if (copy && dbus_message_set_destination(copy, session->attached_name))
                bus_send(broker->bus, copy);
        else if (copy)
                dbus_message_unref(copy);
}

static void signal_send(struct broker *broker, const struct session *session, DBusMessage *message,
                        int built) {
        if (built) {
                bus_session_copy(broker, session, message);
                bus_events_copy(broker, session, message);
        }
        if (built && session->owner_name)
                bus_send(broker->bus, message);
        else if (message)
                dbus_message_unref(message);
}

static int append_and_free(DBusMessageIter *iter, struct dict *dict) {
        int ok = dict && append_dict(iter, dict);

        dict_free(dict);
        return ok;
}

static int append_interfaces(DBusMessageIter *iter, const struct session *session) {
        static const char *const interface = SESSION;
        DBusMessageIter interfaces, entry;

        return dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sa{sv}}", &interfaces) &&
               dbus_message_iter_open_container(&interfaces, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
               dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &interface) &&
               append_and_free(&entry, session_properties(session)) &&
               dbus_message_iter_close_container(&interfaces, &entry) &&
               dbus_message_iter_close_container(iter, &interfaces);
}

void bus_session_added(struct broker *broker, struct session *session) {
        DBusMessage *message = signal_new(broker, session, "/org/airlock1",
                                          "org.freedesktop.DBus.ObjectManager", "InterfacesAdded");
        const char *path = session->path;
        DBusMessageIter iter;
        int ok = message != NULL;

        if (ok) {
                dbus_message_iter_init_append(message, &iter);
                ok = dbus_message_iter_append_basic(&iter, DBUS_TYPE_OBJECT_PATH, &path) &&
                     append_interfaces(&iter, session);
        }
        signal_send(broker, session, message, ok);
}

/* record: NULL before the end. */
static int append_changed(DBusMessage *message, const struct session *session,
                          const struct dict *record) {
        static const char *const interface = SESSION, *const state_key = "State",
                                 *const record_key = "Record";
        const char *state = session_state_name(session);
        DBusMessageIter iter, changed, entry, variant, invalidated;
        int ok;

        dbus_message_iter_init_append(message, &iter);
        ok = dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &interface) &&
             dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &changed) &&
             dbus_message_iter_open_container(&changed, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
             dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &state_key) &&
             dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &variant) &&
             dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &state) &&
             dbus_message_iter_close_container(&entry, &variant) &&
             dbus_message_iter_close_container(&changed, &entry);
        if (ok && record)
                ok = dbus_message_iter_open_container(&changed, DBUS_TYPE_DICT_ENTRY, NULL,
                                                      &entry) &&
                     dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &record_key) &&
                     dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "a{sv}",
                                                      &variant) &&
                     append_dict(&variant, record) &&
                     dbus_message_iter_close_container(&entry, &variant) &&
                     dbus_message_iter_close_container(&changed, &entry);
        return ok && dbus_message_iter_close_container(&iter, &changed) &&
               dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "s", &invalidated) &&
               dbus_message_iter_close_container(&iter, &invalidated);
}

static void send_changed(struct broker *broker, const struct session *session,
                         const struct dict *record) {
        DBusMessage *message = signal_new(broker, session, session->path, DBUS_INTERFACE_PROPERTIES,
                                          "PropertiesChanged");

        signal_send(broker, session, message, message && append_changed(message, session, record));
}

void bus_session_changed(struct broker *broker, struct session *session) {
        struct dict *record = session_record(session);

        send_changed(broker, session, record);
        dict_free(record);
}

static int append_exited(DBusMessage *message, const struct session *session,
                         const struct dict *record, bool in_full) {
        struct event event = { "Exited", 0, 0 };
        struct dict *details = in_full ? bus_event_details(session, &event) : dict_new();
        DBusMessageIter iter;

        /* The owner knows what it started: one exec costs that much less. */
        if (details && !in_full)
                dict_string(details, "id", session->id);
        dbus_message_iter_init_append(message, &iter);
        if (!append_dict(&iter, record)) {
                dict_free(details);
                return 0;
        }
        return append_and_free(&iter, details);
}

void bus_session_ended(struct broker *broker, struct session *session) {
        DBusMessage *message = signal_new(broker, session, session->path, SESSION, "Exited");
        struct dict *record = session_record(session);

        signal_send(broker, session, message,
                    message && record &&
                            append_exited(message, session, record, broker->subscribers != NULL));
        answer_waits(broker, session, false);
        dict_free(record);
}

void bus_session_removed(struct broker *broker, struct session *session) {
        static const char *const interfaces[] = { SESSION };
        const char *path = session->path, *const *list = interfaces;
        DBusMessage *message = signal_new(broker, session, "/org/airlock1",
                                          "org.freedesktop.DBus.ObjectManager",
                                          "InterfacesRemoved");

        answer_waits(broker, session, true);
        signal_send(broker, session, message,
                    message && dbus_message_append_args(message, DBUS_TYPE_OBJECT_PATH, &path,
                                                        DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &list, 1,
                                                        DBUS_TYPE_INVALID));
}
