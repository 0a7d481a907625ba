/* SPDX-License-Identifier: Apache-2.0 */
/* Callers. Everything that is decided on comes from the bus daemon's answer about the unique name, nothing from the message and
 * nothing from a pid. Names of ids come from the host's own account files. */
#include "broker/caller.h"

#include "broker/account.h"
#include "broker/bus.h"
#include "broker/target.h"
#include "common/fd.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GROUPS_MAX 65536
#define NAME_CACHE 64
#define NAME_SECONDS 10
#define IMAGINED_GROUPS 4096

struct waiter {
        struct waiter *next;
        caller_done_t done;
        void *userdata;
};

/* Names of numbers, kept for some seconds: each CLI call is a caller of its own, and the name service may be slow. */
struct cached_name {
        bool group;
        uint32_t id;
        time_t until;
        char *name; /* NULL: it has none */
};

struct callers {
        struct bus *bus;
        struct caller *first;
        unsigned n;
        struct cached_name names[NAME_CACHE];
};

int callers_new(struct bus *bus, struct callers **ret) {
        struct callers *callers = calloc(1, sizeof *callers);

        if (!callers)
                return -ENOMEM;
        callers->bus = bus;
        *ret = callers;
        return 0;
}

struct caller *caller_ref(struct caller *caller) {
        caller->n_refs++;
        return caller;
}

struct caller *caller_unref(struct caller *caller) {
        if (!caller || --caller->n_refs > 0)
                return NULL;
        for (size_t i = 0; i < caller->policy.n_groups; i++)
                free((char *)caller->groups[i].name);
        free(caller->groups);
        free(caller->user_name);
        free(caller->unit);
        free(caller->cgroup);
        free(caller->name);
        free(caller);
        return NULL;
}

unsigned callers_count(const struct callers *callers) {
        return callers->n;
}

/* Its waiters are told, then it is nobody's but those who hold a reference. */
static void settle(struct caller *caller) {
        struct waiter *waiter = caller->waiters, *next;

        caller->waiters = NULL;
        for (; waiter; waiter = next) {
                next = waiter->next;
                waiter->done(waiter->userdata, caller_ref(caller));
                free(waiter);
        }
}

static void drop(struct callers *callers, struct caller *caller) {
        for (struct caller **slot = &callers->first; *slot; slot = &(*slot)->next)
                if (*slot == caller) {
                        *slot = caller->next;
                        callers->n--;
                        caller->gone = true;
                        settle(caller);
                        caller_unref(caller);
                        return;
                }
}

struct callers *callers_free(struct callers *callers) {
        if (!callers)
                return NULL;
        while (callers->first)
                drop(callers, callers->first);
        for (size_t i = 0; i < NAME_CACHE; i++)
                free(callers->names[i].name);
        free(callers);
        return NULL;
}

void callers_vanished(struct callers *callers, const char *name) {
        for (struct caller *caller = callers->first; caller; caller = caller->next)
                if (strcmp(caller->name, name) == 0) {
                        drop(callers, caller);
                        return;
                }
}

static int name_of(struct callers *callers, bool group, uint32_t id, char **ret) {
        struct cached_name *cached = &callers->names[(id * 2 + group) % NAME_CACHE];
        time_t now = time(NULL);
        char *name;
        int r;

        if (cached->until <= now || cached->id != id || cached->group != group) {
                r = account_name(group, id, &name);
                if (r < 0)
                        return r;
                free(cached->name);
                *cached = (struct cached_name){
                        .group = group, .id = id, .until = now + NAME_SECONDS, .name = name
                };
        }
        *ret = cached->name ? strdup(cached->name) : NULL;
        return cached->name && !*ret ? -ENOMEM : 0;
}

static int take_groups(struct callers *callers, struct caller *caller, DBusMessageIter *value) {
        DBusMessageIter array;
        const dbus_uint32_t *gids;
        int n;

        dbus_message_iter_recurse(value, &array);
        dbus_message_iter_get_fixed_array(&array, &gids, &n);
        if (n < 0 || n > GROUPS_MAX || caller->groups)
                return -EPROTO;
        caller->groups = calloc((size_t)n + 1, sizeof *caller->groups);
        if (!caller->groups)
                return -ENOMEM;
        for (int i = 0; i < n; i++) {
                char *name = NULL;

                if (name_of(callers, true, gids[i], &name) < 0)
                        caller->policy.names_failed = true;
                caller->groups[i] = (struct policy_group){ .gid = gids[i], .name = name };
                caller->policy.n_groups++;
        }
        caller->policy.groups = caller->groups;
        return 0;
}

