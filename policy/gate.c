/* SPDX-License-Identifier: Apache-2.0 */
/* Compares a few numbers of each rule before the rule itself is looked at. Lets too many pass, never too few. */
#include "policy/gate.h"

#include <string.h>

static uint64_t begin_of(const char *text, size_t n) {
        uint64_t ret = 0;

        if (n)
                memcpy(&ret, text, n < sizeof(ret) ? n : sizeof(ret));
        return ret;
}

/* The last eight bytes; of a shorter text they stand at the end as well, so that ends of any length compare. */
static uint64_t end_of(const char *text, size_t n) {
        unsigned char bytes[sizeof(uint64_t)] = { 0 };
        size_t k = n < sizeof(bytes) ? n : sizeof(bytes);
        uint64_t ret;

        memcpy(bytes + sizeof(bytes) - k, text + n - k, k);
        memcpy(&ret, bytes, sizeof(ret));
        return ret;
}

static uint64_t hash(const char *text, size_t n) {
        uint64_t h = 0xcbf29ce484222325; /* FNV-1a */

        for (size_t i = 0; i < n; i++)
                h = (h ^ (unsigned char)text[i]) * 0x100000001b3;
        return h | 1; /* 0 is "none" */
}

/* How many bytes, up to eight, all patterns begin with. */
static size_t shared_prefix(const struct policy_rule *rule) {
        const struct pattern *first = &rule->targets[0].name;
        size_t n = sizeof(uint64_t);

        for (size_t k = 0; k < rule->n_targets; k++) {
                const struct pattern *p = &rule->targets[k].name;
                size_t same = 0;

                if (rule->targets[k].kind != TARGET_NAME)
                        return 0;
                while (same < n && same < p->prefix_len && same < first->prefix_len &&
                       p->prefix[same] == first->prefix[same])
                        same++;
                n = same;
        }
        return n;
}

static void add_target(struct gate *gate, const struct policy_rule *rule) {
        static const char ones[sizeof(uint64_t)] = "\xff\xff\xff\xff\xff\xff\xff\xff";
        const struct pattern *only = &rule->targets[0].name;
        size_t prefix = shared_prefix(rule);

        gate->begin_mask = begin_of(ones, prefix);
        gate->begin = begin_of(only->prefix, prefix);
        if (rule->n_targets == 1 && rule->targets[0].kind == TARGET_NAME && only->n_tokens) {
                gate->end_mask = end_of(ones, only->suffix_len < sizeof(ones) ? only->suffix_len
                                                                              : sizeof(ones));
                gate->end = end_of(only->suffix, only->suffix_len);
        }
}

static void add_who(struct gate *gate, const struct policy_rule *rule) {
        gate->uid_low = UINT32_MAX;
        for (size_t k = 0; k < rule->n_who; k++) {
                const struct id_item *item = &rule->who[k];

                if (item->kind != ID_NUMBER) {
                        gate->uid_low = 0;
                        gate->uid_high = UINT32_MAX;
                        return;
                }
                gate->uid_low = item->low < gate->uid_low ? item->low : gate->uid_low;
                gate->uid_high = item->high > gate->uid_high ? item->high : gate->uid_high;
        }
}

struct gate gate_of(const struct policy_rule *rule) {
        const struct command *c = rule->commands;
        struct gate gate = { 0 };

        add_who(&gate, rule);
        add_target(&gate, rule);
        /* not for denying rules: they match bare names and long words too */
        if (rule->n_commands == 1 && !rule_denies(rule) && !c->any && !c->path.n_tokens)
                gate.command = hash(c->path.prefix, c->path.prefix_len);
        return gate;
}

struct gate_probe gate_probe(const struct policy_request *req) {
        const char *name = req->target.name, *id = req->target.id ? req->target.id : name;

        return (struct gate_probe){
                .name_begin = begin_of(name, strnlen(name, sizeof(uint64_t))),
                .name_end = end_of(name, strlen(name)),
                .id_begin = begin_of(id, strnlen(id, sizeof(uint64_t))),
                .id_end = end_of(id, strlen(id)),
                .command = req->n_argv ? hash(req->argv[0], strlen(req->argv[0])) : 0,
                .uid = req->caller.uid,
        };
}
