/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations, made of the very plan that would be sent, so that what is said is what would run. */
#include "broker/explain.h"

#include "broker/dict.h"
#include "broker/filter.h"
#include "broker/target.h"
#include "common/caps.h"
#include "common/outcome.h"
#include "common/sha256.h"
#include "common/wire.h"
#include "policy/policy.h"

#include <stdio.h>
#include <string.h>

void explain_rule(const struct policy_verdict *verdict, char *buffer, unsigned long size) {
        buffer[0] = 0;
        if (verdict->rule)
                snprintf(buffer, size, "%s:%u", policy_rule_file(verdict->rule),
                         policy_rule_line(verdict->rule));
}

void explain_add_caps(struct dict *dict, const char *key, uint64_t set) {
        dict_strings(dict, key);
        for (unsigned cap = 0; cap < CAPS_KNOWN; cap++)
                if (set & CAPS_BIT(cap))
                        dict_strings_add(dict, caps_name(cap));
}

static void add_skipped(struct dict *dict, const struct explain_input *input) {
        size_t n = input->trace->n < input->trace->max ? input->trace->n : input->trace->max;
        char more[64];

        dict_strings(dict, "skipped");
        for (size_t i = 0; i < n; i++) {
                const struct policy_rule *rule = input->trace->skips[i].rule;
                char why[512] = "", text[1024];

                policy_skip_text(&input->trace->skips[i], input->request, why, sizeof why);
                snprintf(text, sizeof text, "%s:%u %s: %s", policy_rule_file(rule),
                         policy_rule_line(rule), policy_rule_name(rule), why);
                dict_strings_add(dict, text);
        }
        if (input->trace->n > n) {
                snprintf(more, sizeof more, "and %zu more", input->trace->n - n);
                dict_strings_add(dict, more);
        }
}

void explain_add_ids(struct dict *dict, const struct wire_plan *plan) {
        uint32_t gids[LIMIT_GROUPS + 1];

        gids[0] = plan->gid;
        memcpy(gids + 1, plan->groups, plan->n_groups * sizeof gids[0]);
        dict_uint(dict, "uid", plan->uid);
        dict_uints(dict, "gids", gids, plan->n_groups + 1);
}

static void add_namespaces(struct dict *dict, const struct target *target) {
        static const char *const names[] = { "user", "mnt", "pid",    "net",
                                             "ipc",  "uts", "cgroup", "time" };

        dict_strings(dict, "namespaces");
        for (unsigned i = 0; i < WIRE_NS_KINDS; i++)
                if (target->entered & 1u << i)
                        dict_strings_add(dict, names[i]);
}

/* Names alone: values may be secrets that a caller may use but not read. */
void explain_add_env(struct dict *dict, const struct wire_plan *plan) {
        const char *at = (const char *)(plan + 1), *end = at + plan->strings_size;

        dict_strings(dict, "env-names");
        for (uint32_t i = 0; i < WIRE_PLAN_FIXED_STRINGS + plan->argc; i++)
                at += strlen(at) + 1;
        while (at < end) {
                char name[256];

                snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "="), at);
                dict_strings_add(dict, name);
                at += strlen(at) + 1;
        }
}

static void add_limits(struct dict *dict, const struct policy_limits *limits) {
        struct dict *inner = dict_new();

        if (inner) {
                if (limits->wall_ms)
                        dict_uint64(inner, "timeout-ms", limits->wall_ms);
                if (limits->idle_ms)
                        dict_uint64(inner, "idle-ms", limits->idle_ms);
                if (limits->cpu_ms)
                        dict_uint64(inner, "cpu-ms", limits->cpu_ms);
                if (limits->memory)
                        dict_uint64(inner, "memory", limits->memory);
                if (limits->pids)
                        dict_uint64(inner, "pids", limits->pids);
                if (limits->cpu_percent)
                        dict_uint(inner, "cpu-percent", limits->cpu_percent);
                if (limits->sessions)
                        dict_uint(inner, "sessions", limits->sessions);
                if (limits->per_minute)
                        dict_uint(inner, "per-minute", limits->per_minute);
        }
        dict_dict(dict, "limits", inner);
}

static void add_outcome(struct dict *dict, const struct explain_input *input) {
        const struct wire_plan *plan = input->plan;
        const char *label = (const char *)(plan + 1) + strlen((const char *)(plan + 1)) + 1;
        char hash[65] = "";

        explain_add_ids(dict, plan);
        explain_add_caps(dict, "bounding", plan->caps[CAPS_BOUNDING]);
        explain_add_caps(dict, "permitted", plan->caps[CAPS_PERMITTED]);
        explain_add_caps(dict, "effective", plan->caps[CAPS_EFFECTIVE]);
        explain_add_caps(dict, "inheritable", plan->caps[CAPS_INHERITABLE]);
        explain_add_caps(dict, "ambient", plan->caps[CAPS_AMBIENT]);
        if (input->filter)
                sha256_hex(input->filter->hash, hash);
        dict_string(dict, "seccomp", input->verdict->seccomp ? input->verdict->seccomp : "");
        dict_string(dict, "filter-hash", hash);
        dict_string(dict, "label", label);
        dict_string(dict, "cwd", (const char *)(plan + 1));
        dict_bool(dict, "privileged", input->privileged);
        dict_bool(dict, "no-new-privs", plan->flags & WIRE_PLAN_NNP);
        dict_bool(dict, "tty", plan->flags & WIRE_PLAN_TTY);
        add_namespaces(dict, input->target);
        dict_string(dict, "cgroup", input->target->facts->cgroup);
        explain_add_env(dict, plan);
        add_limits(dict, &input->verdict->limits);
}

/* What is not known counts against the caller, so it is said. */
static void add_unknown(struct dict *dict, const struct policy_request *request) {
        const struct policy_target *target = &request->target;

        dict_strings(dict, "unknown");
        if (strcmp(target->engine, "pid") == 0)
                dict_strings_add(dict, "engine and name of the container");
        if (!target->image_known)
                dict_strings_add(dict, "image");
        if (!target->labels_known)
                dict_strings_add(dict, "labels");
        if (!target->owner_known)
                dict_strings_add(dict, "owner");
        else if (target->owner_name_failed)
                dict_strings_add(dict, "name of the owner");
        if (request->caller.active == POLICY_UNKNOWN)
                dict_strings_add(dict, "whether the caller has an active session");
        if (!request->caller.unit)
                dict_strings_add(dict, "unit of the caller");
}

struct dict *explain(const struct explain_input *input) {
        struct dict *dict = dict_new();
        char rule[512];

        if (!dict)
                return NULL;
        explain_rule(input->verdict, rule, sizeof rule);
        dict_string(dict, "answer", policy_answer_name(input->verdict->answer));
        dict_string(dict, "rule", rule);
        dict_string(dict, "action", input->action);
        dict_string(dict, "target", input->target->display);
        add_unknown(dict, input->request);
        dict_string(dict, "error", input->refusal ? outcome_error(input->refusal) : "");
        dict_string(dict, "error-text", input->refusal ? input->refusal_text : "");
        if (input->verdict->answer != POLICY_DENY)
                add_outcome(dict, input);
        add_skipped(dict, input);
        return dict;
}
