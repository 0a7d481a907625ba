/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that bound a session: EnvAllow, EnvDeny, EnvSet, Limits, ClientGone, Reason, When. */
#include <string.h>

#include "policy/match-internal.h"
#include "policy/tri.h"

/*
 * Variables with which a caller makes one fixed program run another one: of the loader, of interpreters, of shells, of
 * tools that start helpers. A name that ends in * is a prefix, one that begins with * is an ending.
 */
static const char *const steering[] = {
        "LD_*",       "*_OPTIONS",   "PATH",        "GLIBC_TUNABLES",
        "GCONV_PATH", "GETCONF_DIR", "LOCPATH",     "NLSPATH",
        "MALLOC_*",   "HOSTALIASES", "LOCALDOMAIN", "RES_OPTIONS",
        "RESOLV_*",   "TMPDIR",      "TZDIR",       "TERMINFO*",
        "TERMCAP",    "BASH_*",      "BASHOPTS",    "SHELLOPTS",
        "SHELL",      "ENV",         "IFS",         "PS4",
        "CDPATH",     "GLOBIGNORE",  "PROMPT_*",    "ZDOTDIR",
        "FPATH",      "PYTHON*",     "PERL*",       "RUBY*",
        "GEM_*",      "BUNDLE_*",    "NODE_*",      "NPM_*",
        "LUA_*",      "TCLLIBPATH",  "CLASSPATH",   "JAVA_*",
        "_JAVA_*",    "JDK_*",       "PHP*",        "GIT_*",
        "SSH_*",      "PAGER",       "*_PAGER",     "EDITOR",
        "*_EDITOR",   "VISUAL",      "BROWSER",     "LESSOPEN",
        "LESSCLOSE",  "LESS",        "MANPAGER",    "OPENSSL_*",
        "DYLD_*",     "GTK_*",       "QT_*",        "HOME",
        "XDG_*",      NULL,
};

static bool is_steering(const char *name, size_t len) {
        for (const char *const *s = steering; *s; s++) {
                size_t n = strlen(*s);
                bool prefix = (*s)[n - 1] == '*', ending = (*s)[0] == '*';

                if (prefix   ? len >= n - 1 && memcmp(name, *s, n - 1) == 0
                    : ending ? len >= n - 1 && memcmp(name + len - (n - 1), *s + 1, n - 1) == 0
                             : len == n && memcmp(name, *s, n) == 0)
                        return true;
        }
        return false;
}

#define NAME_BYTES 256u

/* The name of NAME=VALUE; false where it is longer than any pattern. */
static bool name_of(const char *variable, char ret[NAME_BYTES]) {
        size_t len = strcspn(variable, "=");

        if (len >= NAME_BYTES)
                return false;
        memcpy(ret, variable, len);
        ret[len] = '\0';
        return true;
}

static bool env_allowed(const struct policy_rule *rule, const char *variable) {
        char name[NAME_BYTES];

        if (!name_of(variable, name))
                return false;
        if (patterns_match(rule->env_allow, rule->n_env_allow, name))
                return true;
        if (rule_has(rule, POLICY_KEY_ENV_ALLOW) && !rule->env_allow_star)
                return false;
        return !rule->fixed_command || !is_steering(name, strlen(name));
}

enum policy_tri match_env_allow(const struct policy_rule *rule, const struct policy_request *req) {
        for (size_t i = 0; i < req->n_env; i++)
                if (!env_allowed(rule, req->env[i]))
                        return POLICY_NO;
        return POLICY_YES;
}

static bool env_named(const struct policy_rule *rule, const struct policy_request *req) {
        char name[NAME_BYTES];

        for (size_t i = 0; i < req->n_env; i++)
                if (!name_of(req->env[i], name) ||
                    patterns_match(rule->env_deny, rule->n_env_deny, name))
                        return true;
        return false;
}

enum policy_tri match_env_deny(const struct policy_rule *rule, const struct policy_request *req) {
        if (!rule_has(rule, POLICY_KEY_ENV_DENY))
                return POLICY_YES;
        return tri(env_named(rule, req) == rule_denies(rule));
}

