/* SPDX-License-Identifier: Apache-2.0 */
/* Does one rule match one request; of the library only. */
#pragma once

#include "policy/policy.h"
#include "policy/rule.h"

/*
 * YES, NO, or UNKNOWN where it depends on a fact that is not known. ret_key is the first key, in the order of enum
 * policy_key, that is not YES; of several that are not, one that is NO is preferred.
 */
enum policy_tri rule_matches(const struct policy_rule *rule, const struct policy_request *req,
                             enum policy_key *ret_key);
/* Only what says who the caller is: Who, Active, Unit. */
enum policy_tri rule_matches_caller(const struct policy_rule *rule,
                                    const struct policy_caller *caller);
/* Only what says which target it is: Target, Image, Label, Owner. */
enum policy_tri rule_matches_target(const struct policy_rule *rule,
                                    const struct policy_request *req);
/* Only Target=, of a target that was not looked up yet: engine may be NULL, name may be the beginning of an id. */
enum policy_tri rule_matches_target_name(const struct policy_rule *rule, int engine,
                                         const char *name);
/* -1: NULL or none that is known. */
int engine_index(const char *name);