char *caller_unit_of(const char *path) {
        static const char *const kinds[] = { ".service", ".scope" };

        while (*path) {
                size_t n;

                path += *path == '/';
                n = strcspn(path, "/");
                if (n < 6 || strncmp(path + n - 6, ".slice", 6) != 0) {
                        for (unsigned i = 0; i < 2; i++) {
                                size_t length = strlen(kinds[i]);

                                if (n > length && strncmp(path + n - length, kinds[i], length) == 0)
                                        return strndup(path, n);
                        }
                        break;
                }
                path += n;
        }
        return strdup("");
}

/* The only process that the bus proves. Its number comes from the pidfd, and the process lives after its cgroup was read, so the
 * number was not another's. One that has ended, or that is not to be read, is in no unit that is known. */
static int take_process(struct caller *caller, int pidfd) {
        char cgroup[4096];
        int32_t pid = target_pid_of(pidfd);

        if (pid <= 0 || caller->cgroup)
                return 0;
        target_cgroup_path(pid, cgroup, sizeof cgroup);
        if (!cgroup[0] || target_pid_of(pidfd) != pid)
                return 0;
        caller->cgroup = strdup(cgroup);
        caller->unit = caller_unit_of(cgroup);
        if (!caller->cgroup || !caller->unit)
                return -ENOMEM;
        caller->policy.unit = caller->unit;
        caller->policy.cgroup = caller->cgroup;
        return 0;
}

static int take_credential(struct callers *callers, struct caller *caller, const char *key,
                           DBusMessageIter *value) {
        char *type = dbus_message_iter_get_signature(value);
        int r = 0;

        if (!type)
                return -ENOMEM;
        if (strcmp(key, "UnixUserID") == 0 && strcmp(type, "u") == 0) {
                dbus_message_iter_get_basic(value, &caller->uid);
                caller->known = true;
        } else if (strcmp(key, "ProcessID") == 0 && strcmp(type, "u") == 0) {
                dbus_message_iter_get_basic(value, &caller->claimed_pid);
        } else if (strcmp(key, "UnixGroupIDs") == 0 && strcmp(type, "au") == 0) {
                r = take_groups(callers, caller, value);
        } else if (strcmp(key, "ProcessFD") == 0 && strcmp(type, "h") == 0) {
                _cleanup_close_ int pidfd = -1;

                dbus_message_iter_get_basic(value, &pidfd);
                r = take_process(caller, pidfd);
        }
        dbus_free(type);
        return r;
}

int caller_take_credentials(struct callers *callers, struct caller *caller, DBusMessage *reply) {
        DBusMessageIter args, entry;
        int r = 0;

        if (!dbus_message_has_signature(reply, "a{sv}"))
                return -EPROTO;
        dbus_message_iter_init(reply, &args);
        for (dbus_message_iter_recurse(&args, &entry);
             r == 0 && dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_INVALID;
             dbus_message_iter_next(&entry)) {
                DBusMessageIter pair, value;
                const char *key;

                dbus_message_iter_recurse(&entry, &pair);
                dbus_message_iter_get_basic(&pair, &key);
                dbus_message_iter_next(&pair);
                dbus_message_iter_recurse(&pair, &value);
                r = take_credential(callers, caller, key, &value);
        }
        if (r == 0 && (!caller->known || caller->uid == UINT32_MAX))
                r = -EPROTO;
        if (r == 0 && name_of(callers, false, caller->uid, &caller->user_name) < 0)
                caller->policy.names_failed = true;
        caller->policy.uid = caller->uid;
        caller->policy.name = caller->user_name;
        return r;
}

struct asking {
        struct callers *callers;
        struct caller *caller;
};

