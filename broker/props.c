/* SPDX-License-Identifier: Apache-2.0 */
/* Properties, objects and introspection. A session shows itself to who may see it; for everybody else it is not there. */
#include "broker/props.h"

#include "broker/api.h"
#include "broker/broker.h"
#include "broker/bus-manager.h"
#include "broker/call.h"
#include "broker/caller.h"
#include "broker/details.h"
#include "broker/dict.h"
#include "broker/reply.h"
#include "broker/session.h"
#include "interface-xml.h"
#include "policy/policy.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANAGER "org.airlock1.Manager"
#define SESSION "org.airlock1.Session"

static const char *const standard[] = { "org.freedesktop.DBus.Properties",
                                        "org.freedesktop.DBus.Introspectable",
                                        "org.freedesktop.DBus.Peer" };

const char *props_interface_xml(const char *interface, unsigned long *ret_size) {
        static const char end[] = "</interface>";
        char tag[128];
        const char *start, *stop;

        snprintf(tag, sizeof tag, "<interface name=\"%s\">", interface);
        start = strstr(interface_xml, tag);
        stop = start ? strstr(start, end) : NULL;
        if (!stop)
                return NULL;
        *ret_size = (unsigned long)(stop - start) + strlen(end);
        return start;
}

/* Of one session that somebody looks at: what no signal and no list carries. */
static struct dict *all_of_session(const struct call *call) {
        bool for_owner = call->caller->uid == call->session->owner;
        struct dict *dict = session_properties(call->session);

        if (dict) {
                dict_dict(dict, "Asked", details_asked(call->session, for_owner));
                dict_dict(dict, "Granted", details_granted(call->session));
        }
        return dict;
}

/* The properties of one interface of the object that is called; *ret NULL: it has none. */
static int properties_of(struct call *call, const char *interface, struct dict **ret) {
        bool is_standard = strcmp(interface, "org.freedesktop.DBus.ObjectManager") == 0 &&
                           !call->session;

        for (size_t i = 0; i < sizeof standard / sizeof standard[0]; i++)
                is_standard |= strcmp(interface, standard[i]) == 0;
        if (is_standard)
                *ret = dict_new();
        else if (call->session && strcmp(interface, SESSION) == 0)
                *ret = all_of_session(call);
        else if (!call->session && strcmp(interface, MANAGER) == 0)
                *ret = manager_properties(call->broker);
        else
                return error_set(&call->error, OUTCOME_INVALID_ARGS,
                                 "interface %s: not of this object", interface);
        return *ret ? 0 : -ENOMEM;
}

static int unknown_property(struct call *call, const char *name) {
        DBusMessage *message;

        error_set(&call->error, OUTCOME_INVALID_ARGS, "property %s: there is none of this name",
                  name);
        message = dbus_message_new_error(call->message, DBUS_ERROR_UNKNOWN_PROPERTY,
                                         call->error.text);
        reply_send(call, message);
        return 0;
}

static void reply_value(struct call *call, const struct dict *dict, size_t i) {
        DBusMessage *message = reply_new(call);
        DBusMessageIter iter;

        if (message) {
                dbus_message_iter_init_append(message, &iter);
                if (dict->failed || !append_value(&iter, dict, i)) {
                        dbus_message_unref(message);
                        message = NULL;
                }
        }
        reply_send(call, message);
}

int props_get(struct call *call) {
        const char *interface, *name;
        const struct dict_value *value;
        struct dict *dict = NULL;
        int r;

        dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING,
                              &name, DBUS_TYPE_INVALID);
        r = properties_of(call, interface[0] ? interface : call->session ? SESSION : MANAGER, &dict);
        if (r)
                return r;
        value = dict_find(dict, name);
        if (value)
                reply_value(call, dict, (size_t)(value - dict->values));
        else
                unknown_property(call, name);
        dict_free(dict);
        return 0;
}

int props_get_all(struct call *call) {
        const char *interface;
        struct dict *dict = NULL;
        int r;

        dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID);
        r = properties_of(call, interface[0] ? interface : call->session ? SESSION : MANAGER, &dict);
        if (r == 0)
                reply_dict(call, dict);
        return r;
}

