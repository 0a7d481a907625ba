/* SPDX-License-Identifier: Apache-2.0 */
/* polkit's answers (polkit(8), org.freedesktop.PolicyKit1.Authority). Every odd one is a no. */
#include "broker/polkit.h"

#include "broker/bus.h"
#include "broker/text.h"
#include "common/outcome.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "org.freedesktop.PolicyKit1"
#define PATH "/org/freedesktop/PolicyKit1/Authority"
#define INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define ALLOW_INTERACTION 1u

/* One question. polkit does not answer when the subject vanishes during a prompt, so its end does not hang on the
 * reply: `over` says that nobody waits any more, and the reply frees it. */
struct polkit {
        struct bus *bus;
        sd_event_source *timer;
        polkit_done_t done;
        void *userdata;
        bool interactive;
        bool over;
        char cancel_id[40];
};

static void append_variant_string(DBusMessageIter *dict, const char *key, const char *value) {
        DBusMessageIter entry, variant;

        dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &variant);
        dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &value);
        dbus_message_iter_close_container(&entry, &variant);
        dbus_message_iter_close_container(dict, &entry);
}

static void append_subject(DBusMessageIter *args, const char *name) {
        const char *kind = "system-bus-name";
        DBusMessageIter subject, dict;

        dbus_message_iter_open_container(args, DBUS_TYPE_STRUCT, NULL, &subject);
        dbus_message_iter_append_basic(&subject, DBUS_TYPE_STRING, &kind);
        dbus_message_iter_open_container(&subject, DBUS_TYPE_ARRAY, "{sv}", &dict);
        append_variant_string(&dict, "name", name);
        dbus_message_iter_close_container(&subject, &dict);
        dbus_message_iter_close_container(args, &subject);
}

/* pkttyagent prints them raw, so no byte of them may act on a terminal or end a line. */
static void append_detail(DBusMessageIter *dict, const struct polkit_detail *detail) {
        char value[POLKIT_DETAIL_BYTES], *shown = value;
        DBusMessageIter entry;

        text_escape(detail->value, detail->size, value, sizeof value);
        dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &detail->key);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &shown);
        dbus_message_iter_close_container(dict, &entry);
}

static DBusMessage *make_question(const struct polkit *polkit,
                                  const struct polkit_question *question) {
        DBusMessage *message = dbus_message_new_method_call(NAME, PATH, INTERFACE,
                                                            "CheckAuthorization");
        dbus_uint32_t flags = question->interactive ? ALLOW_INTERACTION : 0;
        const char *cancel_id = polkit->cancel_id;
        DBusMessageIter args, dict;

        if (!message)
                return NULL;
        dbus_message_iter_init_append(message, &args);
        append_subject(&args, question->subject);
        dbus_message_iter_append_basic(&args, DBUS_TYPE_STRING, &question->action);
        dbus_message_iter_open_container(&args, DBUS_TYPE_ARRAY, "{ss}", &dict);
        for (size_t i = 0; i < question->n_details; i++)
                append_detail(&dict, &question->details[i]);
        dbus_message_iter_close_container(&args, &dict);
        dbus_message_iter_append_basic(&args, DBUS_TYPE_UINT32, &flags);
        if (!dbus_message_iter_append_basic(&args, DBUS_TYPE_STRING, &cancel_id)) {
                dbus_message_unref(message);
                return NULL;
        }
        return message;
}

static bool is_dismissed(DBusMessageIter *details) {
        DBusMessageIter dict;

        for (dbus_message_iter_recurse(details, &dict);
             dbus_message_iter_get_arg_type(&dict) == DBUS_TYPE_DICT_ENTRY;
             dbus_message_iter_next(&dict)) {
                DBusMessageIter entry;
                const char *key;

                dbus_message_iter_recurse(&dict, &entry);
                dbus_message_iter_get_basic(&entry, &key);
                if (strcmp(key, "polkit.dismissed") == 0)
                        return true;
        }
        return false;
}

