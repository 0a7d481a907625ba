/* SPDX-License-Identifier: Apache-2.0 */
/* What will be executed, complete and frozen: request, target, user and verdict become the bytes that the helper gets. Pure. */
#pragma once

#include "broker/error.h"
#include "common/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct request;
struct target;
struct identity;
struct policy_verdict;

struct plan_input {
        const struct request *request;
        const struct target *target;
        const struct identity *identity;
        const struct policy_verdict *verdict;
        const uint8_t *session; /* 32 bytes */
        uint32_t caller_uid;
        bool listed32; /* the filter's profile lists 32-bit calls */
};

/* The five sets that a command gets, indexed by enum caps_set. */
void plan_caps(const struct plan_input *input, uint64_t ret[CAPS_SETS]);

/* What the request asks beyond the target init's bounding set. */
uint64_t plan_caps_beyond(const struct request *request, const struct target *target);

/* 0, *ret (to be freed) and *ret_size: struct wire_plan and its strings; -ENOMEM; OUTCOME_LIMITS_EXCEEDED or
 * OUTCOME_OVER_CEILING with a text. */
int plan_make(const struct plan_input *input, struct wire_plan **ret, size_t *ret_size,
              struct error *error);
