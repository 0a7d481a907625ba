/* SPDX-License-Identifier: Apache-2.0 */
/* The whole of `airlock policy check [DIR]`, but for the printing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct policy_case;
struct policy_error;
struct policy_verdict;

struct policy_check {
        size_t n_rules, n_cases;
        size_t n_errors, n_warnings; /* in the text of rules and cases */
        size_t n_failed;             /* cases whose answer is not the expected one */
};

/* Something about the text (error is set), or a case whose answer is not the expected one (failed and got are). */
struct policy_finding {
        const struct policy_error *error;
        const struct policy_case *failed;
        const struct policy_verdict *got;
        const char *line; /* it for people, without newline; everything unprintable is escaped */
};

typedef void policy_say(void *data, const struct policy_finding *finding);

/*
 * Checks the rules of a folder, which may belong to anybody, and decides its test cases; folder NULL: the system's own,
 * with their owners and modes. 0: all is well; 1: something was said that is an error; -errno, nothing was said about it.
 */
int policy_check_folder(const char *folder, policy_say *say, void *data, struct policy_check *ret);