/* (authorised, challenge, details) → outcome. A yes is a yes only if no challenge is left. */
static int read_result(const struct polkit *polkit, DBusMessage *reply) {
        DBusMessageIter args, result;
        dbus_bool_t authorised, challenge;

        if (!dbus_message_has_signature(reply, "(bba{ss})"))
                return OUTCOME_POLKIT_UNAVAILABLE;
        dbus_message_iter_init(reply, &args);
        dbus_message_iter_recurse(&args, &result);
        dbus_message_iter_get_basic(&result, &authorised);
        dbus_message_iter_next(&result);
        dbus_message_iter_get_basic(&result, &challenge);
        dbus_message_iter_next(&result);
        if (authorised)
                return challenge ? OUTCOME_DENIED : OUTCOME_OK;
        if (is_dismissed(&result))
                return OUTCOME_DISMISSED;
        return challenge && !polkit->interactive ? OUTCOME_INTERACTION_REQUIRED : OUTCOME_DENIED;
}

static int read_reply(const struct polkit *polkit, DBusMessage *reply) {
        int type = reply ? dbus_message_get_type(reply) : DBUS_MESSAGE_TYPE_INVALID;

        if (type != DBUS_MESSAGE_TYPE_METHOD_RETURN)
                return OUTCOME_POLKIT_UNAVAILABLE;
        return read_result(polkit, reply);
}

static void finish(struct polkit *polkit, int outcome) {
        polkit->over = true;
        polkit->timer = sd_event_source_unref(polkit->timer);
        polkit->done(polkit->userdata, outcome);
}

static void on_reply(void *userdata, DBusMessage *reply) {
        struct polkit *polkit = userdata;

        if (!polkit->over)
                finish(polkit, read_reply(polkit, reply));
        free(polkit);
}

static void ignore_reply(void *userdata, DBusMessage *reply) {}

/* Takes the prompt off the screen of whoever has it; the answer to the question follows, or never does. */
static void send_cancel(struct polkit *polkit) {
        DBusMessage *message = dbus_message_new_method_call(NAME, PATH, INTERFACE,
                                                            "CancelCheckAuthorization");
        const char *cancel_id = polkit->cancel_id;

        if (message &&
            dbus_message_append_args(message, DBUS_TYPE_STRING, &cancel_id, DBUS_TYPE_INVALID))
                bus_ask(polkit->bus, message, ignore_reply, NULL);
        else if (message)
                dbus_message_unref(message);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        struct polkit *polkit = userdata;

        send_cancel(polkit);
        finish(polkit, OUTCOME_TIMEOUT);
        return 0;
}

int polkit_ask(struct bus *bus, sd_event *event, const struct polkit_question *question,
               polkit_done_t done, void *userdata, struct polkit **ret) {
        static unsigned long long serial;
        struct polkit *polkit = calloc(1, sizeof *polkit);
        int r;

        if (!polkit)
                return -ENOMEM;
        *polkit = (struct polkit){
                .bus = bus, .done = done, .userdata = userdata, .interactive = question->interactive
        };
        snprintf(polkit->cancel_id, sizeof polkit->cancel_id, "airlock-%llu", ++serial);
        r = sd_event_add_time_relative(event, &polkit->timer, CLOCK_MONOTONIC,
                                       question->timeout_ms * UINT64_C(1000), 0, on_timeout, polkit);
        if (r >= 0)
                r = bus_ask(bus, make_question(polkit, question), on_reply, polkit);
        if (r < 0) {
                sd_event_source_unref(polkit->timer);
                free(polkit);
                return r;
        }
        *ret = polkit;
        return 0;
}

struct polkit *polkit_cancel(struct polkit *polkit) {
        if (!polkit || polkit->over)
                return NULL;
        polkit->over = true;
        polkit->timer = sd_event_source_unref(polkit->timer);
        send_cancel(polkit);
        return NULL;
}
