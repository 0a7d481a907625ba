/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: what the helper's own check takes, with exactly the ids, sets and environment that were decided. */
#include "broker/plan.h"

#include "broker/env.h"
#include "broker/passwd.h"
#include "broker/request.h"
#include "broker/target.h"
#include "common/caps.h"
#include "common/wire.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define BASE (CAPS_BIT(0) | CAPS_BIT(6) | CAPS_BIT(7))

struct world {
        struct wire_facts facts;
        struct target target;
        struct request request;
        struct identity identity;
        struct policy_verdict verdict;
        uint8_t id[32];
        struct plan_input input;
};

static void add(struct strings *strings, const char *text) {
        assert_int_equal(strings_add(strings, text, strlen(text)), 0);
        assert_int_equal(strings_index(strings), 0);
}

static struct world *world_new(void) {
        struct world *w = calloc(1, sizeof *w);

        w->facts.caps[CAPS_BOUNDING] = BASE;
        w->facts.ceiling_caps = BASE | CAPS_BIT(12);
        w->facts.identity.start_ticks = 77;
        w->target = (struct target){ .facts = &w->facts, .display = (char *)"crun:demo", .declared = true };
        w->verdict.seccomp = "target";
        w->identity = (struct identity){ .uid = 0, .gid = 0, .home = "/root" };
        memset(w->id, 7, sizeof w->id);
        add(&w->request.argv, "sh");
        add(&w->request.argv, "-c");
        w->input = (struct plan_input){ .request = &w->request,
                                        .target = &w->target,
                                        .identity = &w->identity,
                                        .verdict = &w->verdict,
                                        .session = w->id,
                                        .caller_uid = 1234 };
        return w;
}

static void world_free(struct world *w) {
        strings_clear(&w->request.argv);
        strings_clear(&w->request.env);
        strings_clear(&w->target.env);
        free(w);
}

struct made {
        struct wire_plan *plan;
        struct wire_strings strings;
        const char **argv;
        const char **envv;
};

static struct made make(struct world *w) {
        struct made m = { .argv = calloc(LIMIT_ARGS + 1, sizeof(char *)), .envv = calloc(LIMIT_ENV + 1, sizeof(char *)) };
        struct error error;
        size_t size;

        assert_int_equal(plan_make(&w->input, &m.plan, &size, &error), 0);
        m.strings.argv = m.argv;
        m.strings.envv = m.envv;
        assert_int_equal(wire_check_plan(m.plan, size, &m.strings), 0);
        return m;
}

static void drop(struct made *m) {
        free(m->plan);
        free(m->argv);
        free(m->envv);
}

static const char *env_of(const struct made *m, const char *name) {
        for (const char **e = m->envv; *e; e++)
                if (strncmp(*e, name, strlen(name)) == 0 && (*e)[strlen(name)] == '=')
                        return *e + strlen(name) + 1;
        return NULL;
}

static void plain(void **state) {
        struct world *w = world_new();
        struct made m = make(w);

        assert_string_equal(m.strings.cwd, "/");
        assert_string_equal(m.strings.target, "crun:demo");
        assert_string_equal(m.argv[0], "sh");
        assert_string_equal(m.argv[1], "-c");
        assert_null(m.argv[2]);
        assert_int_equal(m.plan->caller_uid, 1234);
        assert_int_equal(m.plan->target.start_ticks, 77);
        assert_memory_equal(m.plan->session, w->id, 32);
        assert_int_equal(m.plan->flags, WIRE_PLAN_ACK);
        assert_string_equal(env_of(&m, "HOME"), "/root");
        assert_non_null(env_of(&m, "PATH"));
        drop(&m);
        world_free(w);
}

struct caps_row {
        uint32_t uid;
        uint64_t add, drop, granted;
        bool all;
        uint64_t bounding, permitted, ambient;
};

