/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One architecture's part of a filter: a decision tree over ranges of numbers with one verdict
 * each. Neighbours with the same verdict are one range, which makes a default profile a fourth of
 * what libseccomp 2.5 makes of it, and lets the kernel load it in half the time (bench/filter). The
 * tree is cut where the numbers are halved: at loading the kernel runs it for every number that
 * exists.
 */
#include "broker/filter-arch.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>

#include "broker/filter-rules.h"

#define N_NUMBERS 480 /* about where the numbers that exist end; decides speed only */
#define NO_RULES UINT32_MAX

/* Numbers from first up to the next span's: one action, or the conditional rules that begin at
 * rule. */
struct span {
        uint32_t first;
        uint32_t action;
        uint32_t rule;
};

struct tree {
        struct code *code;
        const struct filter_arch *arch;
        const struct filter_rules *rules;
        uint32_t default_action;
        struct span *spans;
        size_t n;
};

static bool same(const struct span *a, const struct span *b) {
        return a->rule == NO_RULES && b->rule == NO_RULES && a->action == b->action;
}

static void add_span(struct tree *tree, struct span span) {
        if (tree->n > 0 && tree->spans[tree->n - 1].first == span.first)
                tree->n--; /* nothing lies between two neighbours */
        if (tree->n == 0 || !same(&tree->spans[tree->n - 1], &span))
                tree->spans[tree->n++] = span;
}

static void make_spans(struct tree *tree) {
        const struct filter_rules *rules = tree->rules;

        add_span(tree, (struct span){ 0, tree->default_action, NO_RULES });
        for (size_t i = 0; i < rules->n; i += filter_rules_of_call(rules, i, rules->n)) {
                const struct filter_rule *rule = &rules->rule[i];
                uint32_t nr = (uint32_t)rule->nr;

                add_span(tree, (struct span){ nr, rule->action,
                                              rule->n_args > 0 ? (uint32_t)i : NO_RULES });
                add_span(tree, (struct span){ nr + 1, tree->default_action, NO_RULES });
        }
        if (tree->arch->end > 0)
                add_span(tree, (struct span){ tree->arch->end, tree->arch->end_action, NO_RULES });
}

/* x86 is little-endian. */
static uint32_t low_offset(unsigned index) {
        return (uint32_t)(offsetof(struct seccomp_data, args) + 8 * index);
}

static void load(struct tree *tree, uint32_t offset) {
        code_statement(tree->code, BPF_LD | BPF_W | BPF_ABS, offset);
}

static code_label compare_half(struct tree *tree, uint32_t offset, uint16_t op, uint32_t k,
                               code_label yes, code_label no) {
        code_branch(tree->code, op, k, yes, no);
        load(tree, offset);
        return tree->code->n - 1;
}

static code_label mask_half(struct tree *tree, uint32_t offset, uint32_t mask, uint32_t value,
                            code_label yes, code_label no) {
        if (mask == 0)
                return yes; /* the parser saw to it that the value is 0 too */
        if (value == 0)
                return compare_half(tree, offset, BPF_JSET, mask, no, yes);
        if (mask == UINT32_MAX)
                return compare_half(tree, offset, BPF_JEQ, value, yes, no);
        code_branch(tree->code, BPF_JEQ, value, yes, no);
        code_statement(tree->code, BPF_ALU | BPF_AND | BPF_K, mask);
        load(tree, offset);
        return tree->code->n - 1;
}

/* The upper half decides alone unless it equals; of a 32-bit call's it is known to be 0. */
static code_label high_half(struct tree *tree, const struct profile_arg *arg, bool greater_wins,
                            code_label equal, code_label yes, code_label no) {
        uint32_t high = (uint32_t)(arg->value >> 32), offset = low_offset(arg->index) + 4;

        if (tree->arch->is_32bit)
                return high == 0 ? equal : no;
        if (!greater_wins)
                return compare_half(tree, offset, BPF_JEQ, high, equal, no);
        code_branch(tree->code, BPF_JGT, high, yes,
                    code_branch(tree->code, BPF_JEQ, high, equal, no));
        load(tree, offset);
        return tree->code->n - 1;
}

