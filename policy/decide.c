/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision. Deny wins: any denying rule that matches, wherever it stands. Else the first rule that covers the
 * request decides, in the order of the files. Else it is a denial.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/gate.h"
#include "policy/index.h"
#include "policy/match-how.h"
#include "policy/match.h"
#include "policy/tri.h"

struct decision {
        const struct policy_set *set;
        const struct policy_request *req;
        bool early; /* more will be known: an allowing rule may yet match, a denying one has to match already */
        struct policy_trace *trace;
        const struct policy_rule *denying, *allowing;
};

static void trace_add(struct decision *d, const struct policy_rule *rule, enum policy_key key) {
        if (!d->trace)
                return;
        if (d->trace->n < d->trace->max)
                d->trace->skips[d->trace->n] = (struct policy_skip){ .rule = rule, .key = key };
        d->trace->n++;
}

/* What is not known counts for a denying rule and against an allowing one; before all is known the other way round. */
static bool counts(const struct decision *d, const struct policy_rule *rule,
                   enum policy_tri matched) {
        if (matched != POLICY_UNKNOWN)
                return matched == POLICY_YES;
        return rule_denies(rule) != d->early;
}

static void look_at(struct decision *d, const struct policy_rule *rule) {
        const struct policy_rule **first = rule_denies(rule) ? &d->denying : &d->allowing;
        enum policy_key key = POLICY_KEY_NONE;
        enum policy_tri matched;

        if (*first) {
                trace_add(d, rule, POLICY_KEY_NONE);
                return;
        }
        matched = rule_matches(rule, d->req, &key);
        if (counts(d, rule, matched))
                *first = rule;
        else
                trace_add(d, rule, key);
}

/* By its number a process may be any container's: no name leaves a rule out, so the index is not asked. */
static bool by_number(const struct policy_request *req) {
        return strcmp(req->target.engine, "pid") == 0;
}

static void look_at_all(struct decision *d) {
        for (size_t i = 0; i < d->set->n_rules; i++)
                look_at(d, d->set->rules[i]);
}

/* The candidates of one member of the mask. */
static void look_at_word(struct decision *d, size_t first, uint64_t left,
                         const struct gate_probe *probe) {
        const struct gate *gates = index_gates(d->set->index) + first;

        for (; left && !d->denying; left &= left - 1) {
                unsigned bit = (unsigned)__builtin_ctzll(left);
                const struct policy_rule *rule;

                if (!gate_passes(&gates[bit], probe))
                        continue;
                rule = d->set->rules[first + bit];
                if (!d->allowing || rule_denies(rule))
                        look_at(d, rule);
        }
}

/* Without a trace only candidates are looked at, and after the first allowing rule only denying ones. */
static int look_at_candidates(struct decision *d) {
        const struct rule_index *index = d->set->index;
        const uint64_t *denying = index_denying(index);
        struct gate_probe probe = gate_probe(d->req);
        size_t words = index_words(index);
        uint64_t *mask = calloc(2 * words, sizeof(*mask));

        if (!mask)
                return -ENOMEM;
        index_candidates(d->set, d->req, mask);
        for (size_t i = 0; i < words && !d->denying; i++)
                look_at_word(d, i * 64, d->allowing ? mask[i] & denying[i] : mask[i], &probe);
        free(mask);
        return 0;
}

static bool used_up(const struct policy_limits *limits, const struct policy_quota *quota) {
        return (limits->sessions && quota->sessions >= limits->sessions) ||
               (limits->per_minute && quota->starts_last_min >= limits->per_minute);
}

static uint64_t smaller(uint64_t asked, uint64_t limit) {
        return asked && (!limit || asked < limit) ? asked : limit;
}

static struct policy_limits combine(const struct policy_limits *rule,
                                    const struct policy_limits *asked) {
        return (struct policy_limits){
                .wall_ms = smaller(asked->wall_ms, rule->wall_ms),
                .idle_ms = smaller(asked->idle_ms, rule->idle_ms),
                .cpu_ms = smaller(asked->cpu_ms, rule->cpu_ms),
                .memory = smaller(asked->memory, rule->memory),
                .pids = smaller(asked->pids, rule->pids),
                .cpu_percent = (uint32_t)smaller(asked->cpu_percent, rule->cpu_percent),
                .sessions = rule->sessions,
                .per_minute = rule->per_minute,
        };
}

static struct policy_verdict grant(const struct policy_rule *rule,
                                   const struct policy_request *req) {
        return (struct policy_verdict){
                .answer = rule->answer,
                .rule = rule,
                .caps = req->privileged ? rule->caps : req->caps,
                .caps_all = req->privileged && rule->caps_all,
                .seccomp = profile_for(rule, req->seccomp),
                .no_new_privs = rule->no_new_privs || req->no_new_privs == POLICY_YES,
                .label = req->label,
                .client_gone = req->client_gone,
                .keep_for_s = req->client_gone == POLICY_GONE_KEEP_FOR ? req->keep_for_s : 0,
                .env_set = rule->env_set,
                .n_env_set = rule->n_env_set,
                .limits = combine(&rule->limits, &req->limits),
        };
}

