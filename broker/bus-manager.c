/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, StopAll, Reload and the manager's properties. */
#include "broker/bus-manager.h"

#include "broker/api.h"
#include "broker/ask.h"
#include "broker/audit.h"
#include "broker/broker.h"
#include "broker/call.h"
#include "broker/caller.h"
#include "broker/dict.h"
#include "broker/listing.h"
#include "broker/loop.h"
#include "broker/recorder.h"
#include "broker/reply.h"
#include "broker/request.h"
#include "broker/session.h"
#include "broker/settings.h"
#include "broker/target.h"
#include "config.h"
#include "policy/policy.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- sessions ---- */

static bool sees(const struct call *call, const struct session *session) {
        return session->visible &&
               policy_may_see(call->caller->uid, session->owner, api_may_manage(call));
}

int manager_list_sessions(struct call *call) {
        struct sessions *sessions = call->broker->sessions;
        size_t max = sessions_running(sessions) + sessions_kept(sessions), n = 0;
        struct dict **list = calloc(max + 1, sizeof *list);
        struct request_filter filter;
        int r;

        if (!list)
                return -ENOMEM;
        r = request_read_filter(call->message, &filter, &call->error);
        if (r) {
                free(list);
                return r;
        }
        for (struct session *s = sessions_first(sessions); s && n < max; s = s->next)
                if (sees(call, s) && session_matches(s, &filter))
                        list[n++] = session_listing(s);
        request_filter_clear(&filter);
        reply_dicts(call, list, n);
        return 0;
}

int manager_get_session(struct call *call) {
        struct session *session;
        const char *id;

        dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID);
        session = sessions_find(call->broker->sessions, id);
        if (!session || !sees(call, session))
                session = sessions_find_name(call->broker->sessions, id, call->caller->uid);
        if (!session)
                return error_set(&call->error, OUTCOME_NO_SUCH_SESSION,
                                 "session %s: no such session", id);
        reply_path(call, session->path);
        return 0;
}

int manager_own_session(const struct call *call, const char *id) {
        const struct session *session = sessions_find(call->broker->sessions, id);

        return session && session->visible && session->owner == call->caller->uid;
}

int manager_stop_all(struct call *call) {
        struct request_filter filter;
        struct error ignored;
        uint32_t n = 0;
        int r;

        r = request_read_filter(call->message, &filter, &call->error);
        if (r)
                return r;
        for (struct session *s = sessions_first(call->broker->sessions); s; s = s->next)
                if (sees(call, s) && !session_is_over(s) && session_matches(s, &filter) &&
                    session_stop(s, LIMIT_GRACE_DEFAULT_MS, s->owner == call->caller->uid,
                                 &ignored) == 0)
                        n++;
        request_filter_clear(&filter);
        reply_uint(call, n);
        return 0;
}

/* ---- targets ---- */

struct target_listing {
        struct call *call;
        struct request_filter filter;
};

static bool is_wanted(void *userdata, const char *engine, const char *name) {
        const struct target_listing *listing = userdata;
        const struct request_filter *filter = &listing->filter;
        char full[600];

        snprintf(full, sizeof full, "%s:%s", engine, name);
        if (filter->target && strcmp(filter->target, full) != 0 &&
            strcmp(filter->target, name) != 0)
                return false;
        if (filter->name && strcmp(filter->name, full) != 0 && strcmp(filter->name, name) != 0)
                return false;
        if (filter->state && strcmp(filter->state, "running") != 0)
                return false;
        return policy_could_match_name(listing->call->broker->rules, &listing->call->caller->policy,
                                       engine, name);
}

static struct dict *describe(const struct listed *listed) {
        struct dict *dict = dict_new();
        char name[600], id[700], cgroup[LIMIT_CGROUP_BYTES];

        if (!dict)
                return NULL;
        snprintf(name, sizeof name, "%s:%s", listed->engine, listed->name);
        /* The start time makes it another id than that of a later target under the same name. */
        snprintf(id, sizeof id, "%s-%s-%llx", listed->engine, listed->name,
                 (unsigned long long)target_start_ticks(listed->pid));
        target_cgroup_path(listed->pid, cgroup, sizeof cgroup);
        dict_string(dict, "id", id);
        dict_string(dict, "name", name);
        dict_string(dict, "engine", listed->engine);
        dict_string(dict, "state", "running");
        dict_int(dict, "pid", listed->pid);
        dict_string(dict, "cgroup", cgroup);
        return dict;
}

