/* SPDX-License-Identifier: Apache-2.0 */
/* What a request would come to, for people: nothing runs. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct dict;
struct filter;
struct policy_request;
struct policy_set;
struct policy_trace;
struct policy_verdict;
struct target;
struct wire_plan;

struct explain_input {
        const struct policy_verdict *verdict;
        const struct policy_trace *trace;
        const struct policy_request *request;
        const char *action; /* the polkit action that would be asked; "" */
        const struct target *target;
        /* Of an answer that is not deny: */
        const struct wire_plan *plan;
        const struct filter *filter; /* NULL: unconfined */
        int refusal; /* the outcome that Exec would end with, 0: none is foreseen; and its text */
        const char *refusal_text;
        bool privileged; /* as the polkit action has it */
};

struct dict *explain(const struct explain_input *input);
/* Parts of it, for whoever shows a plan. */
void explain_add_caps(struct dict *dict, const char *key, uint64_t set);
void explain_add_ids(struct dict *dict, const struct wire_plan *plan);
void explain_add_env(struct dict *dict, const struct wire_plan *plan);
/* "FILE:LINE" of the rule that decided, "" where there is none. */
void explain_rule(const struct policy_verdict *verdict, char *buffer, unsigned long size);
