/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch. What has no row does not exist; what has a row without an action is for nobody; signatures are compared before a
 * single argument is read. */
#include "broker/api.h"

#include "broker/broker.h"
#include "broker/bus-events.h"
#include "broker/bus-history.h"
#include "broker/bus-manage.h"
#include "broker/bus-logins.h"
#include "broker/bus-manager.h"
#include "broker/bus-session.h"
#include "broker/call.h"
#include "broker/caller.h"
#include "broker/flow.h"
#include "broker/loop.h"
#include "broker/props.h"
#include "broker/quota.h"
#include "broker/reply.h"
#include "broker/request.h"
#include "broker/session.h"
#include "broker/settings.h"
#include "broker/turns.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MANAGER "org.airlock1.Manager"
#define SESSION "org.airlock1.Session"
#define EXEC \
        "org.airlock1.exec" /* with its five siblings: which one, the policy's answer and the request say */

static int not_built(struct call *call) {
        return error_set(&call->error, OUTCOME_NOT_SUPPORTED,
                         "%s: not built yet; Features lists what is", call->method->member);
}

static const struct method methods[] = {
        { MANAGER, "Exec", "sasa{sv}", "oa{uh}", EXEC, flow_exec, 1 },
        { MANAGER, "CreateSession", "sasa{sv}", "o", EXEC, not_built },
        { MANAGER, "Run", "sasa{sv}", "issa{sv}", EXEC, flow_run, 1 },
        { MANAGER, "Explain", "sasa{sv}", "a{sv}", "public", flow_explain, 1 },
        { MANAGER, "ListSessions", "a{sv}", "aa{sv}", "list", manager_list_sessions },
        { MANAGER, "GetSession", "s", "o", "list", manager_get_session },
        { MANAGER, "ListHistory", "a{sv}", "aa{sv}", "list", manager_list_history, 1 },
        { MANAGER, "ListTargets", "a{sv}", "aa{sv}", "public", manager_list_targets, 1 },
        { MANAGER, "GetTarget", "s", "o", "public", not_built },
        { MANAGER, "RegisterTarget", "sha{sv}", "o", MANAGE_SERVICE, not_built },
        { MANAGER, "UnregisterTarget", "s", "", MANAGE_SERVICE, not_built },
        { MANAGER, "Subscribe", "a{sv}", "", "list", manager_subscribe, 1 },
        { MANAGER, "Unsubscribe", "", "", "public", manager_unsubscribe },
        { MANAGER, "StopAll", "a{sv}", "u", "list", manager_stop_all },
        { MANAGER, "Reload", "", "", MANAGE_SERVICE, manager_reload },

        { SESSION, "Start", "a{sv}", "a{uh}", "owner", not_built },
        { SESSION, "Attach", "a{sv}", "a{uh}", "owner", bus_session_attach, 1 },
        { SESSION, "Resize", "qq", "", "owner", bus_session_resize },
        { SESSION, "Signal", "is", "", "owner", bus_session_signal },
        { SESSION, "Stop", "u", "", "owner", bus_session_stop },
        { SESSION, "Wait", "u", "a{sv}", "owner", bus_session_wait, 1 },
        { SESSION, "CloseStdin", "", "", "owner", bus_session_close_stdin },
        { SESSION, "Remove", "b", "", "owner", bus_session_remove },

        { DBUS_INTERFACE_PROPERTIES, "Get", "ss", "v", "public", props_get },
        { DBUS_INTERFACE_PROPERTIES, "GetAll", "s", "a{sv}", "public", props_get_all },
        { DBUS_INTERFACE_PROPERTIES, "Set", "ssv", "", "public", props_set },
        { "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "", "a{oa{sa{sv}}}", "list",
          props_managed_objects },
        { DBUS_INTERFACE_INTROSPECTABLE, "Introspect", "", "s", "list", props_introspect },
        { DBUS_INTERFACE_PEER, "Ping", "", "", "public", NULL },
        { DBUS_INTERFACE_PEER, "GetMachineId", "", "s", "public", NULL },
};
#define N_METHODS (sizeof methods / sizeof methods[0])

const struct method *api_method(unsigned i) {
        return i < N_METHODS ? &methods[i] : NULL;
}

int api_may_manage(const struct call *call) {
        return call->caller->uid == 0 || (call->asked && call->manage == 0);
}

static enum api_object object_of(struct call *call) {
        const char *path = dbus_message_get_path(call->message);

