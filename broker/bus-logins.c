/* SPDX-License-Identifier: Apache-2.0 */
/* logind's sessions. Only those with a seat are kept: of the others none is local. Signals count only from the very connection that
 * owns logind's name, since anybody may send us one that looks like it. */
#include "broker/bus-logins.h"

#include "broker/bus.h"
#include "broker/limits.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LOGIND "org.freedesktop.login1"
#define MANAGER "org.freedesktop.login1.Manager"
#define SESSION "org.freedesktop.login1.Session"

struct login {
        struct login *next;
        char *path;
        bool uid_known;
        uint32_t uid;
        unsigned n_asked; /* answers on their way: only the last one counts */
        enum policy_tri active;
};

/* A question that is on its way. */
struct question {
        struct question *next;
        struct logins *logins;
        unsigned owners; /* of the logins when it was asked */
        char *path;      /* NULL: of the manager */
};

struct logins {
        struct bus *bus;
        char *owner;     /* unique name of logind; NULL: there is none, or not known yet */
        bool has_answer; /* the bus has said who, if anybody, logind is */
        bool is_listed;  /* logind has said which sessions there are */
        bool is_full;
        unsigned owners; /* how many there were */
        unsigned n;
        struct login *first;
        struct question *questions;
};

static void drop(struct logins *logins, struct login **slot) {
        struct login *login = *slot;

        *slot = login->next;
        logins->n--;
        free(login->path);
        free(login);
}

static struct login **find(struct logins *logins, const char *path) {
        struct login **slot = &logins->first;

        while (*slot && strcmp((*slot)->path, path) != 0)
                slot = &(*slot)->next;
        return slot;
}

static struct question *question_new(struct logins *logins, const char *path) {
        struct question *question = calloc(1, sizeof *question);

        if (!question)
                return NULL;
        question->path = path ? strdup(path) : NULL;
        if (path && !question->path) {
                free(question);
                return NULL;
        }
        question->logins = logins;
        question->owners = logins->owners;
        question->next = logins->questions;
        logins->questions = question;
        return question;
}

/* Its logins, or NULL: it was asked of a logind that is gone. Freed; the path is the caller's. */
static struct logins *question_end(struct question *question, char **ret_path) {
        struct logins *logins = question->logins;
        bool is_current = question->owners == logins->owners;

        for (struct question **slot = &logins->questions; *slot; slot = &(*slot)->next)
                if (*slot == question) {
                        *slot = question->next;
                        break;
                }
        *ret_path = question->path;
        free(question);
        return is_current ? logins : NULL;
}

/* Nobody is started to be asked. A question that cannot be asked leaves unknown what is unknown. */
static void ask(struct logins *logins, DBusMessage *message, bus_reply_t reply, const char *path) {
        struct question *question = message ? question_new(logins, path) : NULL;
        char *unused;

        if (!question) {
                if (message)
                        dbus_message_unref(message);
                return;
        }
        dbus_message_set_auto_start(message, FALSE);
        if (bus_ask(logins->bus, message, reply, question) < 0) {
                question_end(question, &unused);
                free(unused);
        }
}

/* ---- one session ---- */

static bool read_user(DBusMessageIter *value, uint32_t *ret) {
        DBusMessageIter user;

        dbus_message_iter_recurse(value, &user);
        dbus_message_iter_get_basic(&user, ret);
        return true;
}

static bool has_seat(DBusMessageIter *value) {
        DBusMessageIter seat;
        const char *name;

        dbus_message_iter_recurse(value, &seat);
        dbus_message_iter_get_basic(&seat, &name);
        return name[0] != 0;
}

struct session {
        bool has_user;
        uint32_t uid;
        enum policy_tri seat;
        enum policy_tri active;
        enum policy_tri remote;
};

static enum policy_tri read_bool(DBusMessageIter *value) {
        dbus_bool_t yes;

        dbus_message_iter_get_basic(value, &yes);
        return yes ? POLICY_YES : POLICY_NO;
}

