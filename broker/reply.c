/* SPDX-License-Identifier: Apache-2.0 */
/* From values to messages. An answer that cannot be built for want of memory becomes an error, never a part of itself. */
#include "broker/reply.h"

#include "broker/broker.h"
#include "broker/bus.h"
#include "broker/call.h"
#include "broker/caller.h"
#include "broker/dict.h"
#include "broker/loop.h"
#include "broker/quota.h"

#include <dbus/dbus.h>
#include <stdlib.h>

void call_free(struct call *call) {
        if (!call)
                return;
        if (call->quota)
                call->quota->requests--;
        dbus_message_unref(call->message);
        caller_unref(call->caller);
        free(call);
}

struct DBusMessage *reply_new(struct call *call) {
        return dbus_message_new_method_return(call->message);
}

void reply_send(struct call *call, struct DBusMessage *message) {
        if (dbus_message_get_no_reply(call->message)) {
                if (message)
                        dbus_message_unref(message);
        } else {
                if (!message)
                        message = dbus_message_new_error(call->message, DBUS_ERROR_NO_MEMORY,
                                                         "no memory");
                bus_send(call->broker->bus, message);
        }
        call_free(call);
}

/* Sends it if it was built, and an error if not. */
static void send_built(struct call *call, DBusMessage *message, int built) {
        if (!built && message) {
                dbus_message_unref(message);
                message = NULL;
        }
        reply_send(call, message);
}

void reply_empty(struct call *call) {
        reply_send(call, reply_new(call));
}

void reply_refusal(struct call *call, int outcome, const char *text) {
        /* libdbus ends the process for an error without a name. */
        if (outcome <= 0)
                outcome = OUTCOME_HELPER_FAILED;
        if (call->quota)
                quota_refused(call->quota, loop_now(call->broker->loop));
        reply_send(call, dbus_message_new_error(call->message, outcome_error(outcome), text));
}

static void reply_basic(struct call *call, int type, const void *value) {
        DBusMessage *message = reply_new(call);

        send_built(call, message,
                   message && dbus_message_append_args(message, type, value, DBUS_TYPE_INVALID));
}

void reply_path(struct call *call, const char *path) {
        reply_basic(call, DBUS_TYPE_OBJECT_PATH, &path);
}

void reply_string(struct call *call, const char *text) {
        reply_basic(call, DBUS_TYPE_STRING, &text);
}

void reply_uint(struct call *call, uint32_t number) {
        reply_basic(call, DBUS_TYPE_UINT32, &number);
}

static int append_basic(DBusMessageIter *iter, const struct dict_value *value) {
        dbus_bool_t flag = value->number != 0;
        dbus_uint32_t small = (uint32_t)value->number;

        switch (value->type) {
        case DICT_STRING:
        case DICT_PATH: return dbus_message_iter_append_basic(iter, value->type, &value->string);
        case DICT_BOOL: return dbus_message_iter_append_basic(iter, DBUS_TYPE_BOOLEAN, &flag);
        case DICT_INT:
        case DICT_UINT: return dbus_message_iter_append_basic(iter, value->type, &small);
        case DICT_UINT64:
                return dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT64, &value->number);
        case DICT_STRINGS:
        case DICT_BYTES:
        case DICT_UINTS:
        case DICT_DICT: break;
        }
        return 0;
}

static int append_array(DBusMessageIter *iter, const struct dict_value *value) {
        DBusMessageIter array;
        const char *element = value->type == DICT_STRINGS ? "s"
                            : value->type == DICT_BYTES   ? "y"
                                                          : "u";
        int ok = dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, element, &array);

        if (!ok)
                return 0;
        if (value->type == DICT_BYTES)
                ok = dbus_message_iter_append_fixed_array(&array, DBUS_TYPE_BYTE,
                                                          &value->bytes.data,
                                                          (int)value->bytes.size);
        else if (value->type == DICT_UINTS)
                ok = dbus_message_iter_append_fixed_array(&array, DBUS_TYPE_UINT32,
                                                          &value->uints.list, (int)value->uints.n);
        for (size_t i = 0; value->type == DICT_STRINGS && ok && i < value->strings.n; i++)
                ok = dbus_message_iter_append_basic(&array, DBUS_TYPE_STRING,
                                                    &value->strings.list[i]);
        return dbus_message_iter_close_container(iter, &array) && ok;
}

static const char *signature_of(enum dict_type type) {
        static char basic[2];

        switch (type) {
        case DICT_STRINGS: return "as";
        case DICT_BYTES: return "ay";
        case DICT_UINTS: return "au";
        case DICT_DICT: return "a{sv}";
        case DICT_STRING:
        case DICT_BOOL:
        case DICT_INT:
        case DICT_UINT:
        case DICT_UINT64:
        case DICT_PATH: break;
        }
        basic[0] = (char)type;
        return basic;
}