static const struct caps_row caps_rows[] = {
        /* root, plain: what the target has; another user: nothing, but for the bounding set */
        { 0, 0, 0, 0, false, BASE, BASE, 0 },
        { 1000, 0, 0, 0, false, BASE, 0, 0 },
        /* dropped */
        { 0, 0, CAPS_BIT(6), 0, false, BASE & ~CAPS_BIT(6), BASE & ~CAPS_BIT(6), 0 },
        { 0, 0, CAPS_ALL, 0, false, 0, 0, 0 },
        /* granted by the rule */
        { 0, CAPS_BIT(12), 0, CAPS_BIT(12), false, BASE | CAPS_BIT(12), BASE | CAPS_BIT(12), 0 },
        { 1000, CAPS_BIT(12), 0, CAPS_BIT(12), false, BASE | CAPS_BIT(12), CAPS_BIT(12), CAPS_BIT(12) },
        /* everything: no more than the ceiling */
        { 0, 0, 0, CAPS_ALL, true, BASE | CAPS_BIT(12), BASE | CAPS_BIT(12), 0 },
        { 1000, 0, 0, CAPS_ALL, true, BASE | CAPS_BIT(12), 0, 0 },
};

static void capabilities(void **state) {
        for (size_t i = 0; i < sizeof caps_rows / sizeof caps_rows[0]; i++) {
                const struct caps_row *row = &caps_rows[i];
                struct world *w = world_new();
                struct made m;

                w->identity.uid = row->uid;
                w->request.cap_add = row->add;
                w->request.cap_drop = row->drop;
                w->request.privileged = row->all;
                w->verdict.caps = row->granted;
                w->verdict.caps_all = row->all;
                m = make(w);
                assert_int_equal(m.plan->caps[CAPS_BOUNDING], row->bounding);
                assert_int_equal(m.plan->caps[CAPS_PERMITTED], row->permitted);
                assert_int_equal(m.plan->caps[CAPS_EFFECTIVE], row->permitted);
                assert_int_equal(m.plan->caps[CAPS_INHERITABLE], row->ambient);
                assert_int_equal(m.plan->caps[CAPS_AMBIENT], row->ambient);
                drop(&m);
                world_free(w);
        }
}

static void ceiling_below_target(void **state) {
        struct world *w = world_new();
        struct made m;

        w->facts.ceiling_caps = CAPS_BIT(0);
        m = make(w);
        assert_int_equal(m.plan->caps[CAPS_BOUNDING], CAPS_BIT(0));
        drop(&m);
        world_free(w);
}

/* PlainCaps= may take from what the container has: who names such a capability is told. */
static void named_below_target(void **state) {
        struct world *w = world_new();
        struct wire_plan *plan = NULL;
        struct error error = { 0 };
        size_t size;

        w->facts.ceiling_caps = CAPS_BIT(0);
        w->request.cap_add = CAPS_BIT(1);
        assert_int_equal(plan_make(&w->input, &plan, &size, &error), OUTCOME_OVER_CEILING);
        assert_non_null(strstr(error.text, "CAP_DAC_OVERRIDE"));
        w->request.cap_add = CAPS_BIT(21); /* granted by nobody */
        assert_int_equal(plan_make(&w->input, &plan, &size, &error), OUTCOME_OVER_CEILING);
        w->request.cap_add = CAPS_BIT(1);
        w->request.cap_drop = CAPS_BIT(1);
        assert_int_equal(plan_make(&w->input, &plan, &size, &error), 0);
        free(plan);
        world_free(w);
}

