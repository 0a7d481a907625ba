/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides batches for tests/policy/compare. Standard input is frames: "R LENGTH\n" and the text of rules, answered with
 * "ok" or "bad"; "C LENGTH\n" and the text of cases, answered with one line for each case or "bad".
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/case.h"
#include "policy/policy.h"

#define SKIPS 256u

static void quit(const char *why) {
        fprintf(stderr, "decide: %s\n", why);
        exit(2);
}

static struct policy_set *read_rules(const char *text, size_t len) {
        struct policy_errors errors = { 0 };
        struct policy_set *set;
        int r;

        if (policy_set_new(&set) < 0)
                quit("no memory");
        r = policy_set_add(set, "rules", text, len, &errors);
        if (r == 0)
                r = policy_set_freeze(set, &errors);
        if (r < 0)
                quit(strerror(-r));
        if ((r == 1) != (errors.n_errors > 0))
                quit("an error without a text, or a text without an error");
        policy_errors_free(&errors);
        puts(r ? "bad" : "ok");
        return r ? policy_set_unref(set) : set;
}

static void put_hex(const char *text) {
        for (; *text; text++)
                printf("%02x", (unsigned char)*text);
}

static void put_outcome(const struct policy_verdict *v) {
        const struct policy_limits *l = &v->limits;

        printf("|%" PRIx64 "|%d|%s|%d|", v->caps, v->caps_all, v->seccomp, v->no_new_privs);
        printf("%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%u,%u,%u|", l->wall_ms,
               l->idle_ms, l->cpu_ms, l->memory, l->pids, l->cpu_percent, l->sessions,
               l->per_minute);
        for (size_t i = 0; i < v->n_env_set; i++) {
                put_hex(v->env_set[i]);
                putchar(',');
        }
}

static const char *rule_of(const struct policy_verdict *v) {
        return v->rule ? policy_rule_name(v->rule) : "none";
}

/* The trace names every rule but the deciding ones, once. */
static void check_trace(const struct policy_set *set, const struct policy_request *req,
                        const struct policy_verdict *v) {
        struct policy_skip skips[SKIPS];
        struct policy_trace trace = { .skips = skips, .max = SKIPS };
        struct policy_verdict traced;
        char line[256];

        if (policy_decide(set, req, &trace, &traced) != 0 || traced.rule != v->rule ||
            traced.answer != v->answer)
                printf("TRACE DIFFERS ");
        if (trace.n > policy_set_count(set) ||
            (trace.n == policy_set_count(set)) != (v->rule == NULL))
                printf("TRACE HAS %zu OF %zu ", trace.n, policy_set_count(set));
        for (size_t i = 0; i < trace.n && i < SKIPS; i++) {
                policy_skip_text(&skips[i], req, line, sizeof(line));
                for (const char *c = line; *c; c++)
                        if (*c < 0x20 || *c > 0x7e)
                                printf("RAW BYTE IN TRACE ");
        }
}

static void put_case(const struct policy_set *set, const struct policy_case *c) {
        const struct policy_request *req = &c->request;
        char beginning[5];
        struct policy_verdict v, early;

        if (policy_decide(set, req, NULL, &v) != 0 || policy_precheck(set, req, &early) != 0)
                quit("no memory");
        check_trace(set, req, &v);
        printf("%s|%s", policy_answer_name(v.answer), rule_of(&v));
        if (v.answer != POLICY_DENY)
                put_outcome(&v);
        snprintf(beginning, sizeof(beginning), "%.4s", req->target.id ? req->target.id : "0000");
        printf("|%d%d%d%d|%s|%s\n",
               policy_could_match_name(set, &req->caller, req->target.engine, req->target.name),
               policy_could_match_name(set, &req->caller, NULL, req->target.name),
               policy_could_match_name(set, &req->caller, NULL, beginning),
               policy_could_match_target(set, req), policy_answer_name(early.answer),
               rule_of(&early));
}

static void put_cases(const struct policy_set *set, const char *text, size_t len) {
        struct policy_errors errors = { 0 };
        struct policy_cases *cases;
        int r;

        if (policy_cases_new(&cases) < 0)
                quit("no memory");
        r = policy_cases_add(cases, "cases", text, len, &errors);
        if (r < 0)
                quit(strerror(-r));
        if (r)
                puts("bad");
        for (size_t i = 0; r == 0 && i < policy_cases_count(cases); i++)
                put_case(set, policy_cases_get(cases, i));
        policy_errors_free(&errors);
        policy_cases_free(cases);
}

int main(void) {
        struct policy_set *set = NULL;
        char kind;
        size_t len;

        while (scanf("%c %zu", &kind, &len) == 2 && getchar() == '\n') {
                char *text = malloc(len + 1);

                if (!text || fread(text, 1, len, stdin) != len)
                        quit("a frame is cut");
                if (kind == 'R') {
                        policy_set_unref(set);
                        set = read_rules(text, len);
                } else {
                        put_cases(set, text, len);
                }
                free(text);
        }
        policy_set_unref(set);
        return feof(stdin) ? 0 : 2;
}
