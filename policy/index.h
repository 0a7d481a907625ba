/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules of a frozen set are worth a look for a request; of the library only. */
#pragma once

#include "policy/policy.h"
#include "policy/rule.h"

struct gate;
struct rule_index;

int index_build(struct policy_set *set);
void index_free(struct rule_index *index);
/* Members of a bit mask of rules. */
size_t index_words(const struct rule_index *index);
const uint64_t *index_denying(const struct rule_index *index);
/* Rules that may match this caller, never too few; likewise. */
void index_callers(const struct policy_set *set, const struct policy_caller *caller,
                   uint64_t *mask);
/* Rules that may match this caller and target, never too few. mask has room for two masks, the second is scratch. */
void index_candidates(const struct policy_set *set, const struct policy_request *req,
                      uint64_t *mask);
/* One for each rule. */
const struct gate *index_gates(const struct rule_index *index);