static void environment(void **state) {
        static const char *const fixed[] = { "RULE=yes", "OVER=rule" };
        struct world *w = world_new();
        struct made m;

        add(&w->target.env, "A=target");
        add(&w->target.env, "GONE=1");
        add(&w->target.env, "HOME=/declared");
        add(&w->request.env, "A=caller");
        add(&w->request.env, "GONE");
        add(&w->request.env, "NEW=1");
        add(&w->request.env, "NEW=2");
        add(&w->request.env, "OVER=caller");
        w->verdict.env_set = fixed;
        w->verdict.n_env_set = 2;
        m = make(w);
        assert_string_equal(env_of(&m, "A"), "caller");
        assert_null(env_of(&m, "GONE"));
        assert_string_equal(env_of(&m, "NEW"), "2");
        assert_string_equal(env_of(&m, "OVER"), "rule");
        assert_string_equal(env_of(&m, "RULE"), "yes");
        assert_string_equal(env_of(&m, "HOME"), "/declared");
        assert_int_equal(m.plan->envc, 6); /* A HOME NEW OVER RULE PATH: each name once */
        drop(&m);
        /* Of the init's own environment HOME is the init's user's. */
        w->target.declared = false;
        w->identity.uid = 5;
        m = make(w);
        assert_string_equal(env_of(&m, "HOME"), "/root");
        drop(&m);
        w->request.clear_env = true;
        m = make(w);
        assert_string_equal(env_of(&m, "A"), "caller");
        assert_string_equal(env_of(&m, "HOME"), "/root");
        drop(&m);
        world_free(w);
}

static void flags(void **state) {
        struct world *w = world_new();
        struct made m;

        w->facts.no_new_privs = 1;
        w->request.keep_leftovers = true;
        w->verdict.client_gone = POLICY_GONE_KEEP;
        w->input.listed32 = true;
        m = make(w);
        assert_int_equal(m.plan->flags, WIRE_PLAN_NNP | WIRE_PLAN_LISTED32 | WIRE_PLAN_KEEP_LEFTOVERS | WIRE_PLAN_KEEP_GONE | WIRE_PLAN_ACK);
        drop(&m);
        w->facts.no_new_privs = 0;
        w->request.no_new_privs = POLICY_YES;
        m = make(w);
        assert_true(m.plan->flags & WIRE_PLAN_NNP);
        drop(&m);
        /* Off is what the target has, never what was asked against the target. */
        w->facts.no_new_privs = 1;
        w->request.no_new_privs = POLICY_NO;
        m = make(w);
        assert_true(m.plan->flags & WIRE_PLAN_NNP);
        drop(&m);
        world_free(w);
}

static void too_large(void **state) {
        static char value[LIMIT_STRING_BYTES - 16];
        struct world *w = world_new();
        struct wire_plan *plan = NULL;
        struct error error;
        size_t size;

        memset(value, 'x', sizeof value - 1);
        for (unsigned i = 0; i < 15; i++) {
                value[0] = 'A';
                value[1] = (char)('A' + i);
                value[2] = '=';
                add(&w->target.env, value);
        }
        add(&w->request.argv, value);
        add(&w->request.argv, value);
        assert_int_equal(plan_make(&w->input, &plan, &size, &error), OUTCOME_LIMITS_EXCEEDED);
        assert_null(plan);
        world_free(w);
}

/* Thousands of names cost no square, and the last of each counts. */
static void many_names(void **state) {
        char entries[4096][16];
        struct env env;
        size_t n = 0;

        assert_int_equal(env_init(&env, 4096), 0);
        for (unsigned round = 0; round < 3; round++)
                for (unsigned i = 0; i < 4096; i++) {
                        snprintf(entries[i], sizeof entries[i], "N%u=%u", i, round);
                        assert_true(env_put(&env, entries[i]));
                }
        assert_false(env_put(&env, "ONE_MORE=1"));
        assert_true(env_has(&env, "N17"));
        assert_false(env_has(&env, "N17x"));
        env_remove(&env, "N17");
        for (size_t i = 0; i < env.n; i++)
                n += env.entries[i] != NULL;
        assert_int_equal(n, 4095);
        env_clear(&env);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(plain),       cmocka_unit_test(capabilities), cmocka_unit_test(ceiling_below_target), cmocka_unit_test(named_below_target),
                                            cmocka_unit_test(environment), cmocka_unit_test(flags),        cmocka_unit_test(too_large),
                                            cmocka_unit_test(many_names) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