        if (strcmp(path, "/org/airlock1") == 0)
                return API_MANAGER;
        if (strcmp(path, "/") == 0 || strcmp(path, "/org") == 0 ||
            strcmp(path, "/org/airlock1/session") == 0)
                return API_PARENT;
        call->session = sessions_find_path(call->broker->sessions, path);
        /* Another's session does not exist for who may not see it: same error, same text. */
        if (call->session &&
            policy_may_see(call->caller->uid, call->session->owner, api_may_manage(call)))
                return API_SESSION;
        call->session = NULL;
        return API_NONE;
}

static bool belongs(enum api_object object, const struct method *method) {
        if (strcmp(method->interface, MANAGER) == 0 || strstr(method->interface, ".ObjectManager"))
                return object == API_MANAGER;
        if (strcmp(method->interface, SESSION) == 0)
                return object == API_SESSION;
        return object != API_PARENT ||
               strcmp(method->interface, DBUS_INTERFACE_INTROSPECTABLE) == 0;
}

static const struct method *find(DBusMessage *message, enum api_object object) {
        const char *interface = dbus_message_get_interface(message);
        const char *member = dbus_message_get_member(message);

        for (size_t i = 0; i < N_METHODS; i++)
                if (strcmp(methods[i].member, member) == 0 &&
                    (!interface || strcmp(methods[i].interface, interface) == 0) &&
                    belongs(object, &methods[i]))
                        return &methods[i];
        return NULL;
}

/* Counts the call once; one that waits is refused where too many do. */
static int check_quota(struct call *call, bool waits) {
        if (!call->quota) {
                call->quota = quotas_of(call->broker->quotas, call->caller->uid);
                if (!call->quota)
                        return -ENOMEM;
                call->quota->requests++;
        }
        if (waits && call->quota->requests > call->broker->settings->requests_per_user)
                return error_set(&call->error, OUTCOME_LIMITS_EXCEEDED,
                                 "more than %u calls at once that have no answer yet",
                                 call->broker->settings->requests_per_user);
        return 0;
}

/* ---- what is not the caller's own ---- */

/* A path that could be a session's. Whether it is another's or nobody's, the same is asked and answered. */
static bool is_session_path(const struct call *call) {
        static const char prefix[] = "/org/airlock1/session/";
        const char *path = dbus_message_get_path(call->message);

        return strncmp(path, prefix, strlen(prefix)) == 0 && sessions_is_id(path + strlen(prefix));
}

/* A list is the caller's own unless it says whose it wants: only then is a prompt in place. */
static bool wants_others(struct call *call) {
        struct request_filter filter;
        struct error ignored;
        const char *id;
        bool others;

        if (strcmp(call->method->in, "s") == 0)
                return dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &id,
                                             DBUS_TYPE_INVALID) &&
                       sessions_is_id(id);
        if (strcmp(call->method->in, "a{sv}") != 0 ||
            request_read_filter(call->message, &filter, &ignored))
                return false;
        others = filter.by_user && filter.user != call->caller->uid;
        request_filter_clear(&filter);
        return others;
}

/* The session that is called or named is the caller's own: nothing to ask. */
static bool is_own(const struct call *call) {
        const char *id;

        if (strcmp(call->method->in, "s") != 0 ||
            !dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID))
                return false;
        return !sessions_is_id(id) || manager_own_session(call, id);
}

/* The manage action that polkit has to be asked about first, or NULL. */
static const char *manage_action(struct call *call, enum api_object object, bool *loud) {
        const char *action = call->method->action;

        if (!action || call->asked || call->caller->uid == 0)
                return NULL;
        *loud = true;
        if (call->method->handler == flow_explain)
                return request_is_as(call->message) ? MANAGE_SESSIONS : NULL;
        if (object == API_NONE) {
                *loud = strcmp(action, "owner") == 0;
                return MANAGE_SESSIONS;
        }
        if (strcmp(action, MANAGE_SERVICE) == 0)
                return MANAGE_SERVICE;
        /* The caller's own session, and nodes that list none. */
        if (strcmp(action, "list") != 0 || call->session || is_own(call) ||
            (strcmp(call->method->member, "Introspect") == 0 && object != API_PARENT))
                return NULL;
        *loud = wants_others(call);
        return MANAGE_SESSIONS;
}