static struct policy_verdict conclude(const struct decision *d) {
        if (d->denying)
                return (struct policy_verdict){ .refusal = POLICY_REFUSED_BY_RULE,
                                                .rule = d->denying };
        if (!d->allowing)
                return (struct policy_verdict){ .refusal = POLICY_REFUSED_NO_RULE };
        /* early, another rule may yet decide, one whose quota is not used up */
        if (!d->early && used_up(&d->allowing->limits, &d->req->quota))
                return (struct policy_verdict){ .refusal = POLICY_REFUSED_QUOTA,
                                                .rule = d->allowing };
        return grant(d->allowing, d->req);
}

static int decide(struct decision *d, struct policy_verdict *ret) {
        int r = 0;

        if (d->trace)
                d->trace->n = 0;
        if (d->set && d->set->frozen) {
                if (d->trace || by_number(d->req) || d->req->command_unknown)
                        look_at_all(d);
                else
                        r = look_at_candidates(d);
        }
        *ret = r < 0 ? (struct policy_verdict){ .refusal = POLICY_REFUSED_NO_RULE } : conclude(d);
        return r;
}

int policy_decide(const struct policy_set *set, const struct policy_request *req,
                  struct policy_trace *trace, struct policy_verdict *ret) {
        struct decision d = { .set = set, .req = req, .trace = trace };

        return decide(&d, ret);
}

int policy_precheck(const struct policy_set *set, const struct policy_request *req,
                    struct policy_verdict *ret) {
        struct decision d = { .set = set, .req = req, .early = true };

        return decide(&d, ret);
}

/* A denying rule that says nothing but who and which target leaves nothing to be found out. */
static bool says_only_where(const struct policy_rule *rule) {
        static const uint32_t where = 1u << POLICY_KEY_WHO | 1u << POLICY_KEY_ACTIVE |
                                      1u << POLICY_KEY_UNIT | 1u << POLICY_KEY_TARGET |
                                      1u << POLICY_KEY_IMAGE | 1u << POLICY_KEY_LABEL |
                                      1u << POLICY_KEY_OWNER | 1u << POLICY_KEY_ANSWER;

        return rule_denies(rule) && (rule->present & ~where) == 0;
}

/* What is asked of each rule of the caller before there is a request to decide. */
struct question {
        const struct policy_request *req; /* NULL: only a name is known */
        const struct policy_caller *caller;
        int engine;
        const char *name;
};

static enum policy_tri ask(const struct question *q, const struct policy_rule *rule) {
        return tri_and(rule_matches_caller(rule, q->caller),
                       q->req ? rule_matches_target(rule, q->req)
                              : rule_matches_target_name(rule, q->engine, q->name));
}

/* Does this denying rule settle it: without more than a name only if it certainly matches, and says no more than a name. */
static bool settles(const struct question *q, const struct policy_rule *rule) {
        static const uint32_t facts = 1u << POLICY_KEY_IMAGE | 1u << POLICY_KEY_LABEL |
                                      1u << POLICY_KEY_OWNER;

        if (!says_only_where(rule) || (!q->req && rule->present & facts))
                return false;
        return q->req ? ask(q, rule) != POLICY_NO : ask(q, rule) == POLICY_YES;
}

/* Of a name more will be found out; of a target that was looked up what is not known now will not be. */
static bool suffices(const struct question *q, enum policy_tri matched) {
        return q->req ? matched == POLICY_YES : matched != POLICY_NO;
}

static bool could_match(const struct policy_set *set, const struct question *q,
                        const uint64_t *mask) {
        bool could = false;

        for (size_t i = 0; i < index_words(set->index); i++)
                for (uint64_t left = mask[i]; left; left &= left - 1) {
                        const struct policy_rule
                                *rule = set->rules[i * 64 + (size_t)__builtin_ctzll(left)];

                        if (rule_denies(rule) && settles(q, rule))
                                return false;
                        could = could || (!rule_denies(rule) && suffices(q, ask(q, rule)));
                }
        return could;
}

/* No memory: no. */
static bool could_match_any(const struct policy_set *set, const struct question *q) {
        uint64_t *mask;
        bool ret;

        if (!set || !set->frozen)
                return false;
        mask = calloc(2 * index_words(set->index), sizeof(*mask));
        if (!mask)
                return false;
        if (q->req && !by_number(q->req))
                index_candidates(set, q->req, mask);
        else
                index_callers(set, q->caller, mask);
        ret = could_match(set, q, mask);
        free(mask);
        return ret;
}

bool policy_could_match_name(const struct policy_set *set, const struct policy_caller *caller,
                             const char *engine, const char *name) {
        struct question q = { .caller = caller, .engine = engine_index(engine), .name = name };

        return could_match_any(set, &q);
}

/* Nothing but who calls is asked: which container it is, is not known yet. */
bool policy_could_match_any_name(const struct policy_set *set, const struct policy_caller *caller) {
        for (size_t i = 0; set && set->frozen && i < set->n_rules; i++)
                if (!rule_denies(set->rules[i]) &&
                    rule_matches_caller(set->rules[i], caller) != POLICY_NO)
                        return true;
        return false;
}

bool policy_could_match_target(const struct policy_set *set, const struct policy_request *req) {
        struct question q = { .req = req, .caller = &req->caller };

        return could_match_any(set, &q);
}

bool policy_may_see(uint32_t caller_uid, uint32_t owner_uid, bool may_manage) {
        return caller_uid == owner_uid || may_manage;
}