int props_set(struct call *call) {
        const char *interface, *name;
        struct dict *dict = NULL;
        DBusMessageIter iter;
        int r;

        dbus_message_iter_init(call->message, &iter);
        dbus_message_iter_get_basic(&iter, &interface);
        dbus_message_iter_next(&iter);
        dbus_message_iter_get_basic(&iter, &name);
        r = properties_of(call, interface, &dict);
        if (r)
                return r;
        if (dict_find(dict, name))
                reply_send(call,
                           dbus_message_new_error(call->message, DBUS_ERROR_PROPERTY_READ_ONLY,
                                                  "nothing can be set here"));
        else
                unknown_property(call, name);
        dict_free(dict);
        return 0;
}

/* ---- objects ---- */

static int append_interface(DBusMessageIter *interfaces, const char *name,
                            struct dict *properties) {
        DBusMessageIter entry;
        int ok = properties &&
                 dbus_message_iter_open_container(interfaces, DBUS_TYPE_DICT_ENTRY, NULL, &entry);

        if (ok)
                ok = dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name) &&
                     append_dict(&entry, properties) &&
                     dbus_message_iter_close_container(interfaces, &entry);
        dict_free(properties);
        return ok;
}

static int append_object(DBusMessageIter *objects, const char *path, const char *interface,
                         struct dict *properties) {
        DBusMessageIter entry, interfaces;
        int ok;

        ok = dbus_message_iter_open_container(objects, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
             dbus_message_iter_append_basic(&entry, DBUS_TYPE_OBJECT_PATH, &path) &&
             dbus_message_iter_open_container(&entry, DBUS_TYPE_ARRAY, "{sa{sv}}", &interfaces);
        if (!ok) {
                dict_free(properties);
                return 0;
        }
        ok = append_interface(&interfaces, interface, properties);
        for (size_t i = 0; ok && i < sizeof standard / sizeof standard[0]; i++)
                ok = append_interface(&interfaces, standard[i], dict_new());
        return ok && dbus_message_iter_close_container(&entry, &interfaces) &&
               dbus_message_iter_close_container(objects, &entry);
}

static bool sees(const struct call *call, const struct session *session) {
        return session->visible &&
               policy_may_see(call->caller->uid, session->owner, api_may_manage(call));
}

static int append_objects(struct call *call, DBusMessage *message) {
        DBusMessageIter iter, objects;
        int ok;

        dbus_message_iter_init_append(message, &iter);
        ok = dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{oa{sa{sv}}}", &objects) &&
             append_object(&objects, "/org/airlock1", MANAGER, manager_properties(call->broker));
        for (struct session *s = sessions_first(call->broker->sessions); ok && s; s = s->next)
                if (sees(call, s))
                        ok = append_object(&objects, s->path, SESSION, session_properties(s));
        return ok && dbus_message_iter_close_container(&iter, &objects);
}

int props_managed_objects(struct call *call) {
        DBusMessage *message = reply_new(call);

        if (message && !append_objects(call, message)) {
                dbus_message_unref(message);
                message = NULL;
        }
        reply_send(call, message);
        return 0;
}

/* ---- introspection ---- */

static void write_interface(FILE *out, const char *name) {
        unsigned long size = 0;
        const char *xml = props_interface_xml(name, &size);

        if (xml)
                fprintf(out, " %.*s\n", (int)size, xml);
}

static void write_object(FILE *out, struct call *call) {
        const char *path = dbus_message_get_path(call->message);

        if (call->session) {
                write_interface(out, SESSION);
        } else if (strcmp(path, "/org/airlock1") == 0) {
                write_interface(out, MANAGER);
                write_interface(out, "org.freedesktop.DBus.ObjectManager");
                fputs(" <node name=\"session\"/>\n", out);
        } else if (strcmp(path, "/org") == 0) {
                fputs(" <node name=\"airlock1\"/>\n", out);
        } else if (strcmp(path, "/") == 0) {
                fputs(" <node name=\"org\"/>\n", out);
        } else {
                for (struct session *s = sessions_first(call->broker->sessions); s; s = s->next)
                        if (sees(call, s))
                                fprintf(out, " <node name=\"%s\"/>\n", s->id);
        }
        for (size_t i = 0; (call->session || strcmp(path, "/org/airlock1") == 0) &&
                           i < sizeof standard / sizeof standard[0];
             i++)
                write_interface(out, standard[i]);
}

int props_introspect(struct call *call) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        bool failed;

        if (!out)
                return -ENOMEM;
        fputs(DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE "<node>\n", out);
        write_object(out, call);
        fputs("</node>\n", out);
        failed = ferror(out) != 0;
        if (fclose(out) != 0 || failed) {
                free(text);
                return -ENOMEM;
        }
        reply_string(call, text);
        free(text);
        return 0;
}