static int authorize(struct call *call) {
        const char *action = call->method->action;

        if (!action)
                return error_set(&call->error, OUTCOME_DENIED, "%s: denied", call->method->member);
        if (strcmp(action, MANAGE_SERVICE) == 0 && !api_may_manage(call))
                return error_set(&call->error, call->manage, "%s: not authorised (%s)",
                                 call->method->member, outcome_word(call->manage));
        /* "public", "owner", "list" and exec: the object's visibility and the policy decide. */
        return 0;
}

/* A session that an earlier broker left to us belongs to a uid; the first of its owner's clients that calls it has its signals. */
static int claim(const struct call *call) {
        struct session *session = call->session;

        if (!session || session->owner_name || session->owner != call->caller->uid)
                return 0;
        session->owner_name = strdup(call->caller->name);
        session->deadline_us = 0;
        return session->owner_name ? 0 : -ENOMEM;
}

static void on_managed(struct call *call, int outcome) {
        call->asked = true;
        call->manage = outcome;
        api_handle(call);
}

static int no_object(struct call *call) {
        return error_set(&call->error, OUTCOME_UNKNOWN_OBJECT, "no object at this path");
}

/* The row, for a call that fits it. What is not to be seen is told from what is not there by nothing. */
static int find_method(struct call *call, enum api_object object) {
        bool hidden = object == API_NONE;

        if (hidden && (call->asked || call->caller->uid == 0 || !is_session_path(call)))
                return no_object(call);
        call->method = find(call->message, hidden ? API_SESSION : object);
        if (!call->method || !call->method->handler)
                return hidden ? no_object(call)
                              : error_set(&call->error, OUTCOME_UNKNOWN_METHOD, "no method %s here",
                                          dbus_message_get_member(call->message));
        if (!dbus_message_has_signature(call->message, call->method->in))
                return hidden ? no_object(call)
                              : error_set(&call->error, OUTCOME_INVALID_ARGS,
                                          "%s: arguments are of type '%s'; expected '%s'",
                                          call->method->member,
                                          dbus_message_get_signature(call->message),
                                          call->method->in);
        return 0;
}

static int handle(struct call *call) {
        enum api_object object = object_of(call);
        const char *action;
        bool loud = false;
        int r = find_method(call, object);

        if (r)
                return r;
        call->caller->policy.active = logins_active(call->broker->logins, call->caller->uid);
        action = manage_action(call, object, &loud);
        r = check_quota(call, call->method->waits || action);
        if (r == 0 && action)
                return manage_ask(call, action, loud, on_managed);
        if (r == 0)
                r = authorize(call);
        if (r == 0)
                r = claim(call);
        return r ? r : call->method->handler(call);
}

void api_handle(struct call *call) {
        int r;

        if (call->caller->gone) {
                call_free(call);
                return;
        }
        r = handle(call);
        if (r == 0)
                return;
        if (r < 0) {
                error_set(&call->error, OUTCOME_HELPER_FAILED, "broker: %s", strerror(-r));
                r = OUTCOME_HELPER_FAILED;
        }
        reply_refusal(call, r, call->error.text);
}

/* Until its turn; a caller who is gone needs none. */
static void wait_turn(struct call *call) {
        uint32_t most = call->broker->settings->requests_per_user;
        int r = call->caller->gone ? 0 : turns_add(call->broker->turns, call, most);

        if (call->caller->gone)
                call_free(call);
        else if (r == -EAGAIN)
                reply_refusal(call, OUTCOME_LIMITS_EXCEEDED, "too many calls at once");
        else if (r < 0)
                reply_refusal(call, OUTCOME_HELPER_FAILED, "broker: no memory");
}

static void on_caller(void *userdata, struct caller *caller) {
        struct call *call = userdata;

        call->caller = caller;
        wait_turn(call);
}

void api_dispatch(struct broker *broker, struct DBusMessage *message) {
        const char *sender = dbus_message_get_sender(message);
        struct call *call;
        int r;

        if (!sender)
                return;
        call = calloc(1, sizeof *call);
        if (!call)
                return;
        call->broker = broker;
        call->message = dbus_message_ref(message);
        call->interactive = dbus_message_get_allow_interactive_authorization(message);
        r = callers_get(broker->callers, sender, on_caller, call, &call->caller);
        if (r < 0)
                reply_refusal(call, OUTCOME_HELPER_FAILED, "broker: cannot ask the bus who calls");
        else if (call->caller)
                wait_turn(call);
}