/* What the rule sets may be asked for with the same value only. */
static bool env_agrees(const struct policy_rule *rule, const char *variable) {
        size_t len = strcspn(variable, "=");

        for (size_t i = 0; i < rule->n_env_set; i++) {
                const char *set = rule->env_set[i];

                if (strncmp(set, variable, len) == 0 && set[len] == '=')
                        return strcmp(set, variable) == 0;
        }
        return true;
}

enum policy_tri match_env_set(const struct policy_rule *rule, const struct policy_request *req) {
        for (size_t i = 0; i < req->n_env; i++)
                if (!env_agrees(rule, req->env[i]))
                        return POLICY_NO;
        return POLICY_YES;
}

static bool within(uint64_t asked, uint64_t limit) {
        return limit == 0 || asked <= limit;
}

enum policy_tri match_limits(const struct policy_rule *rule, const struct policy_request *req) {
        const struct policy_limits *l = &rule->limits, *a = &req->limits;

        return tri(within(a->wall_ms, l->wall_ms) && within(a->idle_ms, l->idle_ms) &&
                   within(a->cpu_ms, l->cpu_ms) && within(a->memory, l->memory) &&
                   within(a->pids, l->pids) && within(a->cpu_percent, l->cpu_percent));
}

static bool gone_allowed(const struct policy_rule *rule, const struct policy_request *req) {
        switch (req->client_gone) {
        case POLICY_GONE_KILL: return true;
        case POLICY_GONE_HUP: return rule->gone_hup;
        case POLICY_GONE_KEEP: return rule->gone_keep;
        case POLICY_GONE_KEEP_FOR:
                return rule->gone_keep ||
                       (rule->gone_keep_for && req->keep_for_s <= rule->keep_for_s);
        }
        return false;
}

static bool gone_denied(const struct policy_rule *rule, const struct policy_request *req) {
        switch (req->client_gone) {
        case POLICY_GONE_KILL: return rule->gone_kill;
        case POLICY_GONE_HUP: return rule->gone_hup;
        case POLICY_GONE_KEEP: return rule->gone_keep || rule->gone_keep_for;
        case POLICY_GONE_KEEP_FOR:
                return rule->gone_keep ||
                       (rule->gone_keep_for && req->keep_for_s >= rule->keep_for_s);
        }
        return true;
}

enum policy_tri match_client_gone(const struct policy_rule *rule,
                                  const struct policy_request *req) {
        return tri(rule_denies(rule) ? gone_denied(rule, req) : gone_allowed(rule, req));
}

enum policy_tri match_reason(const struct policy_rule *rule, const struct policy_request *req) {
        if (!rule_has(rule, POLICY_KEY_REASON))
                return POLICY_YES;
        return tri(req->reason && *req->reason &&
                   patterns_match(rule->reasons, rule->n_reasons, req->reason));
}

/* A span that ends before it begins goes over midnight. */
static bool in_span(int from, int until, int minute) {
        return from < until ? minute >= from && minute < until : minute >= from || minute < until;
}

static bool in_times(const struct when *when, int minute) {
        for (size_t i = 0; i < when->n_times; i++)
                if (in_span(when->times[i].from, when->times[i].until, minute))
                        return true;
        return !when->has_times;
}

enum policy_tri match_when(const struct policy_rule *rule, const struct policy_request *req) {
        const struct policy_time *now = &req->time;
        const struct when *when = &rule->when;
        int today = now->year * 10000 + now->month * 100 + now->day;

        if (!rule_has(rule, POLICY_KEY_WHEN))
                return POLICY_YES;
        if (!now->known || now->weekday < 0 || now->weekday > 6)
                return POLICY_UNKNOWN;
        return tri((!when->has_days || when->days[now->weekday]) && in_times(when, now->minute) &&
                   (!when->has_from || today >= when->from) &&
                   (!when->has_until || today <= when->until));
}
