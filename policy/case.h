/* SPDX-License-Identifier: Apache-2.0 */
/* Test cases of administrators: a request and the answer that is expected (docs/policy.md, section 6). Pure. */
#pragma once

#include "policy/policy.h"

struct policy_case {
        const char *name;
        const char *file;
        unsigned line;
        struct policy_request request;
        enum policy_answer expect;
        const char *rule; /* that is expected to decide; NULL: any; "none": none */
};

struct policy_cases;

int policy_cases_new(struct policy_cases **ret);
/* 0; 1: errors, which are appended; -errno. */
int policy_cases_add(struct policy_cases *cases, const char *file, const char *text, size_t len,
                     struct policy_errors *errors);
struct policy_cases *policy_cases_free(struct policy_cases *cases); /* takes and returns NULL */
size_t policy_cases_count(const struct policy_cases *cases);
const struct policy_case *policy_cases_get(const struct policy_cases *cases, size_t i);

/* 0: the answer is the expected one; 1: it is not; -errno. *ret is set on 0 and 1. */
int policy_case_check(const struct policy_set *set, const struct policy_case *c,
                      struct policy_verdict *ret);
/* "web.case:3: alice-may-id: deny by rule x (a.conf:7), expected allow" */
int policy_case_text(const struct policy_case *c, const struct policy_verdict *got, char *buf,
                     size_t size);
