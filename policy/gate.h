/* SPDX-License-Identifier: Apache-2.0 */
/* A first look at one rule that costs a nanosecond; of the library only. */
#pragma once

#include "policy/rule.h"

/* What a rule says for certain, in numbers. Zero masks and a full range let everything pass. */
struct gate {
        uint64_t begin, begin_mask; /* the beginning that all Target= patterns share */
        uint64_t end, end_mask;     /* the literal end of the only one */
        uint64_t command;           /* hash of the one literal Command= path, 0: none */
        uint32_t uid_low, uid_high; /* of all numbers of Who= */
};

/* The same of a request, once. */
struct gate_probe {
        uint64_t name_begin, name_end;
        uint64_t id_begin, id_end;
        uint64_t command;
        uint32_t uid;
};

struct gate gate_of(const struct policy_rule *rule);
struct gate_probe gate_probe(const struct policy_request *req);
/* false: the rule does not match, whatever else it says. Inline: it is asked ten thousand times. */
static inline bool gate_passes(const struct gate *g, const struct gate_probe *p) {
        if (p->uid < g->uid_low || p->uid > g->uid_high || (g->command && g->command != p->command))
                return false;
        return ((p->name_begin & g->begin_mask) == g->begin &&
                (p->name_end & g->end_mask) == g->end) ||
               ((p->id_begin & g->begin_mask) == g->begin && (p->id_end & g->end_mask) == g->end);
}
