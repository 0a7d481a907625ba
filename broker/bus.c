/* SPDX-License-Identifier: Apache-2.0 */
/* libdbus on sd-event. libdbus gives two watches for one fd, may take one away inside its own callback, and must not be
 * dispatched from inside any of its callbacks; this file is where all of that is dealt with. */
#include "broker/bus.h"

#include "broker/error.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* libdbus reads 2 KiB at a time. Calls take turns by user, so all that have come have to be looked at before the first of them is
 * handled: one user's calls would else stand in the socket before everybody's. Bounded, or it would never be handled. */
#define READS 64
/* How many messages are handled before other sources of the loop have their turn. */
#define DISPATCH_BATCH 64
/* Received and not yet answered: beyond it libdbus stops reading, and the bus makes the senders wait. */
#define RECEIVED_MAX (64L * 1024 * 1024)

struct bus {
        DBusConnection *connection;
        sd_event *event;
        sd_event_source *io;       /* one for both watches */
        sd_event_source *deferred; /* dispatches what is left, outside every callback of libdbus */
        DBusWatch *read_watch;
        DBusWatch *write_watch;
        bool dispatching;
        struct bus_handler handler;
};

static uint32_t watch_events(DBusWatch *watch) {
        unsigned int flags;

        if (!watch || !dbus_watch_get_enabled(watch))
                return 0;
        flags = dbus_watch_get_flags(watch);
        return (flags & DBUS_WATCH_READABLE ? EPOLLIN : 0) |
               (flags & DBUS_WATCH_WRITABLE ? EPOLLOUT : 0);
}

static void dispatch(struct bus *bus) {
        DBusDispatchStatus status = DBUS_DISPATCH_DATA_REMAINS;

        if (bus->dispatching)
                return;
        bus->dispatching = true;
        for (int i = 0; i < DISPATCH_BATCH && status == DBUS_DISPATCH_DATA_REMAINS; i++)
                status = dbus_connection_dispatch(bus->connection);
        bus->dispatching = false;
        if (status != DBUS_DISPATCH_COMPLETE)
                sd_event_source_set_enabled(bus->deferred, SD_EVENT_ONESHOT);
}

static int on_deferred(sd_event_source *source, void *userdata) {
        struct bus *bus = userdata;

        dispatch(bus);
        bus->handler.drained(bus->handler.userdata);
        return 0;
}

static void handle_watch(DBusWatch *watch, uint32_t revents) {
        unsigned int flags = 0;

        if (!watch || !dbus_watch_get_enabled(watch))
                return;
        if (revents & EPOLLIN)
                flags |= DBUS_WATCH_READABLE;
        if (revents & EPOLLOUT)
                flags |= DBUS_WATCH_WRITABLE;
        if (revents & EPOLLHUP)
                flags |= DBUS_WATCH_HANGUP;
        if (revents & EPOLLERR)
                flags |= DBUS_WATCH_ERROR;
        flags &= dbus_watch_get_flags(watch) | DBUS_WATCH_HANGUP | DBUS_WATCH_ERROR;
        if (flags)
                dbus_watch_handle(watch, flags);
}

static bool is_readable(const struct bus *bus) {
        struct pollfd fd = { .events = POLLIN };

        if (!bus->read_watch || !dbus_watch_get_enabled(bus->read_watch))
                return false;
        fd.fd = dbus_watch_get_unix_fd(bus->read_watch);
        return poll(&fd, 1, 0) > 0 && fd.revents == POLLIN;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct bus *bus = userdata;

        /* Each is read again from bus: handling the first may have removed the second. */
        handle_watch(bus->write_watch, revents);
        for (int i = 0; i < READS; i++) {
                handle_watch(bus->read_watch, revents);
                dispatch(bus);
                if (!is_readable(bus))
                        break;
                revents = EPOLLIN;
        }
        bus->handler.drained(bus->handler.userdata);
        return 0;
}

/* A hang-up is reported even for an empty mask: with nothing enabled the source has to be off, or the loop spins. */
static void update_io(struct bus *bus) {
        uint32_t events = watch_events(bus->read_watch) | watch_events(bus->write_watch);

        if (!bus->io)
                return;
        if (events)
                sd_event_source_set_io_events(bus->io, events);
        sd_event_source_set_enabled(bus->io, events ? SD_EVENT_ON : SD_EVENT_OFF);
}

static dbus_bool_t add_watch(DBusWatch *watch, void *userdata) {
        struct bus *bus = userdata;
        DBusWatch **slot = dbus_watch_get_flags(watch) & DBUS_WATCH_READABLE ? &bus->read_watch
                                                                             : &bus->write_watch;

        if (*slot)
                return FALSE;
        if (!bus->io &&
            sd_event_add_io(bus->event, &bus->io, dbus_watch_get_unix_fd(watch), 0, on_io, bus) < 0)
                return FALSE;
        *slot = watch;
        update_io(bus);
        return TRUE;
}

