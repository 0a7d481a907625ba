/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a profile to the list of rules that apply, at most one unconditional or several conditional
 * ones for a call.
 * Where rules contradict each other it does what the engines' own filter does, since a target's own
 * profile must mean here what it means there: of two unconditional rules the first counts (podman's
 * own file has such pairs), and an unconditional one outweighs all conditional ones. Two
 * conditional ones that overlap and differ are an error.
 */
#include "broker/filter-rules.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "broker/filter-multiplex.h"
#include "broker/filter.h"
#include "broker/profile.h"
#include "common/outcome.h"

static bool kernel_is(const struct filter_params *params, const struct profile_condition *c) {
        return params->kernel_major > c->kernel_major ||
               (params->kernel_major == c->kernel_major && params->kernel_minor >= c->kernel_minor);
}

static bool condition_has_kernel(const struct profile_condition *c) {
        return c->kernel_major != 0 || c->kernel_minor != 0;
}

static bool rule_applies(const struct profile_rule *rule, const struct filter_params *params) {
        const struct profile_condition *in = &rule->includes, *out = &rule->excludes;

        if ((in->caps & ~params->caps) != 0 || (in->has_arches && !in->native_listed))
                return false;
        if (condition_has_kernel(in) && !kernel_is(params, in))
                return false;
        if ((out->caps & params->caps) != 0 || out->native_listed)
                return false;
        return !condition_has_kernel(out) || !kernel_is(params, out);
}

