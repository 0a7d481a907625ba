/* SPDX-License-Identifier: Apache-2.0 */
/* Checks rules and decides the test cases beside them, for administrators' own CI. */
#include "policy/check.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "policy/case.h"
#include "policy/load.h"

#define LINE_BYTES 4096u

struct check {
        policy_say *say;
        void *data;
        struct policy_check *ret;
        struct policy_errors errors;
        struct policy_set *set;
        struct policy_cases *cases;
};

static void say_errors(struct check *c) {
        char line[LINE_BYTES];

        for (size_t i = 0; i < c->errors.n; i++) {
                policy_error_text(&c->errors.list[i], line, sizeof(line));
                c->say(c->data,
                       &(struct policy_finding){ .error = &c->errors.list[i], .line = line });
                c->ret->n_warnings += c->errors.list[i].warning;
        }
        c->ret->n_errors = c->errors.n_errors;
}

static int decide_cases(struct check *c) {
        for (size_t i = 0; i < policy_cases_count(c->cases); i++) {
                const struct policy_case *one = policy_cases_get(c->cases, i);
                struct policy_verdict got;
                char line[LINE_BYTES];
                int r = policy_case_check(c->set, one, &got);

                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                policy_case_text(one, &got, line, sizeof(line));
                c->say(c->data,
                       &(struct policy_finding){ .failed = one, .got = &got, .line = line });
                c->ret->n_failed++;
        }
        return 0;
}

static struct policy_time today(void) {
        time_t now = time(NULL);
        struct tm tm;

        if (!localtime_r(&now, &tm))
                return (struct policy_time){ .known = false };
        return (struct policy_time){ .known = true,
                                     .year = tm.tm_year + 1900,
                                     .month = tm.tm_mon + 1,
                                     .day = tm.tm_mday };
}

static int check(struct check *c, const struct policy_sources *sources) {
        int rules = policy_load(sources, &c->set, &c->errors);
        int cases = rules < 0 ? 0 : policy_load_cases(sources, &c->cases, &c->errors);
        int r = rules < 0 ? rules : cases < 0 ? cases : 0;
        struct policy_time now = today();

        if (c->set && r == 0)
                r = policy_set_warn(c->set, &now, &c->errors);
        if (r < 0)
                return r;
        say_errors(c);
        c->ret->n_rules = policy_set_count(c->set);
        c->ret->n_cases = c->cases ? policy_cases_count(c->cases) : 0;
        return rules || cases ? 1 : decide_cases(c);
}

int policy_check_folder(const char *folder, policy_say *say, void *data, struct policy_check *ret) {
        struct check c = { .say = say, .data = data, .ret = ret };
        char *real = folder ? realpath(folder, NULL) : NULL;
        const char *const folders[] = { real };
        struct policy_sources own = { .folders = folders, .n_folders = 1, .any_owner = true };
        int r = folder && !real ? -errno : 0;

        *ret = (struct policy_check){ 0 };
        if (r == 0)
                r = check(&c, folder ? &own : policy_system_sources());
        policy_set_unref(c.set);
        policy_cases_free(c.cases);
        policy_errors_free(&c.errors);
        free(real);
        return r ? r : ret->n_failed > 0;
}
