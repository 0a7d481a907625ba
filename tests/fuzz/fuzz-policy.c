/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as rules, and behind a NUL as test cases. What parses is decided; the index and the trace must not change an
 * answer, a denial before all is known must stay one, and nothing that is said may hold a raw byte.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/case.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SKIPS 16u

static void must(int good) {
        if (!good)
                abort();
}

static void printable(const char *line) {
        for (; *line; line++)
                must(*line >= 0x20 && *line <= 0x7e);
}

static void judge_errors(const struct policy_errors *errors, int r) {
        char line[512];

        must((r == 1) == (errors->n_errors > 0));
        for (size_t i = 0; i < errors->n; i++) {
                policy_error_text(&errors->list[i], line, sizeof(line));
                printable(line);
        }
}

static void decide(const struct policy_set *set, const struct policy_case *c) {
        struct policy_skip skips[SKIPS];
        struct policy_trace trace = { .skips = skips, .max = SKIPS };
        struct policy_verdict v, traced, early;
        char line[512];

        must(policy_decide(set, &c->request, NULL, &v) == 0);
        must(policy_decide(set, &c->request, &trace, &traced) == 0);
        must(policy_precheck(set, &c->request, &early) == 0);
        must(v.answer == traced.answer && v.rule == traced.rule);
        must(v.answer == POLICY_DENY ||
             (v.rule && v.seccomp && v.answer == policy_rule_answer(v.rule)));
        must(v.answer == POLICY_DENY || early.answer != POLICY_DENY);
        must(v.answer == POLICY_DENY || policy_could_match_target(set, &c->request));
        must(v.answer == POLICY_DENY ||
             policy_could_match_name(set, &c->request.caller, c->request.target.engine,
                                     c->request.target.id ? "0" : c->request.target.name));
        for (size_t i = 0; i < trace.n && i < SKIPS; i++) {
                policy_skip_text(&skips[i], &c->request, line, sizeof(line));
                printable(line);
        }
        policy_case_text(c, &v, line, sizeof(line));
        printable(line);
}

static void run_cases(const struct policy_set *set, const char *text, size_t len) {
        struct policy_errors errors = { 0 };
        struct policy_cases *cases;
        int r;

        must(policy_cases_new(&cases) == 0);
        r = policy_cases_add(cases, "cases", text, len, &errors);
        judge_errors(&errors, r);
        for (size_t i = 0; r == 0 && i < policy_cases_count(cases); i++)
                decide(set, policy_cases_get(cases, i));
        policy_errors_free(&errors);
        policy_cases_free(cases);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const uint8_t *end = size ? memchr(data, 0, size) : NULL;
        size_t len = end ? (size_t)(end - data) : size;
        struct policy_errors errors = { 0 };
        static const struct policy_time today = { true, 2026, 11, 25, 2, 720 };
        struct policy_set *set;
        int r;

        must(policy_set_new(&set) == 0);
        r = policy_set_add(set, "rules", (const char *)data, len, &errors);
        if (r == 0)
                r = policy_set_freeze(set, &errors);
        judge_errors(&errors, r);
        if (r == 0) {
                must(policy_set_warn(set, &today, &errors) == 0);
                run_cases(set, end ? (const char *)end + 1 : "", end ? size - len - 1 : 0);
        }
        policy_errors_free(&errors);
        policy_set_unref(set);
        return 0;
}
