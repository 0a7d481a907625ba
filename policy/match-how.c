/* SPDX-License-Identifier: Apache-2.0 */
/* The keys about how a command may run: Capabilities, Seccomp, NoNewPrivileges, SELinuxLabel, Tty, Fds, Files. */
#include <string.h>

#include "policy/match-internal.h"
#include "policy/match-how.h"
#include "policy/tri.h"

enum policy_tri match_capabilities(const struct policy_rule *rule,
                                   const struct policy_request *req) {
        if (rule_denies(rule))
                return tri(req->privileged || (req->caps & rule->caps) != 0);
        if (req->privileged && !rule->caps)
                return POLICY_NO;
        return tri((req->caps & ~rule->caps) == 0);
}

static bool is_unconfined(const char *profile) {
        return strcmp(profile, "unconfined") == 0;
}

static bool is_any(const char *profile) {
        return strcmp(profile, "*") == 0;
}

/* The first profile of the rule that is not unconfined, which has to be asked for. */
static const char *first_profile(const char *const *profiles, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!is_unconfined(profiles[i]))
                        return is_any(profiles[i]) ? "target" : profiles[i];
        return NULL;
}

static bool profile_listed(const char *const *profiles, size_t n, const char *asked, bool denies) {
        for (size_t i = 0; i < n; i++)
                if (is_any(profiles[i]) ? denies || !is_unconfined(asked)
                                        : strcmp(profiles[i], asked) == 0)
                        return true;
        return false;
}

const char *profile_for(const struct policy_rule *rule, const char *asked) {
        static const char *const plain[] = { "target", "default" };
        bool written = rule_has(rule, POLICY_KEY_SECCOMP);
        const char *const *profiles = written ? rule->profiles : plain;
        size_t n = written ? rule->n_profiles : sizeof(plain) / sizeof(*plain);

        if (!asked)
                return first_profile(profiles, n);
        return profile_listed(profiles, n, asked, false) ? asked : NULL;
}

enum policy_tri match_seccomp(const struct policy_rule *rule, const struct policy_request *req) {
        if (rule_denies(rule))
                return tri(req->seccomp &&
                           profile_listed(rule->profiles, rule->n_profiles, req->seccomp, true));
        return tri(profile_for(rule, req->seccomp));
}

enum policy_tri match_no_new_privileges(const struct policy_rule *rule,
                                        const struct policy_request *req) {
        return tri(!rule->no_new_privs || req->no_new_privs != POLICY_NO);
}

enum policy_tri match_selinux_label(const struct policy_rule *rule,
                                    const struct policy_request *req) {
        if (!req->label)
                return tri(!rule_denies(rule));
        return tri(patterns_match(rule->selinux_labels, rule->n_selinux_labels, req->label));
}

enum policy_tri match_tty(const struct policy_rule *rule, const struct policy_request *req) {
        return tri(rule->tty == POLICY_UNKNOWN || rule->tty == tri(req->tty));
}

enum policy_tri match_fds(const struct policy_rule *rule, const struct policy_request *req) {
        unsigned kinds = req->fd_kinds & ~(unsigned)POLICY_FD_FILE;

        if (rule_denies(rule))
                return tri((kinds & rule->fd_kinds) ||
                           (rule->max_fds && req->n_extra_fds >= rule->max_fds));
        return tri(req->n_extra_fds <= rule->max_fds &&
                   !(kinds & ~(rule->fd_kinds | POLICY_FD_PIPE)));
}

enum policy_tri match_files(const struct policy_rule *rule, const struct policy_request *req) {
        bool passed = req->fd_kinds & POLICY_FD_FILE;

        return tri(rule_denies(rule) ? passed == rule->files : !passed || rule->files);
}
