/* SPDX-License-Identifier: Apache-2.0 */
/* The plan. It never decides and never looks anything up: all that it needs was decided before, and what it makes is what runs. */
#include "broker/plan.h"

#include "broker/env.h"
#include "broker/passwd.h"
#include "broker/request.h"
#include "broker/target.h"
#include "common/caps.h"
#include "common/fd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define DEFAULT_TERM "TERM=xterm"

uint64_t plan_caps_beyond(const struct request *request, const struct target *target) {
        return request->cap_add & ~target->facts->caps[CAPS_BOUNDING];
}

void plan_caps(const struct plan_input *input, uint64_t ret[CAPS_SETS]) {
        const struct request *request = input->request;
        const struct wire_facts *facts = input->target->facts;
        uint64_t extra = input->verdict->caps_all ? facts->ceiling_caps : input->verdict->caps;
        uint64_t all = ((facts->caps[CAPS_BOUNDING] & facts->ceiling_caps) | extra) &
                       ~request->cap_drop;
        uint64_t named = request->cap_add & all;

        memset(ret, 0, CAPS_SETS * sizeof ret[0]);
        ret[CAPS_BOUNDING] = all;
        if (input->identity->uid == 0) {
                /* Ambient and inheritable stay empty: root's programs get what permitted has, and nothing may hand it on. */
                ret[CAPS_PERMITTED] = ret[CAPS_EFFECTIVE] = all;
                return;
        }
        /* Another user has no capability unless one was named; execve(2) takes away what is not ambient. */
        ret[CAPS_PERMITTED] = ret[CAPS_EFFECTIVE] = ret[CAPS_INHERITABLE] = ret[CAPS_AMBIENT] =
                named;
}

static bool no_new_privs(const struct plan_input *input) {
        return input->target->facts->no_new_privs || input->verdict->no_new_privs ||
               input->request->no_new_privs == POLICY_YES;
}

static uint32_t flags(const struct plan_input *input) {
        const struct request *request = input->request;

        return WIRE_PLAN_ACK | (no_new_privs(input) ? WIRE_PLAN_NNP : 0) |
               (input->listed32 ? WIRE_PLAN_LISTED32 : 0) | (request->tty ? WIRE_PLAN_TTY : 0) |
               (request->tty && request->stderr_own ? WIRE_PLAN_STDERR_OWN : 0) |
               (request->keep_leftovers ? WIRE_PLAN_KEEP_LEFTOVERS : 0) |
               (input->verdict->client_gone == POLICY_GONE_KEEP ||
                                input->verdict->client_gone == POLICY_GONE_KEEP_FOR
                        ? WIRE_PLAN_KEEP_GONE
                        : 0);
}

/* What the target's commands see, then HOME, PATH and a terminal's TERM where it has none, then the caller's, then the rule's: the last one counts.
 * A HOME that the runtime made for the init is not another user's. */
static bool fill_env(const struct plan_input *input, struct env *env, const char *home) {
        const struct target *target = input->target;
        const struct request *request = input->request;
        bool fits = true;

        for (size_t i = 0; !request->clear_env && i < target->env.n; i++)
                fits &= env_put(env, target->env.list[i]);
        if (!env_has(env, "HOME") ||
            (!target->declared && input->identity->uid != target->process.uid))
                fits &= env_put(env, home);
        if (!env_has(env, "PATH"))
                fits &= env_put(env, DEFAULT_PATH);
        if (request->tty && !env_has(env, "TERM"))
                fits &= env_put(env, DEFAULT_TERM);
        for (size_t i = 0; i < request->env.n; i++) {
                if (strchr(request->env.list[i], '='))
                        fits &= env_put(env, request->env.list[i]);
                else
                        env_remove(env, request->env.list[i]);
        }
        for (size_t i = 0; i < input->verdict->n_env_set; i++)
                fits &= env_put(env, input->verdict->env_set[i]);
        return fits;
}

/* Where the strings of a plan are written; size alone is counted before there is memory. */
struct block {
        char *at;
        size_t size;
};

static void add(struct block *block, const char *text) {
        size_t n = strlen(text) + 1;

        if (block->at)
                memcpy(block->at + block->size, text, n);
        block->size += n;
}