static void remove_watch(DBusWatch *watch, void *userdata) {
        struct bus *bus = userdata;

        if (bus->read_watch == watch)
                bus->read_watch = NULL;
        if (bus->write_watch == watch)
                bus->write_watch = NULL;
        update_io(bus);
        /* The fd is closed after its last watch is gone; a later one may have the same number. */
        if (!bus->read_watch && !bus->write_watch)
                bus->io = sd_event_source_disable_unref(bus->io);
}

static void toggle_watch(DBusWatch *watch, void *userdata) {
        update_io(userdata);
}

static int on_timeout(sd_event_source *source, uint64_t now, void *userdata) {
        DBusTimeout *timeout = userdata;

        /* Armed again first: handling it may free it, and the source with it. */
        sd_event_source_set_time_relative(source,
                                          (uint64_t)dbus_timeout_get_interval(timeout) * 1000);
        dbus_timeout_handle(timeout);
        return 0;
}

static void drop_source(void *source) {
        sd_event_source_disable_unref(source);
}

static void toggle_timeout(DBusTimeout *timeout, void *userdata) {
        sd_event_source *source = dbus_timeout_get_data(timeout);

        if (!source)
                return;
        sd_event_source_set_time_relative(source,
                                          (uint64_t)dbus_timeout_get_interval(timeout) * 1000);
        sd_event_source_set_enabled(source,
                                    dbus_timeout_get_enabled(timeout) ? SD_EVENT_ON : SD_EVENT_OFF);
}

static dbus_bool_t add_timeout(DBusTimeout *timeout, void *userdata) {
        struct bus *bus = userdata;
        sd_event_source *source = NULL;
        uint64_t after = (uint64_t)dbus_timeout_get_interval(timeout) * 1000;

        if (sd_event_add_time_relative(bus->event, &source, CLOCK_MONOTONIC, after, 0, on_timeout,
                                       timeout) < 0)
                return FALSE;
        dbus_timeout_set_data(timeout, source, drop_source);
        toggle_timeout(timeout, bus);
        return TRUE;
}

static void remove_timeout(DBusTimeout *timeout, void *userdata) {
        dbus_timeout_set_data(timeout, NULL, NULL);
}

static void on_dispatch_status(DBusConnection *connection, DBusDispatchStatus status,
                               void *userdata) {
        struct bus *bus = userdata;

        if (status != DBUS_DISPATCH_COMPLETE && !bus->dispatching)
                sd_event_source_set_enabled(bus->deferred, SD_EVENT_ONESHOT);
}

static void on_name_owner_changed(struct bus *bus, DBusMessage *message) {
        const char *name, *before, *after;

        if (!dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING,
                                   &before, DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID))
                return;
        if (name[0] == ':' && after[0] == '\0')
                bus->handler.vanished(bus->handler.userdata, name);
}

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *message,
                                    void *userdata) {
        struct bus *bus = userdata;

        if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_CALL) {
                bus->handler.call(bus->handler.userdata, message);
                return DBUS_HANDLER_RESULT_HANDLED;
        }
        if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected") &&
            dbus_message_has_path(message, DBUS_PATH_LOCAL)) {
                bus->handler.lost(bus->handler.userdata);
                return DBUS_HANDLER_RESULT_HANDLED;
        }
        /* Anybody may send us a signal of this name: only the bus itself knows who left. */
        if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
            dbus_message_has_sender(message, DBUS_SERVICE_DBUS))
                on_name_owner_changed(bus, message);
        if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL)
                bus->handler.signal(bus->handler.userdata, message);
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static int attach(struct bus *bus) {
        int r;

        r = sd_event_add_defer(bus->event, &bus->deferred, on_deferred, bus);
        if (r < 0)
                return r;
        if (!dbus_connection_set_watch_functions(bus->connection, add_watch, remove_watch,
                                                 toggle_watch, bus, NULL) ||
            !dbus_connection_set_timeout_functions(bus->connection, add_timeout, remove_timeout,
                                                   toggle_timeout, bus, NULL) ||
            !dbus_connection_add_filter(bus->connection, on_message, bus, NULL))
                return -ENOMEM;
        dbus_connection_set_dispatch_status_function(bus->connection, on_dispatch_status, bus,
                                                     NULL);
        return 0;
}