static void on_targets(void *userdata, int result, const struct listed *list, size_t n,
                       const char *text) {
        struct target_listing *listing = userdata;
        struct call *call = listing->call;
        struct dict **dicts = result ? NULL : calloc(n + 1, sizeof *dicts);

        request_filter_clear(&listing->filter);
        free(listing);
        for (size_t i = 0; dicts && i < n; i++)
                dicts[i] = describe(&list[i]);
        if (dicts)
                reply_dicts(call, dicts, n);
        else
                reply_refusal(call, result ? result : OUTCOME_HELPER_FAILED,
                              result ? text : "no memory");
}

int manager_list_targets(struct call *call) {
        struct target_listing *listing = calloc(1, sizeof *listing);
        struct listing_start start = { .context = &call->broker->lookup,
                                       .now = loop_now(call->broker->loop),
                                       .wanted = is_wanted,
                                       .done = on_targets,
                                       .userdata = listing };
        struct listing *started;
        int r;

        if (!listing)
                return -ENOMEM;
        listing->call = call;
        r = request_read_filter(call->message, &listing->filter, &call->error);
        if (r == 0) {
                r = listing_start(&start, &started);
                if (r == 0)
                        return 0;
                r = ask_link_error(&call->error, r);
                request_filter_clear(&listing->filter);
        }
        free(listing);
        return r;
}

/* ---- the manager itself ---- */

int manager_reload(struct call *call) {
        int r = broker_reload(call->broker, &call->error);

        audit_note("reload for uid %u: %s", call->caller->uid, call->broker->policy_status);
        if (r == 0)
                reply_empty(call);
        return r;
}

static void add_features(struct dict *dict) {
        static const char *const more[] = { "Exec",
                                            "Run",
                                            "Explain",
                                            "ListSessions",
                                            "ListHistory",
                                            "Subscribe",
                                            "Unsubscribe",
                                            "GetSession",
                                            "ListTargets",
                                            "StopAll",
                                            "Reload",
                                            "Session.Signal",
                                            "Session.Stop",
                                            "Session.Wait",
                                            "Session.Remove",
                                            "Session.Resize",
                                            "Session.CloseStdin",
                                            "engine:crun",
                                            "engine:runc",
                                            "engine:pid" };

        dict_strings(dict, "Features");
        for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
                dict_strings_add(dict, more[i]);
        for (unsigned i = 0; request_option(i); i++)
                dict_strings_add(dict, request_option(i));
}

static void add_history(struct dict *dict, const struct broker *broker) {
        struct recorder_status status;

        recorder_status(broker->recorder, &status);
        dict_string(dict, "history", status.text);
        dict_uint64(dict, "history-written", status.written);
        dict_uint(dict, "history-waiting", status.waiting);
        dict_uint64(dict, "history-dropped", status.dropped);
}

static struct dict *health(const struct broker *broker) {
        struct dict *dict = dict_new();

        if (!dict)
                return NULL;
        dict_string(dict, "policy", broker->policy_status);
        dict_string(dict, "policy-error", broker->policy_error);
        dict_string(dict, "policy-digest", policy_set_digest(broker->rules));
        dict_uint(dict, "policy-rules", (uint32_t)policy_set_count(broker->rules));
        dict_uint64(dict, "policy-loaded-us", broker->policy_loaded_us);
        dict_uint64(dict, "policy-tried-us", broker->policy_tried_us);
        dict_uint(dict, "sessions", sessions_running(broker->sessions));
        dict_uint(dict, "sessions-kept", sessions_kept(broker->sessions));
        dict_uint(dict, "callers", callers_count(broker->callers));
        dict_uint(dict, "targets", targets_count(broker->targets));
        dict_uint64(dict, "uptime-us", loop_now(broker->loop) - broker->started_us);
        add_history(dict, broker);
        dict_uint(dict, "sessions-max-per-user", broker->settings->sessions_per_user);
        dict_uint(dict, "starts-max-per-minute", broker->settings->starts_per_minute);
        return dict;
}

struct dict *manager_properties(const struct broker *broker) {
        struct dict *dict = dict_new();

        if (!dict)
                return NULL;
        dict_string(dict, "Version", AIRLOCK_VERSION);
        add_features(dict);
        dict_uint(dict, "ApiVersion", 1);
        dict_string(dict, "PolicyStatus", broker->policy_status);
        dict_dict(dict, "Health", health(broker));
        return dict;
}