static uint32_t add_strings(const struct plan_input *input, const struct env *env,
                            struct block *block) {
        const struct request *request = input->request;
        const char *own = input->target->process.cwd;
        uint32_t envc = 0;

        add(block, request->cwd ? request->cwd : own ? own : "/");
        add(block, input->verdict->label ? input->verdict->label : input->target->facts->label);
        add(block, input->target->display);
        if (block->at)
                memcpy(block->at + block->size, request->argv.bytes, request->argv.size);
        block->size += request->argv.size;
        for (size_t i = 0; i < env->n; i++)
                if (env->entries[i]) {
                        add(block, env->entries[i]);
                        envc++;
                }
        return envc;
}

static void fill_numbers(const struct plan_input *input, struct wire_plan *plan) {
        const struct identity *identity = input->identity;
        const struct policy_limits *limits = &input->verdict->limits;

        plan->magic = WIRE_MAGIC;
        plan->version = WIRE_VERSION;
        plan->flags = flags(input);
        memcpy(plan->session, input->session, sizeof plan->session);
        plan->target = input->target->facts->identity;
        plan_caps(input, plan->caps);
        plan->wall_ms = limits->wall_ms;
        plan->cpu_ms = limits->cpu_ms;
        plan->idle_ms = limits->idle_ms;
        plan->grace_ms = LIMIT_GRACE_DEFAULT_MS;
        plan->caller_uid = input->caller_uid;
        plan->uid = identity->uid;
        plan->gid = identity->gid;
        plan->n_groups = identity->n_groups;
        memcpy(plan->groups, identity->groups, identity->n_groups * sizeof plan->groups[0]);
        plan->rows = input->request->rows;
        plan->cols = input->request->cols;
        plan->argc = (uint32_t)input->request->argv.n;
}

static int make(const struct plan_input *input, const struct env *env, struct wire_plan **ret,
                size_t *ret_size) {
        struct block block = { NULL, 0 };
        struct wire_plan *plan;

        add_strings(input, env, &block);
        if (block.size > LIMIT_STRINGS_BYTES)
                return -E2BIG;
        plan = calloc(1, sizeof *plan + block.size);
        if (!plan)
                return -ENOMEM;
        fill_numbers(input, plan);
        plan->strings_size = (uint32_t)block.size;
        plan->size = (uint32_t)(sizeof *plan + block.size);
        block = (struct block){ (char *)(plan + 1), 0 };
        plan->envc = add_strings(input, env, &block);
        *ret = plan;
        *ret_size = plan->size;
        return 0;
}

/* A capability that was asked for by name is had or refused, never left out. */
static int check_named(const struct plan_input *input, struct error *error) {
        const struct request *request = input->request;
        uint64_t caps[CAPS_SETS], missing;

        plan_caps(input, caps);
        missing = request->cap_add & ~request->cap_drop & ~caps[CAPS_BOUNDING];
        if (!missing)
                return 0;
        return error_set(error, OUTCOME_OVER_CEILING,
                         "%s: more than the ceiling leaves of what the container has",
                         caps_name(caps_first(missing)));
}

int plan_make(const struct plan_input *input, struct wire_plan **ret, size_t *ret_size,
              struct error *error) {
        size_t max = input->target->env.n + input->request->env.n + input->verdict->n_env_set + 3;
        _cleanup_(env_clear) struct env env = { 0 };
        char home[LIMIT_CWD_BYTES + 8];
        int r = check_named(input, error);

        if (r)
                return r;
        r = env_init(&env, max < LIMIT_ENV ? max : LIMIT_ENV);
        if (r < 0)
                return r;
        snprintf(home, sizeof home, "HOME=%s", input->identity->home);
        if (!fill_env(input, &env, home))
                return error_set(error, OUTCOME_LIMITS_EXCEEDED,
                                 "environment: more than %u entries with the target's own",
                                 LIMIT_ENV);
        r = make(input, &env, ret, ret_size);
        if (r == -E2BIG)
                return error_set(error, OUTCOME_LIMITS_EXCEEDED,
                                 "argv and environment, with the target's own: more than %u bytes",
                                 LIMIT_STRINGS_BYTES);
        return r;
}
