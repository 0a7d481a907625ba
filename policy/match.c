/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which the keys of a rule are looked at, and those about the caller. */
#include "policy/match.h"

#include <string.h>

#include "policy/match-internal.h"
#include "policy/tri.h"

bool patterns_match(const struct pattern *patterns, size_t n, const char *text) {
        for (size_t i = 0; i < n; i++)
                if (pattern_matches(&patterns[i], text))
                        return true;
        return false;
}

static bool has_group(const struct policy_caller *caller, const char *name) {
        for (size_t i = 0; i < caller->n_groups; i++)
                if (caller->groups[i].name && strcmp(caller->groups[i].name, name) == 0)
                        return true;
        return false;
}

/* A name service that broke may have hidden any name. */
static enum policy_tri by_name(const struct policy_caller *caller, bool found) {
        if (found)
                return POLICY_YES;
        return caller->names_failed ? POLICY_UNKNOWN : POLICY_NO;
}

static enum policy_tri match_who_item(const struct id_item *item,
                                      const struct policy_caller *caller) {
        switch (item->kind) {
        case ID_ANY: return POLICY_YES;
        case ID_NUMBER: return tri(caller->uid >= item->low && caller->uid <= item->high);
        case ID_NAME: return by_name(caller, caller->name && strcmp(caller->name, item->name) == 0);
        case ID_GROUP: return by_name(caller, has_group(caller, item->name));
        case ID_DEFAULT: return POLICY_NO;
        }
        return POLICY_NO;
}

static enum policy_tri match_who(const struct policy_rule *rule,
                                 const struct policy_caller *caller) {
        enum policy_tri ret = POLICY_NO;

        for (size_t i = 0; i < rule->n_who && ret != POLICY_YES; i++)
                ret = tri_or(ret, match_who_item(&rule->who[i], caller));
        return ret;
}

static enum policy_tri match_active(const struct policy_rule *rule,
                                    const struct policy_caller *caller) {
        if (!rule_has(rule, POLICY_KEY_ACTIVE))
                return POLICY_YES;
        return caller->active == POLICY_UNKNOWN ? POLICY_UNKNOWN
                                                : tri(caller->active == rule->active);
}

/* Without a pidfd from the bus nothing is known of it, and such a rule, also a denying one, never matches. */
static enum policy_tri match_unit(const struct policy_rule *rule,
                                  const struct policy_caller *caller) {
        if (!rule_has(rule, POLICY_KEY_UNIT))
                return POLICY_YES;
        for (size_t i = 0; i < rule->n_units; i++) {
                const char *text = rule->units[i].is_cgroup ? caller->cgroup : caller->unit;

                if (text && pattern_matches(&rule->units[i].pattern, text))
                        return POLICY_YES;
        }
        return POLICY_NO;
}

enum policy_tri rule_matches_caller(const struct policy_rule *rule,
                                    const struct policy_caller *caller) {
        return tri_and(match_who(rule, caller),
                       tri_and(match_active(rule, caller), match_unit(rule, caller)));
}

enum policy_tri rule_matches_target(const struct policy_rule *rule,
                                    const struct policy_request *req) {
        enum policy_tri ret = tri_and(match_target(rule, req), match_image(rule, req));

        return tri_and(ret, tri_and(match_label(rule, req), match_owner(rule, req)));
}

static enum policy_tri who_key(const struct policy_rule *rule, const struct policy_request *req) {
        return match_who(rule, &req->caller);
}

static enum policy_tri active_key(const struct policy_rule *rule,
                                  const struct policy_request *req) {
        return match_active(rule, &req->caller);
}

static enum policy_tri unit_key(const struct policy_rule *rule, const struct policy_request *req) {
        return match_unit(rule, &req->caller);
}

static match_key *const keys[POLICY_N_KEYS] = {
        [POLICY_KEY_WHO] = who_key,
        [POLICY_KEY_ACTIVE] = active_key,
        [POLICY_KEY_UNIT] = unit_key,
        [POLICY_KEY_TARGET] = match_target,
        [POLICY_KEY_IMAGE] = match_image,
        [POLICY_KEY_LABEL] = match_label,
        [POLICY_KEY_OWNER] = match_owner,
        [POLICY_KEY_COMMAND] = match_command,
        [POLICY_KEY_AS_USER] = match_as_user,
        [POLICY_KEY_AS_GROUP] = match_as_group,
        [POLICY_KEY_CAPABILITIES] = match_capabilities,
        [POLICY_KEY_SECCOMP] = match_seccomp,
        [POLICY_KEY_NO_NEW_PRIVILEGES] = match_no_new_privileges,
        [POLICY_KEY_SELINUX_LABEL] = match_selinux_label,
        [POLICY_KEY_TTY] = match_tty,
        [POLICY_KEY_FDS] = match_fds,
        [POLICY_KEY_FILES] = match_files,
        [POLICY_KEY_ENV_ALLOW] = match_env_allow,
        [POLICY_KEY_ENV_DENY] = match_env_deny,
        [POLICY_KEY_ENV_SET] = match_env_set,
        [POLICY_KEY_LIMITS] = match_limits,
        [POLICY_KEY_CLIENT_GONE] = match_client_gone,
        [POLICY_KEY_REASON] = match_reason,
        [POLICY_KEY_WHEN] = match_when,
};

enum policy_tri rule_matches(const struct policy_rule *rule, const struct policy_request *req,
                             enum policy_key *ret_key) {
        enum policy_tri ret = POLICY_YES;

        for (enum policy_key k = POLICY_KEY_WHO; k < POLICY_KEY_ANSWER; k++) {
                enum policy_tri t;

                if (rule_denies(rule) && !rule_has(rule, k))
                        continue;
                t = keys[k](rule, req);
                if (t == POLICY_YES)
                        continue;
                if (ret == POLICY_YES || t == POLICY_NO)
                        *ret_key = k;
                if (t == POLICY_NO)
                        return POLICY_NO;
                ret = POLICY_UNKNOWN;
        }
        return ret;
}