static void read_property(struct session *session, const char *key, DBusMessageIter *value) {
        char *type = dbus_message_iter_get_signature(value);

        if (!type)
                return;
        if (strcmp(key, "Active") == 0 && strcmp(type, "b") == 0)
                session->active = read_bool(value);
        else if (strcmp(key, "Remote") == 0 && strcmp(type, "b") == 0)
                session->remote = read_bool(value);
        else if (strcmp(key, "User") == 0 && strcmp(type, "(uo)") == 0)
                session->has_user = read_user(value, &session->uid);
        else if (strcmp(key, "Seat") == 0 && strcmp(type, "(so)") == 0)
                session->seat = has_seat(value) ? POLICY_YES : POLICY_NO;
        dbus_free(type);
}

static bool read_session(DBusMessage *reply, struct session *session) {
        DBusMessageIter args, entry;

        if (!reply || !dbus_message_has_signature(reply, "a{sv}"))
                return false;
        dbus_message_iter_init(reply, &args);
        for (dbus_message_iter_recurse(&args, &entry);
             dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_INVALID;
             dbus_message_iter_next(&entry)) {
                DBusMessageIter pair, value;
                const char *key;

                dbus_message_iter_recurse(&entry, &pair);
                dbus_message_iter_get_basic(&pair, &key);
                dbus_message_iter_next(&pair);
                dbus_message_iter_recurse(&pair, &value);
                read_property(session, key, &value);
        }
        return true;
}

static void on_session(void *userdata, DBusMessage *reply) {
        struct session session = { 0 };
        char *path;
        struct logins *logins = question_end(userdata, &path);
        struct login **slot = logins ? find(logins, path) : NULL, *login = slot ? *slot : NULL;

        free(path);
        if (!login || --login->n_asked > 0)
                return;
        /* One that is gone is also said to be removed; of one that is not answered about nothing is known. */
        if (!read_session(reply, &session))
                return;
        if (session.seat == POLICY_NO) {
                drop(logins, slot);
                return;
        }
        login->uid_known = session.has_user;
        login->uid = session.uid;
        if (session.seat == POLICY_YES && session.active && session.remote)
                login->active = session.active == POLICY_YES && session.remote == POLICY_NO
                                      ? POLICY_YES
                                      : POLICY_NO;
}

static void ask_session(struct logins *logins, struct login *login) {
        static const char *const interface = SESSION;
        DBusMessage *message = dbus_message_new_method_call(logins->owner, login->path,
                                                            DBUS_INTERFACE_PROPERTIES, "GetAll");

        login->active = POLICY_UNKNOWN;
        login->n_asked++;
        if (message && !dbus_message_append_args(message, DBUS_TYPE_STRING, &interface,
                                                 DBUS_TYPE_INVALID)) {
                dbus_message_unref(message);
                message = NULL;
        }
        ask(logins, message, on_session, login->path);
}

static struct login *add(struct logins *logins, const char *path) {
        struct login **slot = find(logins, path), *login = *slot;

        if (login)
                return login;
        login = logins->n < LIMIT_LOGINS ? calloc(1, sizeof *login) : NULL;
        if (login)
                login->path = strdup(path);
        if (!login || !login->path) {
                free(login);
                logins->is_full = true;
                return NULL;
        }
        *slot = login;
        logins->n++;
        return login;
}

/* ---- all of them ---- */

static void take_listed(struct logins *logins, DBusMessageIter *entry) {
        const char *text, *seat, *path;
        struct login *login;
        DBusMessageIter row;
        uint32_t uid;

        dbus_message_iter_recurse(entry, &row);
        dbus_message_iter_next(&row);
        dbus_message_iter_get_basic(&row, &uid);
        dbus_message_iter_next(&row);
        dbus_message_iter_get_basic(&row, &text);
        dbus_message_iter_next(&row);
        dbus_message_iter_get_basic(&row, &seat);
        dbus_message_iter_next(&row);
        dbus_message_iter_get_basic(&row, &path);
        login = seat[0] ? add(logins, path) : NULL;
        if (!login)
                return;
        login->uid = uid;
        login->uid_known = true;
        if (login->n_asked == 0)
                ask_session(logins, login);
}

static void on_sessions(void *userdata, DBusMessage *reply) {
        char *unused;
        struct logins *logins = question_end(userdata, &unused);
        DBusMessageIter args, entry;

        if (!logins || !reply || !dbus_message_has_signature(reply, "a(susso)"))
                return;
        dbus_message_iter_init(reply, &args);
        for (dbus_message_iter_recurse(&args, &entry);
             dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_INVALID;
             dbus_message_iter_next(&entry))
                take_listed(logins, &entry);
        logins->is_listed = true;
}

