/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the few rules of many that can match. Postings of exact words (a user, a group, a uid, a target's name), sorted
 * by hash, and for the rest of the rules the gate of gate.c. It only ever leaves out rules that cannot match;
 * what it lets through is matched in full, so a collision of hashes costs time and never an answer.
 */
#include "policy/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/gate.h"

enum word_kind { WORD_USER = 1, WORD_GROUP, WORD_UID, WORD_TARGET };

struct posting {
        uint64_t hash;
        uint32_t rule;
};

struct postings {
        struct posting *list;
        size_t n, room;
};

struct rule_index {
        size_t words;
        struct postings who, target;
        uint64_t *who_open;    /* rules with an item that is no exact word */
        uint64_t *target_open; /* likewise */
        uint64_t *denying;
        struct gate *gates;
};

static uint64_t hash(enum word_kind kind, const char *bytes, size_t n) {
        uint64_t h = 0xcbf29ce484222325 ^ kind; /* FNV-1a */

        for (size_t i = 0; i < n; i++)
                h = (h ^ (unsigned char)bytes[i]) * 0x100000001b3;
        return h;
}

static uint64_t hash_string(enum word_kind kind, const char *text) {
        return hash(kind, text, strlen(text));
}

static uint64_t hash_uid(uint32_t uid) {
        return hash(WORD_UID, (const char *)&uid, sizeof(uid));
}

static void bit_set(uint64_t *mask, size_t i) {
        mask[i / 64] |= UINT64_C(1) << (i % 64);
}

static int post(struct postings *p, uint64_t h, size_t rule) {
        if (p->n == p->room) {
                size_t room = p->room ? p->room * 2 : 64;
                struct posting *list = reallocarray(p->list, room, sizeof(*list));

                if (!list)
                        return -ENOMEM;
                p->list = list;
                p->room = room;
        }
        p->list[p->n++] = (struct posting){ .hash = h, .rule = (uint32_t)rule };
        return 0;
}

static int add_who(struct rule_index *index, const struct policy_rule *rule, size_t i) {
        for (size_t k = 0; k < rule->n_who; k++) {
                const struct id_item *item = &rule->who[k];
                int r = 0;

                if (item->kind == ID_NAME)
                        r = post(&index->who, hash_string(WORD_USER, item->name), i);
                else if (item->kind == ID_GROUP)
                        r = post(&index->who, hash_string(WORD_GROUP, item->name), i);
                else if (item->kind == ID_NUMBER && item->low == item->high)
                        r = post(&index->who, hash_uid(item->low), i);
                else
                        bit_set(index->who_open, i);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_target(struct rule_index *index, const struct policy_rule *rule, size_t i) {
        for (size_t k = 0; k < rule->n_targets; k++) {
                const struct target_item *item = &rule->targets[k];

                if (item->kind != TARGET_NAME || item->name.n_tokens)
                        bit_set(index->target_open, i);
                else if (post(&index->target,
                              hash(WORD_TARGET, item->name.prefix, item->name.prefix_len), i) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int by_hash(const void *a, const void *b) {
        const struct posting *p = a, *q = b;

        return (p->hash > q->hash) - (p->hash < q->hash);
}

static int index_fill(struct rule_index *index, const struct policy_set *set) {
        for (size_t i = 0; i < set->n_rules; i++) {
                const struct policy_rule *rule = set->rules[i];

                if (add_who(index, rule, i) < 0 || add_target(index, rule, i) < 0)
                        return -ENOMEM;
                index->gates[i] = gate_of(rule);
                if (rule_denies(rule))
                        bit_set(index->denying, i);
        }
        if (index->who.n)
                qsort(index->who.list, index->who.n, sizeof(struct posting), by_hash);
        if (index->target.n)
                qsort(index->target.list, index->target.n, sizeof(struct posting), by_hash);
        return 0;
}

int index_build(struct policy_set *set) {
        struct rule_index *index = calloc(1, sizeof(*index));

        if (!index)
                return -ENOMEM;
        index->words = set->n_rules / 64 + 1;
        index->who_open = calloc(index->words, sizeof(uint64_t));
        index->target_open = calloc(index->words, sizeof(uint64_t));
        index->denying = calloc(index->words, sizeof(uint64_t));
        index->gates = calloc(set->n_rules + 1, sizeof(*index->gates));
        if (!index->who_open || !index->target_open || !index->denying || !index->gates ||
            index_fill(index, set) < 0) {
                index_free(index);
                return -ENOMEM;
        }
        set->index = index;
        return 0;
}

void index_free(struct rule_index *index) {
        if (!index)
                return;
        free(index->who.list);
        free(index->target.list);
        free(index->who_open);
        free(index->target_open);
        free(index->denying);
        free(index->gates);
        free(index);
}

size_t index_words(const struct rule_index *index) {
        return index->words;
}

const uint64_t *index_denying(const struct rule_index *index) {
        return index->denying;
}

static void mark(const struct postings *p, uint64_t h, uint64_t *mask) {
        size_t low = 0, high = p->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (p->list[middle].hash < h)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (; low < p->n && p->list[low].hash == h; low++)
                bit_set(mask, p->list[low].rule);
}

static void mark_who(const struct rule_index *index, const struct policy_caller *caller,
                     uint64_t *mask) {
        memcpy(mask, index->who_open, index->words * sizeof(*mask));
        mark(&index->who, hash_uid(caller->uid), mask);
        if (caller->name)
                mark(&index->who, hash_string(WORD_USER, caller->name), mask);
        for (size_t i = 0; i < caller->n_groups; i++)
                if (caller->groups[i].name)
                        mark(&index->who, hash_string(WORD_GROUP, caller->groups[i].name), mask);
        if (caller->names_failed) /* a rule may mean one of the names that are missing */
                memset(mask, 0xff, index->words * sizeof(*mask));
}

static void mark_target(const struct rule_index *index, const struct policy_target *target,
                        uint64_t *mask) {
        memcpy(mask, index->target_open, index->words * sizeof(*mask));
        mark(&index->target, hash_string(WORD_TARGET, target->name), mask);
        if (target->id)
                mark(&index->target, hash_string(WORD_TARGET, target->id), mask);
}

void index_callers(const struct policy_set *set, const struct policy_caller *caller,
                   uint64_t *mask) {
        mark_who(set->index, caller, mask);
        for (size_t i = set->n_rules; i < set->index->words * 64; i++)
                mask[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

void index_candidates(const struct policy_set *set, const struct policy_request *req,
                      uint64_t *mask) {
        const struct rule_index *index = set->index;
        uint64_t *scratch = mask + index->words;

        mark_who(index, &req->caller, mask);
        mark_target(index, &req->target, scratch);
        for (size_t i = 0; i < index->words; i++)
                mask[i] &= scratch[i]; /* which has no bits behind the last rule */
}

const struct gate *index_gates(const struct rule_index *index) {
        return index->gates;
}
