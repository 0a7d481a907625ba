/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of policy/: a rule set out of text, and a request that asks for as little as possible. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

static inline int rules_try(const char *text, size_t len, struct policy_set **ret,
                            struct policy_errors *errors) {
        int r, frozen;

        assert_int_equal(policy_set_new(ret), 0);
        r = policy_set_add(*ret, "test.conf", text, len, errors);
        frozen = r == 0 ? policy_set_freeze(*ret, errors) : 0;
        return r ? r : frozen;
}

static inline struct policy_set *rules(const char *text) {
        struct policy_errors errors = { 0 };
        struct policy_set *set;
        int r = rules_try(text, strlen(text), &set, &errors);

        for (size_t i = 0; i < errors.n; i++) {
                char line[1024];

                policy_error_text(&errors.list[i], line, sizeof(line));
                print_error("%s\n", line);
        }
        assert_int_equal(r, 0);
        policy_errors_free(&errors);
        return set;
}

static const char *const plain_argv[] = { "/usr/bin/id", "-u" };
static const uint32_t plain_groups[] = { 1000 };
static const struct policy_group caller_groups[] = { { 1000, "alice" }, { 27, "support" } };

/* alice, member of support, runs "id -u" in podman's web-1 as its default user 1000. */
static inline struct policy_request plain(void) {
        return (struct policy_request){
                .caller = { .uid = 1000,
                            .name = "alice",
                            .groups = caller_groups,
                            .n_groups = 2,
                            .active = POLICY_NO },
                .target = { .engine = "podman",
                            .name = "web-1",
                            .id = "0123456789abcdef",
                            .image_known = true,
                            .labels_known = true,
                            .owner_known = true,
                            .own = POLICY_NO },
                .user = { .resolved = true,
                          .uid = 1000,
                          .gid = 1000,
                          .groups = plain_groups,
                          .n_groups = 1,
                          .is_default = POLICY_YES },
                .argv = plain_argv,
                .n_argv = 2,
                .fd_kinds = POLICY_FD_PIPE,
                .time = { .known = true,
                          .year = 2026,
                          .month = 11,
                          .day = 25,
                          .weekday = 2,
                          .minute = 600 },
        };
}

static inline struct policy_verdict decide(const struct policy_set *set,
                                           const struct policy_request *req) {
        struct policy_skip skips[64];
        struct policy_trace trace = { .skips = skips, .max = 64 };
        struct policy_verdict ret, traced;

        assert_int_equal(policy_decide(set, req, NULL, &ret), 0);
        assert_int_equal(policy_decide(set, req, &trace, &traced), 0);
        assert_int_equal(ret.answer, traced.answer); /* index or not, trace or not: one answer */
        assert_ptr_equal(ret.rule, traced.rule);
        return ret;
}

#define HEAD "[Rule r]\nWho=*\nTarget=*\n"
#define ALLOW "Answer=allow\n"

/* The answer of one rule with these further lines. */
static inline enum policy_answer answer(const char *lines, const struct policy_request *req) {
        char text[4096];
        struct policy_set *set;
        enum policy_answer ret;

        snprintf(text, sizeof(text), HEAD "%s%s", lines, strstr(lines, "Answer=") ? "" : ALLOW);
        set = rules(text);
        ret = decide(set, req).answer;
        policy_set_unref(set);
        return ret;
}

#define allowed(lines, req) assert_int_equal(answer((lines), (req)), POLICY_ALLOW)
#define refused(lines, req) assert_int_equal(answer((lines), (req)), POLICY_DENY)