static void on_credentials(void *userdata, DBusMessage *reply) {
        struct asking asking = *(struct asking *)userdata;

        free(userdata);
        if (!asking.caller->gone) {
                /* Any error and any odd answer is a caller that is not there: it is told nothing and may nothing. */
                if (!reply || caller_take_credentials(asking.callers, asking.caller, reply) < 0) {
                        asking.caller->known = false;
                        drop(asking.callers, asking.caller);
                } else {
                        settle(asking.caller);
                }
        }
        caller_unref(asking.caller);
}

static int ask_bus(struct callers *callers, struct caller *caller) {
        DBusMessage *message = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                            DBUS_INTERFACE_DBUS,
                                                            "GetConnectionCredentials");
        struct asking *asking = malloc(sizeof *asking);
        int r = -ENOMEM;

        if (!message || !asking ||
            !dbus_message_append_args(message, DBUS_TYPE_STRING, &caller->name,
                                      DBUS_TYPE_INVALID)) {
                if (message)
                        dbus_message_unref(message);
        } else {
                *asking = (struct asking){ callers, caller_ref(caller) };
                r = bus_ask(callers->bus, message, on_credentials, asking);
                if (r == 0)
                        return 0;
                caller_unref(caller);
        }
        free(asking);
        return r;
}

static int add_waiter(struct caller *caller, caller_done_t done, void *userdata) {
        struct waiter *waiter = malloc(sizeof *waiter), **slot = &caller->waiters;

        if (!waiter)
                return -ENOMEM;
        /* In the order of their messages: a client's second call is not handled before its first. */
        while (*slot)
                slot = &(*slot)->next;
        *waiter = (struct waiter){ NULL, done, userdata };
        *slot = waiter;
        return 0;
}

static int caller_new(struct callers *callers, const char *name, struct caller **ret) {
        struct caller *caller = calloc(1, sizeof *caller);
        int r;

        if (!caller)
                return -ENOMEM;
        caller->n_refs = 1;
        caller->name = strdup(name);
        r = caller->name ? ask_bus(callers, caller) : -ENOMEM;
        if (r < 0) {
                caller_unref(caller);
                return r;
        }
        caller->next = callers->first;
        callers->first = caller;
        callers->n++;
        *ret = caller;
        return 0;
}

int callers_get(struct callers *callers, const char *name, caller_done_t done, void *userdata,
                struct caller **ret) {
        struct caller *caller = callers->first;
        int r;

        while (caller && strcmp(caller->name, name) != 0)
                caller = caller->next;
        if (caller && caller->known && !caller->waiters) {
                *ret = caller_ref(caller);
                return 0;
        }
        if (!caller) {
                r = caller_new(callers, name, &caller);
                if (r < 0)
                        return r;
        }
        *ret = NULL;
        return add_waiter(caller, done, userdata);
}

/* ---- somebody who is not there ---- */

static int imagine_groups(struct callers *callers, struct caller *caller, uint32_t gid) {
        uint32_t gids[IMAGINED_GROUPS];
        int n = account_groups(caller->user_name, gid, gids, IMAGINED_GROUPS);

        if (n < 0)
                return n;
        caller->groups = calloc((size_t)n + 1, sizeof *caller->groups);
        if (!caller->groups)
                return -ENOMEM;
        caller->policy.groups = caller->groups;
        for (int i = 0; i < n; i++) {
                char *group = NULL;

                if (name_of(callers, true, gids[i], &group) < 0)
                        caller->policy.names_failed = true;
                caller->groups[i] = (struct policy_group){ .gid = gids[i], .name = group };
                caller->policy.n_groups++;
        }
        return 0;
}

int caller_imagine(struct callers *callers, const char *user, struct caller **ret,
                   struct error *error) {
        struct caller *caller = calloc(1, sizeof *caller);
        uint32_t gid = 0;
        int r;

        if (!caller)
                return -ENOMEM;
        caller->n_refs = 1;
        caller->known = true;
        r = account_find(user, &caller->uid, &gid, &caller->user_name);
        if (r > 0)
                error_set(error, r, "option as: no account '%s' on this host", user);
        caller->name = strdup("");
        caller->policy.uid = caller->uid;
        caller->policy.name = caller->user_name;
        if (r == 0)
                r = caller->name ? imagine_groups(callers, caller, gid) : -ENOMEM;
        if (r)
                caller_unref(caller);
        else
                *ret = caller;
        return r;
}
