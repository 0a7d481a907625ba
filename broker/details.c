/* SPDX-License-Identifier: Apache-2.0 */
/* Details of one session. Granted comes from the very plan that was sent, so that what is shown is what runs. */
#include "broker/details.h"

#include "broker/dict.h"
#include "broker/explain.h"
#include "broker/request.h"
#include "broker/session.h"

#include <stdio.h>
#include <string.h>

static void add_text(struct dict *dict, const char *key, const char *text) {
        if (text)
                dict_string(dict, key, text);
}

static void add_strings(struct dict *dict, const char *key, const struct strings *strings) {
        if (strings->n == 0)
                return;
        dict_strings(dict, key);
        for (size_t i = 0; i < strings->n; i++)
                dict_strings_add(dict, strings->list[i]);
}

static void add_env(struct dict *dict, const struct strings *env, bool with_values) {
        if (with_values) {
                add_strings(dict, "env", env);
                return;
        }
        if (env->n)
                dict_strings(dict, "env-names");
        for (size_t i = 0; i < env->n; i++) {
                char name[256];

                snprintf(name, sizeof name, "%.*s", (int)strcspn(env->list[i], "="), env->list[i]);
                dict_strings_add(dict, name);
        }
}

static void add_time(struct dict *dict, const char *key, uint64_t ms) {
        if (ms)
                dict_uint64(dict, key, ms);
}

static void add_timeouts(struct dict *dict, uint64_t wall_ms, uint64_t cpu_ms, uint64_t idle_ms) {
        add_time(dict, "timeout-ms", wall_ms);
        add_time(dict, "cpu-ms", cpu_ms);
        add_time(dict, "idle-ms", idle_ms);
}

static void add_gone(struct dict *dict, unsigned gone, uint64_t keep_for_s) {
        static const char *const words[] = { [POLICY_GONE_KILL] = "kill",
                                             [POLICY_GONE_HUP] = "hup",
                                             [POLICY_GONE_KEEP] = "keep",
                                             [POLICY_GONE_KEEP_FOR] = "keep-for" };
        char text[64];

        snprintf(text, sizeof text, gone == POLICY_GONE_KEEP_FOR ? "%s:%llu" : "%s", words[gone],
                 (unsigned long long)keep_for_s);
        dict_string(dict, "client-gone", text);
}

static void add_identity(struct dict *dict, const struct request *request) {
        add_text(dict, "user", request->user);
        add_text(dict, "group", request->group);
        add_strings(dict, "groups", &request->groups);
        add_text(dict, "cwd", request->cwd);
        add_text(dict, "seccomp", request->seccomp);
        add_text(dict, "label", request->label);
        add_text(dict, "name", request->name);
        add_text(dict, "reason", request->reason);
        if (request->cap_add)
                explain_add_caps(dict, "cap-add", request->cap_add);
        if (request->cap_drop)
                explain_add_caps(dict, "cap-drop", request->cap_drop);
}

static void add_terminal(struct dict *dict, const struct request *request) {
        dict_bool(dict, "tty", request->tty);
        if (request->rows) {
                dict_uint(dict, "rows", request->rows);
                dict_uint(dict, "cols", request->cols);
        }
        if (request->tty)
                dict_string(dict, "stderr", request->stderr_own ? "own" : "tty");
}

struct dict *details_asked(const struct session *session, bool for_owner) {
        const struct request *request = session->request;
        struct dict *dict = dict_new();

        if (!dict)
                return NULL;
        dict_string(dict, "target", request->target);
        add_strings(dict, "argv", &request->argv);
        add_identity(dict, request);
        add_env(dict, &request->env, for_owner);
        dict_bool(dict, "clear-env", request->clear_env);
        dict_bool(dict, "privileged", request->privileged);
        if (request->no_new_privs != POLICY_UNKNOWN)
                dict_bool(dict, "no-new-privs", request->no_new_privs == POLICY_YES);
        add_terminal(dict, request);
        add_gone(dict, request->client_gone, request->keep_for_s);
        add_timeouts(dict, request->limits.wall_ms, request->limits.cpu_ms,
                     request->limits.idle_ms);
        dict_string(dict, "leftovers", request->keep_leftovers ? "keep" : "kill");
        dict_uint(dict, "extra-fds", request->n_extra);
        return dict;
}

static void add_plan(struct dict *dict, const struct wire_plan *plan) {
        const char *cwd = (const char *)(plan + 1), *label = cwd + strlen(cwd) + 1;

        explain_add_ids(dict, plan);
        explain_add_caps(dict, "bounding", plan->caps[CAPS_BOUNDING]);
        explain_add_caps(dict, "permitted", plan->caps[CAPS_PERMITTED]);
        explain_add_caps(dict, "effective", plan->caps[CAPS_EFFECTIVE]);
        explain_add_caps(dict, "inheritable", plan->caps[CAPS_INHERITABLE]);
        explain_add_caps(dict, "ambient", plan->caps[CAPS_AMBIENT]);
        dict_bool(dict, "no-new-privs", plan->flags & WIRE_PLAN_NNP);
        dict_bool(dict, "tty", plan->flags & WIRE_PLAN_TTY);
        dict_string(dict, "cwd", cwd);
        dict_string(dict, "label", label);
        explain_add_env(dict, plan);
        add_timeouts(dict, plan->wall_ms, plan->cpu_ms, plan->idle_ms);
        dict_string(dict, "leftovers", plan->flags & WIRE_PLAN_KEEP_LEFTOVERS ? "keep" : "kill");
}

struct dict *details_granted(const struct session *session) {
        struct dict *dict = dict_new();

        if (!dict || !session->plan)
                return dict;
        add_plan(dict, session->plan);
        add_text(dict, "seccomp", session->seccomp);
        add_text(dict, "cgroup", session->cgroup);
        add_text(dict, "rule", session->rule);
        add_gone(dict, session->client_gone, session->keep_for_s);
        return dict;
}
