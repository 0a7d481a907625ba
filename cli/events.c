/* SPDX-License-Identifier: Apache-2.0 */
/* events: what becomes of sessions, one line each, until somebody ends us. A service that was restarted is subscribed to again, from the
 * last event on. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/ask.h"
#include "cli/failure.h"
#include "cli/help.h"
#include "cli/text.h"

#define LOOK_MS 2000 /* how often we ask whether it is still the same service */

struct watch {
        struct ask ask;
        struct bus bus;
        char service[64]; /* its unique name: nobody else's signals count */
        uint64_t last_us;
};

static uint64_t now_us(void) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Exited has two dicts: the record, then the details. */
static bool split(struct in body, const char *signature, struct in *record, struct in *details) {
        *record = (struct in){ .bad = true };
        *details = body;
        if (!strcmp(signature, "a{sv}"))
                return true;
        if (strcmp(signature, "a{sv}a{sv}"))
                return false;
        *record = body;
        in_skip(details, "a{sv}");
        return !details->bad;
}

static void add_json(struct text *text, const struct message *m, struct in record,
                     struct in details, uint64_t time_us) {
        text_printf(text, "{\"event\":\"%s\",\"time-us\":%llu,\"details\":", m->member,
                    (unsigned long long)time_us);
        json_value(text, &details, "a{sv}");
        if (!record.bad) {
                text_puts(text, ",\"record\":");
                json_value(text, &record, "a{sv}");
        }
        text_puts(text, "}\n");
}

static void add_value(struct text *text, struct in dict, const char *key) {
        struct in value;
        const char *type;

        if (dict_find(dict, key, &value, &type))
                plain_value(text, &value, type);
}

static void add_plain(struct text *text, const struct message *m, struct in record,
                      struct in details, uint64_t time_us) {
        time_t seconds = (time_t)(time_us / 1000000);
        char when[64] = "";
        struct tm tm;
        const char *id = dict_string(details, "id");

        if (localtime_r(&seconds, &tm))
                strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
        text_printf(text, "%s.%06u %-8s ", when, (unsigned)(time_us % 1000000), m->member);
        text_escape(text, id ? id : "", id && strlen(id) > 12 ? 12 : id ? strlen(id) : 0);
        text_puts(text, " ");
        add_value(text, details, "target");
        if (!record.bad)
                text_printf(text, " code=%d", (int)dict_number(record, "code", -1));
        if (!strcmp(m->member, "Resized"))
                text_printf(text, " %dx%d", (int)dict_number(details, "rows", 0),
                            (int)dict_number(details, "cols", 0));
        text_puts(text, " ");
        add_value(text, details, "command");
        text_puts(text, "\n");
}

/* 0, or the exit status: nobody reads any more. */
static int show(struct watch *watch, const struct message *m) {
        struct in record, details;
        struct text text = { 0 };
        uint64_t time_us = now_us();
        int status;

        if (m->type != MESSAGE_SIGNAL || !m->interface || strcmp(m->interface, AIRLOCK_SESSION) ||
            !m->sender || strcmp(m->sender, watch->service) || !m->member ||
            !split(m->body, m->signature, &record, &details))
                return 0;
        time_us = (uint64_t)dict_number(details, "time-us", (int64_t)time_us);
        watch->last_us = time_us;
        if (watch->ask.json)
                add_json(&text, m, record, details, time_us);
        else
                add_plain(&text, m, record, details, time_us);
        status = text_print(&text) ? 0 : 125;
        text_free(&text);
        return status;
}

static int call(struct watch *watch, struct call *call, struct message *reply) {
        struct bus_hooks hooks = { 0 };
        int r = bus_call(&watch->bus, call, NULL, &hooks, reply);

        return r < 0 ? failure_of_bus(r) : 0;
}

static int subscribe(struct watch *watch) {
        struct out body = { 0 };
        struct call c = { .destination = AIRLOCK_NAME,
                          .path = AIRLOCK_PATH,
                          .interface = AIRLOCK_MANAGER,
                          .member = "Subscribe",
                          .signature = "a{sv}",
                          .body = &body };
        struct message reply;
        int status = ask_filters(&watch->ask, &body);

        if (!status)
                status = call(watch, &c, &reply);
        out_free(&body);
        if (status)
                return status;
        if (reply.type == MESSAGE_ERROR)
                return failure_status(&reply, "events", false);
        snprintf(watch->service, sizeof(watch->service), "%s", reply.sender ? reply.sender : "");
        return 0;
}

/* Whether it is another one by now, which knows nothing of us. */
static int look(struct watch *watch) {
        struct out body = { 0 };
        struct call c = { .destination = "org.freedesktop.DBus",
                          .path = "/org/freedesktop/DBus",
                          .interface = "org.freedesktop.DBus",
                          .member = "GetNameOwner",
                          .signature = "s",
                          .body = &body };
        int r;

        out_string(&body, AIRLOCK_NAME);
        r = bus_send(&watch->bus, &c, NULL);
        out_free(&body);
        return r < 0 ? failure_of_bus(r) : 0;
}

/* The answer to look(). A service that ended on purpose is started by the subscription. */
static int take_owner(struct watch *watch, const struct message *m) {
        const char *owner = m->type == MESSAGE_REPLY ? message_text(m) : NULL;

        if (owner && !strcmp(owner, watch->service))
                return 0;
        watch->ask.since_us = watch->last_us + 1;
        return subscribe(watch);
}

static int next(struct watch *watch) {
        struct pollfd p = { .fd = watch->bus.fd, .events = POLLIN };
        struct message m;
        int r = bus_next(&watch->bus, false, &m);

        if (r < 0)
                return failure_of_bus(r);
        if (r > 0)
                return m.type == MESSAGE_SIGNAL ? show(watch, &m) : take_owner(watch, &m);
        r = poll(&p, 1, LOOK_MS);
        return r == 0 ? look(watch) : 0;
}

int events_main(const char *command, int argc, char **argv) {
        struct watch watch = { .bus = { .fd = -1 } };
        int status = ask_parse(&watch.ask, command, "jfS", argc, argv);

        if (!status && watch.ask.n_args) {
                complain(command, "'%s' was given; no argument was expected", watch.ask.args[0]);
                status = 2;
        }
        if (status)
                return status == HELP_SHOWN ? 0 : status;
        if (bus_open(&watch.bus) < 0)
                return 125;
        watch.last_us = now_us();
        status = subscribe(&watch);
        while (!status)
                status = next(&watch);
        return status;
}