int filter_rules_append(struct filter_rules *rules, struct filter_rule rule) {
        if (rules->n == rules->max) {
                size_t max = rules->max ? rules->max * 2 : 512;
                struct filter_rule *grown = reallocarray(rules->rule, max, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                rules->rule = grown;
                rules->max = max;
        }
        rule.order = rules->n;
        rules->rule[rules->n++] = rule;
        return 0;
}

size_t filter_rules_of_call(const struct filter_rules *rules, size_t first, size_t end) {
        size_t n = 1;

        while (first + n < end && rules->rule[first + n].nr == rules->rule[first].nr)
                n++;
        return n;
}

uint32_t filter_action(struct profile_action action) {
        switch (action.verb) {
        case PROFILE_ALLOW: return SECCOMP_RET_ALLOW;
        case PROFILE_LOG: return SECCOMP_RET_LOG;
        case PROFILE_ERRNO: return SECCOMP_RET_ERRNO | action.errno_ret;
        case PROFILE_TRAP: return SECCOMP_RET_TRAP;
        case PROFILE_KILL_THREAD: return SECCOMP_RET_KILL_THREAD;
        case PROFILE_KILL_PROCESS: break;
        }
        return SECCOMP_RET_KILL_PROCESS;
}

/* A name of a newer kernel: what is not to be allowed is not, so the rule says nothing. But a
 * refusal that cannot be expressed while the default allows would be a hole. */
static int unknown_name(const struct profile *profile, const struct profile_rule *rule,
                        const char *name, struct profile_error *err) {
        struct profile_place place = { profile->origin, name, err };
        bool default_passes = profile->default_action.verb <= PROFILE_LOG;

        if (default_passes && rule->action.verb > PROFILE_LOG)
                return profile_refuse(
                        &place, "is no system call that can be refused here: its name is unknown");
        return 0;
}

static int append_rule(struct filter_rules *rules, const struct profile_rule *rule, uint32_t nr) {
        uint32_t action = filter_action(rule->action);
        int r = 0;

        if (!rule->any)
                return filter_rules_append(rules, (struct filter_rule){ nr, action, rule->args,
                                                                        rule->n_args, 0 });
        for (size_t i = 0; i < rule->n_args && r == 0; i++)
                r = filter_rules_append(rules,
                                        (struct filter_rule){ nr, action, &rule->args[i], 1, 0 });
        return r;
}

/* libseccomp answers with a negative number of its own for a call that only another architecture
 * has. */
static int append_names(struct filter_rules *rules, const struct profile *profile,
                        const struct profile_rule *rule, uint32_t arch, struct profile_error *err) {
        int r = 0;

        for (size_t i = 0; i < rule->n_names && r == 0; i++) {
                int nr = seccomp_syscall_resolve_name_arch(arch, rule->names[i]);

                if (nr >= 0 || (arch == SCMP_ARCH_X86 && filter_is_multiplexed(nr)))
                        r = append_rule(rules, rule, (uint32_t)nr);
                else if (nr == __NR_SCMP_ERROR)
                        r = unknown_name(profile, rule, rule->names[i], err);
        }
        return r;
}

/* The values of an argument that satisfy a condition, as one interval or its complement. */
static bool interval(const struct profile_arg *a, uint64_t *low, uint64_t *high) {
        *low = 0;
        *high = UINT64_MAX;
        switch (a->op) {
        case PROFILE_EQ: *low = *high = a->value; return true;
        case PROFILE_LE: *high = a->value; return true;
        case PROFILE_GE: *low = a->value; return true;
        case PROFILE_LT: *high = a->value - 1; return a->value > 0;
        case PROFILE_GT: *low = a->value + 1; return a->value < UINT64_MAX;
        case PROFILE_NE:
        case PROFILE_MASKED_EQ: break;
        }
        return false;
}

/* An EQ is a MASKED_EQ with a full mask. */
static bool masks_disjoint(const struct profile_arg *a, const struct profile_arg *b) {
        uint64_t mask_a = a->op == PROFILE_EQ ? UINT64_MAX : a->value,
                 mask_b = b->op == PROFILE_EQ ? UINT64_MAX : b->value;
        uint64_t want_a = a->op == PROFILE_EQ ? a->value : a->value_two,
                 want_b = b->op == PROFILE_EQ ? b->value : b->value_two;

        return ((want_a ^ want_b) & mask_a & mask_b) != 0;
}

/* true only where it is proved that no argument satisfies both. */
static bool args_disjoint(const struct profile_arg *a, const struct profile_arg *b) {
        uint64_t low_a, high_a, low_b, high_b;

        if (a->index != b->index)
                return false;
        if (a->op == PROFILE_NE || b->op == PROFILE_NE)
                return (a->op == PROFILE_EQ || b->op == PROFILE_EQ) && a->value == b->value;
        if (interval(a, &low_a, &high_a) && interval(b, &low_b, &high_b))
                return high_a < low_b || high_b < low_a;
        if ((a->op == PROFILE_EQ || a->op == PROFILE_MASKED_EQ) &&
            (b->op == PROFILE_EQ || b->op == PROFILE_MASKED_EQ))
                return masks_disjoint(a, b);
        return false;
}

static bool rules_disjoint(const struct filter_rule *a, const struct filter_rule *b) {
        for (size_t i = 0; i < a->n_args; i++)
                for (size_t k = 0; k < b->n_args; k++)
                        if (args_disjoint(&a->args[i], &b->args[k]))
                                return true;
        return false;
}

static int contradiction(const struct profile *profile, uint32_t arch, uint32_t nr,
                         struct profile_error *err) {
        char *name = seccomp_syscall_resolve_num_arch(arch, (int)nr);
        struct profile_place place = { profile->origin, name ? name : "a system call", err };
        int r = profile_refuse(&place, "two conditional rules overlap and give different actions");

        free(name);
        return r;
}

static int check_contradictions(const struct profile *profile, uint32_t arch,
                                const struct filter_rules *rules, struct profile_error *err) {
        for (size_t i = 0; i < rules->n; i++)
                for (size_t k = i + 1; k < rules->n && rules->rule[k].nr == rules->rule[i].nr; k++)
                        if (rules->rule[i].action != rules->rule[k].action &&
                            !rules_disjoint(&rules->rule[i], &rules->rule[k]))
                                return contradiction(profile, arch, rules->rule[i].nr, err);
        return 0;
}

static int by_nr(const void *a, const void *b) {
        const struct filter_rule *x = a, *y = b;

        if (x->nr != y->nr)
                return x->nr < y->nr ? -1 : 1;
        if ((x->n_args == 0) != (y->n_args == 0))
                return x->n_args == 0 ? -1 : 1;
        return x->order < y->order ? -1 : 1;
}

/* An unconditional rule comes first: what follows it for the same call does not count. */
static void sort(struct filter_rules *rules) {
        size_t kept = 0;

        if (rules->n > 0)
                qsort(rules->rule, rules->n, sizeof(*rules->rule), by_nr);
        for (size_t i = 0; i < rules->n; i++)
                if (kept == 0 || rules->rule[kept - 1].nr != rules->rule[i].nr ||
                    rules->rule[kept - 1].n_args != 0)
                        rules->rule[kept++] = rules->rule[i];
        rules->n = kept;
}

int filter_rules_make(const struct profile *profile, const struct filter_params *params,
                      uint32_t arch, struct filter_rules *ret, struct profile_error *err) {
        int r = 0;

        for (size_t i = 0; i < profile->n_rules && r == 0; i++)
                if (rule_applies(&profile->rules[i], params))
                        r = append_names(ret, profile, &profile->rules[i], arch, err);
        if (r != 0)
                return r;
        sort(ret);
        r = filter_multiplex(ret, filter_action(profile->default_action));
        if (r < 0)
                return r;
        sort(ret);
        return check_contradictions(profile, arch, ret, err);
}

void filter_rules_done(struct filter_rules *rules) {
        free(rules->rule);
        *rules = (struct filter_rules){ 0 };
}
