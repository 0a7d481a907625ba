/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a rule set: made, filled by the parser, frozen with its index, shared, freed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/errors.h"
#include "policy/index.h"
#include "policy/rule.h"

int policy_set_new(struct policy_set **ret) {
        struct policy_set *set = calloc(1, sizeof(*set));

        if (!set)
                return -ENOMEM;
        set->refs = 1;
        *ret = set;
        return 0;
}

struct policy_set *policy_set_ref(struct policy_set *set) {
        if (set)
                set->refs++;
        return set;
}

struct policy_set *policy_set_unref(struct policy_set *set) {
        if (!set || --set->refs > 0)
                return NULL;
        index_free(set->index);
        arena_free(&set->arena);
        free(set->rules);
        free(set);
        return NULL;
}

static int by_name(const void *a, const void *b) {
        const struct policy_rule *const *p = a, *const *q = b;
        int r = strcmp((*p)->name, (*q)->name);

        return r ? r : ((*p)->index > (*q)->index) - ((*p)->index < (*q)->index);
}

/* A rule's name stands in logs and answers: it must mean one rule. */
static int check_names(const struct policy_set *set, struct policy_errors *errors) {
        struct policy_rule **sorted = calloc(set->n_rules + 1, sizeof(struct policy_rule *));
        int bad = 0;

        if (!sorted)
                return -ENOMEM;
        for (size_t i = 0; i < set->n_rules; i++)
                sorted[i] = set->rules[i];
        qsort(sorted, set->n_rules, sizeof(*sorted), by_name);
        for (size_t i = 1; i < set->n_rules && bad >= 0; i++)
                if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
                        bad = errors_add(errors, sorted[i]->file, sorted[i]->line, 1, NULL,
                                         "a rule %s stands at %s:%u already", sorted[i]->name,
                                         sorted[i - 1]->file, sorted[i - 1]->line);
        free(sorted);
        return bad;
}

int policy_set_freeze(struct policy_set *set, struct policy_errors *errors) {
        int r;

        if (set->frozen)
                return -EBUSY;
        for (size_t i = 0; i < set->n_rules; i++)
                set->rules[i]->index = i;
        r = check_names(set, errors);
        if (r == 0)
                r = index_build(set);
        if (r == 0)
                set->frozen = true;
        return r;
}

size_t policy_set_count(const struct policy_set *set) {
        return set ? set->n_rules : 0;
}

const struct policy_rule *policy_set_rule(const struct policy_set *set, size_t i) {
        return set && i < set->n_rules ? set->rules[i] : NULL;
}

const char *policy_rule_name(const struct policy_rule *rule) {
        return rule->name;
}

const char *policy_rule_file(const struct policy_rule *rule) {
        return rule->file;
}

unsigned policy_rule_line(const struct policy_rule *rule) {
        return rule->line;
}

enum policy_answer policy_rule_answer(const struct policy_rule *rule) {
        return rule->answer;
}

const char *policy_set_digest(const struct policy_set *set) {
        return set ? set->digest : "";
}

bool policy_rule_setting(const struct policy_rule *rule, size_t i, struct policy_setting *ret) {
        const struct raw_value *raw = rule->raws;

        while (raw && i--)
                raw = raw->next;
        if (!raw)
                return false;
        *ret = (struct policy_setting){ .key = raw->key, .line = raw->line, .value = raw->text };
        return true;
}

static const struct raw_value *raw_value(const struct policy_rule *rule, enum policy_key key,
                                         size_t i) {
        for (const struct raw_value *raw = rule->raws; raw; raw = raw->next)
                if (raw->key == key && i-- == 0)
                        return raw;
        return NULL;
}

const char *policy_rule_value(const struct policy_rule *rule, enum policy_key key, size_t i) {
        const struct raw_value *raw = raw_value(rule, key, i);

        return raw ? raw->text : NULL;
}
