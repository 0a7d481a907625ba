/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy library is asked: the facts of a request, its caller and its target in the library's own words. */
#pragma once

#include "common/limits.h"
#include "policy/policy.h"

#include <stdint.h>

struct caller;
struct identity;
struct quota;
struct request;
struct target;

struct policy_input {
        struct policy_request
                request; /* points into the others, into what follows, and into what it was filled from */
        const char **env;
        char user[260];
        struct policy_as_group groups[LIMIT_GROUPS + 2];
        char spec_group[260];
};

/* All but who the command will run as. 0 or -ENOMEM. */
int policy_input_fill(struct policy_input *input, const struct request *request,
                      const struct caller *caller, const struct target *target);
void policy_input_count(struct policy_input *input, struct quota *quota, uint64_t now);
/* identity stays where it is as long as input is used. */
void policy_input_resolve(struct policy_input *input, const struct request *request,
                          const struct target *target,
                          const struct identity *identity);
void policy_input_clear(struct policy_input *input);