static int connect_and_own(struct bus *bus, const char *name, DBusError *error) {
        int r;

        bus->connection = dbus_bus_get_private(DBUS_BUS_SYSTEM, error);
        if (!bus->connection)
                return -ECONNREFUSED;
        dbus_connection_set_exit_on_disconnect(bus->connection, FALSE);
        dbus_connection_set_max_received_size(bus->connection, RECEIVED_MAX);
        /* Before the name is ours: nobody can have called us yet, so nobody can vanish unseen. */
        dbus_bus_add_match(
                bus->connection,
                "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                "member='NameOwnerChanged',path='/org/freedesktop/DBus',arg2=''",
                error);
        if (dbus_error_is_set(error))
                return -EPROTO;
        r = attach(bus);
        if (r < 0)
                return r;
        r = dbus_bus_request_name(bus->connection, name, DBUS_NAME_FLAG_DO_NOT_QUEUE, error);
        if (dbus_error_is_set(error))
                return -EACCES;
        return r == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER ? 0 : -EEXIST;
}

static void explain_failure(struct error *error, int r, const char *name, const DBusError *why) {
        const char *text = why->message ? why->message : strerror(-r);

        if (r == -EEXIST)
                error_set(error, OUTCOME_HELPER_FAILED,
                          "the name %s is owned already: another broker runs", name);
        else if (r == -EACCES)
                error_set(error, OUTCOME_HELPER_FAILED, "may not own the name %s: %s", name, text);
        else
                error_set(error, OUTCOME_HELPER_FAILED, "no system bus: %s", text);
}

int bus_open(sd_event *event, const char *name, const struct bus_handler *handler, struct bus **ret,
             struct error *error) {
        DBusError why = DBUS_ERROR_INIT;
        struct bus *bus = calloc(1, sizeof *bus);
        int r;

        if (!bus)
                return -ENOMEM;
        bus->event = sd_event_ref(event);
        bus->handler = *handler;
        r = connect_and_own(bus, name, &why);
        if (r < 0) {
                explain_failure(error, r, name, &why);
                dbus_error_free(&why);
                bus_free(bus);
                return r;
        }
        *ret = bus;
        return 0;
}

struct bus *bus_free(struct bus *bus) {
        if (!bus)
                return NULL;
        if (bus->connection) {
                /* Nothing may call back into what is being taken apart. */
                dbus_connection_remove_filter(bus->connection, on_message, bus);
                dbus_connection_set_dispatch_status_function(bus->connection, NULL, NULL, NULL);
                dbus_connection_flush(bus->connection);
                dbus_connection_set_watch_functions(bus->connection, NULL, NULL, NULL, NULL, NULL);
                dbus_connection_set_timeout_functions(bus->connection, NULL, NULL, NULL, NULL,
                                                      NULL);
                dbus_connection_close(bus->connection);
                dbus_connection_unref(bus->connection);
        }
        sd_event_source_disable_unref(bus->io);
        sd_event_source_disable_unref(bus->deferred);
        sd_event_unref(bus->event);
        free(bus);
        return NULL;
}

int bus_send(struct bus *bus, DBusMessage *message) {
        dbus_bool_t sent;

        if (!message)
                return -ENOMEM;
        sent = dbus_connection_send(bus->connection, message, NULL);
        dbus_message_unref(message);
        return sent ? 0 : -ENOMEM;
}

struct question {
        bus_reply_t reply;
        void *userdata;
        bool of_bus; /* asked of the bus itself */
};

static void on_reply(DBusPendingCall *pending, void *data) {
        struct question *question = data;
        DBusMessage *message = dbus_pending_call_steal_reply(pending);
        /* The bus lets nobody answer but who was asked. What it answers for one that is not there is no reply of that one. */
        bool genuine = message &&
                       dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_RETURN &&
                       dbus_message_has_sender(message, DBUS_SERVICE_DBUS) == question->of_bus;

        question->reply(question->userdata, genuine ? message : NULL);
        if (message)
                dbus_message_unref(message);
        dbus_pending_call_unref(pending);
}

int bus_ask(struct bus *bus, DBusMessage *message, bus_reply_t reply, void *userdata) {
        DBusPendingCall *pending = NULL;
        struct question *question;
        dbus_bool_t sent;
        bool of_bus;

        if (!message)
                return -ENOMEM;
        of_bus = dbus_message_has_destination(message, DBUS_SERVICE_DBUS);
        sent = dbus_connection_send_with_reply(bus->connection, message, &pending,
                                               DBUS_TIMEOUT_INFINITE);
        dbus_message_unref(message);
        if (!sent || !pending)
                return -ENOTCONN;
        question = calloc(1, sizeof *question);
        if (!question || !dbus_pending_call_set_notify(pending, on_reply, question, free)) {
                free(question);
                dbus_pending_call_cancel(pending);
                dbus_pending_call_unref(pending);
                return -ENOMEM;
        }
        *question = (struct question){ .reply = reply, .userdata = userdata, .of_bus = of_bus };
        return 0;
}

void bus_watch(struct bus *bus, const char *rule) {
        dbus_bus_add_match(bus->connection, rule, NULL);
}

long bus_outgoing(struct bus *bus) {
        return dbus_connection_get_outgoing_size(bus->connection);
}