/* "" : there is none any more. */
static void set_owner(struct logins *logins, const char *owner) {
        while (logins->first)
                drop(logins, &logins->first);
        free(logins->owner);
        logins->owner = owner[0] ? strdup(owner) : NULL;
        logins->owners++;
        logins->has_answer = logins->owner || !owner[0];
        logins->is_listed = logins->is_full = false;
        if (logins->owner)
                ask(logins,
                    dbus_message_new_method_call(logins->owner, "/org/freedesktop/login1", MANAGER,
                                                 "ListSessions"),
                    on_sessions, NULL);
}

static void on_owner(void *userdata, DBusMessage *reply) {
        char *unused;
        struct logins *logins = question_end(userdata, &unused);
        const char *owner = "";

        if (!logins)
                return;
        if (reply && !dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &owner,
                                            DBUS_TYPE_INVALID))
                owner = "";
        set_owner(logins, owner);
}

static void on_owner_changed(struct logins *logins, DBusMessage *message) {
        const char *name, *before, *after;

        if (dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
                                  DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID) &&
            strcmp(name, LOGIND) == 0)
                set_owner(logins, after);
}

void logins_signal(struct logins *logins, DBusMessage *message) {
        const char *id, *path = dbus_message_get_path(message);
        struct login **slot;

        if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
            dbus_message_has_sender(message, DBUS_SERVICE_DBUS)) {
                on_owner_changed(logins, message);
                return;
        }
        if (!logins->owner || !dbus_message_has_sender(message, logins->owner))
                return;
        if (dbus_message_is_signal(message, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged")) {
                slot = find(logins, path);
                if (*slot)
                        ask_session(logins, *slot);
                return;
        }
        if (!dbus_message_has_interface(message, MANAGER) ||
            !dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &id, DBUS_TYPE_OBJECT_PATH,
                                   &path, DBUS_TYPE_INVALID))
                return;
        slot = find(logins, path);
        if (dbus_message_has_member(message, "SessionRemoved") && *slot)
                drop(logins, slot);
        else if (dbus_message_has_member(message, "SessionNew") && add(logins, path))
                ask_session(logins, *find(logins, path));
}

enum policy_tri logins_active(const struct logins *logins, uint32_t uid) {
        enum policy_tri ret = POLICY_NO;

        if (!logins->owner)
                return logins->has_answer ? POLICY_NO : POLICY_UNKNOWN;
        if (!logins->is_listed || logins->is_full)
                return POLICY_UNKNOWN;
        for (const struct login *login = logins->first; login; login = login->next)
                if (login->uid_known && login->uid == uid && login->active != POLICY_NO) {
                        if (login->active == POLICY_YES)
                                return POLICY_YES;
                        ret = POLICY_UNKNOWN;
                }
        return ret;
}

int logins_new(struct bus *bus, struct logins **ret) {
        static const char *const name = LOGIND;
        static const char *const rules[] = {
                "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" LOGIND
                "'",
                "type='signal',sender='" LOGIND "',interface='" MANAGER "',member='SessionNew'",
                "type='signal',sender='" LOGIND "',interface='" MANAGER "',member='SessionRemoved'",
                "type='signal',sender='" LOGIND "',interface='" DBUS_INTERFACE_PROPERTIES
                "',path_namespace='/org/freedesktop/login1/session'",
        };
        struct logins *logins = calloc(1, sizeof *logins);
        DBusMessage *message;

        if (!logins)
                return -ENOMEM;
        logins->bus = bus;
        for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
                bus_watch(bus, rules[i]);
        message = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                               DBUS_INTERFACE_DBUS, "GetNameOwner");
        if (message && !dbus_message_append_args(message, DBUS_TYPE_STRING, &name,
                                                 DBUS_TYPE_INVALID)) {
                dbus_message_unref(message);
                message = NULL;
        }
        ask(logins, message, on_owner, NULL);
        *ret = logins;
        return 0;
}

struct logins *logins_free(struct logins *logins) {
        if (!logins)
                return NULL;
        while (logins->first)
                drop(logins, &logins->first);
        for (struct question *question = logins->questions, *next; question; question = next) {
                next = question->next;
                free(question->path);
                free(question);
        }
        free(logins->owner);
        free(logins);
        return NULL;
}