int append_value(struct DBusMessageIter *iter, const struct dict *dict, size_t i) {
        const struct dict_value *value = &dict->values[i];
        DBusMessageIter variant;
        int ok;

        if (!dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, signature_of(value->type),
                                              &variant))
                return 0;
        if (value->type == DICT_DICT)
                ok = append_dict(&variant, value->dict);
        else if (value->type == DICT_STRINGS || value->type == DICT_BYTES ||
                 value->type == DICT_UINTS)
                ok = append_array(&variant, value);
        else
                ok = append_basic(&variant, value);
        return dbus_message_iter_close_container(iter, &variant) && ok;
}

int append_dict(struct DBusMessageIter *iter, const struct dict *dict) {
        DBusMessageIter array;
        int ok = !dict->failed &&
                 dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &array);

        if (!ok)
                return 0;
        for (size_t i = 0; ok && i < dict->n; i++) {
                DBusMessageIter entry;

                ok = dbus_message_iter_open_container(&array, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
                if (ok)
                        ok = dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING,
                                                            &dict->values[i].key) &&
                             append_value(&entry, dict, i) &&
                             dbus_message_iter_close_container(&array, &entry);
        }
        return ok && dbus_message_iter_close_container(iter, &array);
}

void reply_dict(struct call *call, struct dict *dict) {
        DBusMessage *message = reply_new(call);
        DBusMessageIter iter;
        int ok = message && dict;

        if (ok) {
                dbus_message_iter_init_append(message, &iter);
                ok = append_dict(&iter, dict);
        }
        dict_free(dict);
        send_built(call, message, ok);
}

static int append_dicts(DBusMessage *message, struct dict **dicts, size_t n) {
        DBusMessageIter iter, array;
        int ok;

        dbus_message_iter_init_append(message, &iter);
        ok = dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "a{sv}", &array);
        for (size_t i = 0; ok && i < n; i++)
                ok = dicts[i] && append_dict(&array, dicts[i]);
        return ok && dbus_message_iter_close_container(&iter, &array);
}

void reply_dicts(struct call *call, struct dict **dicts, size_t n) {
        DBusMessage *message = reply_new(call);
        int ok = message && append_dicts(message, dicts, n);

        for (size_t i = 0; i < n; i++)
                dict_free(dicts[i]);
        free(dicts);
        send_built(call, message, ok);
}

static int append_fds(DBusMessageIter *iter, const int fds[3]) {
        DBusMessageIter array;
        int ok = dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{uh}", &array);

        for (dbus_uint32_t i = 0; ok && i < 3; i++) {
                DBusMessageIter entry;

                if (fds[i] < 0)
                        continue;
                ok = dbus_message_iter_open_container(&array, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
                if (ok)
                        ok = dbus_message_iter_append_basic(&entry, DBUS_TYPE_UINT32, &i) &&
                             dbus_message_iter_append_basic(&entry, DBUS_TYPE_UNIX_FD, &fds[i]) &&
                             dbus_message_iter_close_container(&array, &entry);
        }
        return ok && dbus_message_iter_close_container(iter, &array);
}

void reply_exec(struct call *call, const char *path, const int fds[3]) {
        DBusMessage *message = reply_new(call);
        DBusMessageIter iter;
        int ok = message != NULL;

        if (ok) {
                dbus_message_iter_init_append(message, &iter);
                ok = dbus_message_iter_append_basic(&iter, DBUS_TYPE_OBJECT_PATH, &path) &&
                     append_fds(&iter, fds);
        }
        send_built(call, message, ok);
}

void reply_fds(struct call *call, const int fds[3]) {
        DBusMessage *message = reply_new(call);
        DBusMessageIter iter;
        int ok = message != NULL;

        if (ok) {
                dbus_message_iter_init_append(message, &iter);
                ok = append_fds(&iter, fds);
        }
        send_built(call, message, ok);
}

void reply_run(struct call *call, const struct reply_output *output) {
        DBusMessage *message = reply_new(call);
        DBusMessageIter iter;
        int ok = message && output->record;

        if (ok) {
                dbus_message_iter_init_append(message, &iter);
                ok = dbus_message_iter_append_basic(&iter, DBUS_TYPE_INT32, &output->code) &&
                     dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &output->out) &&
                     dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &output->err) &&
                     append_dict(&iter, output->record);
        }
        dict_free(output->record);
        send_built(call, message, ok);
}
