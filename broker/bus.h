/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to the system bus, driven by the loop. The only place where libdbus meets sd-event. */
#pragma once

#include <dbus/dbus.h>
#include <systemd/sd-event.h>

struct bus;

struct bus_handler {
        /* A method call; the message is the bus's, take a reference to keep it. */
        void (*call)(void *userdata, DBusMessage *message);
        /* A connection left the bus; name is its unique name. */
        void (*vanished)(void *userdata, const char *name);
        /* The calls that have come so far were all given. */
        void (*drained)(void *userdata);
        /* Any signal. */
        void (*signal)(void *userdata, DBusMessage *message);
        /* The bus is gone: nothing can be answered any more. */
        void (*lost)(void *userdata);
        void *userdata;
};

/* reply is NULL when the bus went away or refused the call; it is the bus's own. */
typedef void (*bus_reply_t)(void *userdata, DBusMessage *reply);

/* Connects, takes the name and subscribes to vanishing names: the only blocking calls of the broker, before it is ready.
 * 0 or -errno; on failure the text says what was wrong in one line. */
struct error;
int bus_open(sd_event *event, const char *name, const struct bus_handler *handler, struct bus **ret,
             struct error *error);
struct bus *bus_free(struct bus *bus);
/* Takes over the reference. 0 or -errno. */
int bus_send(struct bus *bus, DBusMessage *message);
/* Takes over the reference. The reply comes later, exactly once, unless 0 was not returned. */
int bus_ask(struct bus *bus, DBusMessage *message, bus_reply_t reply, void *userdata);
/* Subscribes to signals, without waiting for the bus to agree. */
void bus_watch(struct bus *bus, const char *rule);
/* Bytes that were given to the bus and not yet taken by it. */
long bus_outgoing(struct bus *bus);