static code_label masked(struct tree *tree, const struct profile_arg *arg, code_label yes,
                         code_label no) {
        uint32_t offset = low_offset(arg->index), high = (uint32_t)(arg->value >> 32),
                 want = (uint32_t)(arg->value_two >> 32);
        code_label low = mask_half(tree, offset, (uint32_t)arg->value, (uint32_t)arg->value_two,
                                   yes, no);

        if (tree->arch->is_32bit)
                return want == 0 ? low : no;
        return mask_half(tree, offset + 4, high, want, low, no);
}

/* yes where the argument fulfils the condition. */
static code_label condition(struct tree *tree, const struct profile_arg *arg, code_label yes,
                            code_label no) {
        uint32_t low = (uint32_t)arg->value, offset = low_offset(arg->index);

        switch (arg->op) {
        case PROFILE_EQ:
                return high_half(tree, arg, false,
                                 compare_half(tree, offset, BPF_JEQ, low, yes, no), yes, no);
        case PROFILE_NE:
                return high_half(tree, arg, false,
                                 compare_half(tree, offset, BPF_JEQ, low, no, yes), no, yes);
        case PROFILE_GT:
                return high_half(tree, arg, true, compare_half(tree, offset, BPF_JGT, low, yes, no),
                                 yes, no);
        case PROFILE_GE:
                return high_half(tree, arg, true, compare_half(tree, offset, BPF_JGE, low, yes, no),
                                 yes, no);
        case PROFILE_LE:
                return high_half(tree, arg, true, compare_half(tree, offset, BPF_JGT, low, no, yes),
                                 no, yes);
        case PROFILE_LT:
                return high_half(tree, arg, true, compare_half(tree, offset, BPF_JGE, low, no, yes),
                                 no, yes);
        case PROFILE_MASKED_EQ: break;
        }
        return masked(tree, arg, yes, no);
}

/* The rules of one call, tried one after the other; what none of them matches gets the default. */
static code_label conditional(struct tree *tree, size_t first) {
        code_label next = code_return(tree->code, tree->default_action);

        for (size_t i = filter_rules_of_call(tree->rules, first, tree->rules->n); i-- > 0;) {
                const struct filter_rule *rule = &tree->rules->rule[first + i];
                code_label here = code_return(tree->code, rule->action);

                for (size_t k = rule->n_args; k-- > 0;)
                        here = condition(tree, &rule->args[k], here, next);
                next = here;
        }
        return next;
}

static code_label leaf(struct tree *tree, const struct span *span) {
        return span->rule == NO_RULES ? code_return(tree->code, span->action)
                                      : conditional(tree, span->rule);
}

static size_t cut(const struct tree *tree, size_t from, size_t to) {
        uint32_t end = to < tree->n ? tree->spans[to].first : N_NUMBERS, middle;
        size_t best = from + 1;

        if (end > N_NUMBERS && tree->spans[from].first < N_NUMBERS)
                end = N_NUMBERS;
        middle = tree->spans[from].first / 2 + end / 2;
        while (best + 1 < to && tree->spans[best].first < middle)
                best++;
        return best;
}

/* One number between two ranges of the same verdict takes one comparison, not two. */
static bool is_island(const struct span *s) {
        return same(&s[0], &s[2]) && s[1].first + 1 == s[2].first;
}

static code_label write_tree(struct tree *tree, size_t from, size_t to) {
        const struct span *s = &tree->spans[from];
        code_label left, right;
        size_t middle;

        if (to - from == 1)
                return leaf(tree, s);
        if (to - from == 3 && is_island(s)) {
                right = leaf(tree, &s[1]);
                return code_branch(tree->code, BPF_JEQ, s[1].first, right, leaf(tree, &s[0]));
        }
        middle = cut(tree, from, to);
        right = write_tree(tree, middle, to);
        left = write_tree(tree, from, middle);
        return code_branch(tree->code, BPF_JGE, tree->spans[middle].first, right, left);
}

int filter_arch_write(struct code *code, const struct filter_arch *arch,
                      const struct filter_rules *rules, uint32_t default_action, code_label *ret) {
        struct tree tree = {
                .code = code, .arch = arch, .rules = rules, .default_action = default_action
        };

        tree.spans = calloc(2 * rules->n + 2, sizeof(*tree.spans));
        if (!tree.spans)
                return -ENOMEM;
        make_spans(&tree);
        write_tree(&tree, 0, tree.n);
        load(&tree, offsetof(struct seccomp_data, nr));
        free(tree.spans);
        *ret = code->n - 1;
        return 0;
}
