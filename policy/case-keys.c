/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a test case into the request that they describe. */
#include "policy/case-keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/match.h"
#include "policy/parse.h"

#define MAX_COUNT UINT64_C(4294967295)

static int bad(struct case_draft *d, const struct word *word, const char *wanted) {
        return lex_error(d->lexer, word->column, NULL, "%s is not %s", word->text, wanted);
}

static bool uid_of(const char *text, uint32_t *ret) {
        bool is_number;
        uint32_t id;

        if (policy_id_parse(text, strlen(text), &is_number, &id) != 0 || !is_number)
                return false;
        *ret = id;
        return true;
}

static bool count_of(const char *text, uint64_t *ret) {
        if (strcmp(text, "0") != 0)
                return parse_count(text, strlen(text), MAX_COUNT, ret);
        *ret = 0;
        return true;
}

static int yes_no(struct case_draft *d, const struct word *words, size_t n, enum policy_tri *ret) {
        static const char *const choices[] = { "no", "yes", NULL };
        unsigned i;
        int r = parse_choice(d->lexer, words, n, choices, &i);

        if (r == 0)
                *ret = i ? POLICY_YES : POLICY_NO;
        return r;
}

static const char **texts(struct case_draft *d, const struct word *words, size_t n) {
        const char **ret = arena_take(d->lexer->arena, (n + 1) * sizeof(*ret));

        for (size_t i = 0; ret && i < n; i++)
                ret[i] = words[i].text;
        return ret;
}

static int caller(struct case_draft *d, const struct word *words, size_t n) {
        struct policy_caller *c = &d->c->request.caller;
        struct policy_group *groups = arena_take(d->lexer->arena, n * sizeof(*groups));
        bool has_uid = false;

        if (!groups)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const char *rest;

                if (word_is(&words[i], "names-failed") && !c->names_failed)
                        c->names_failed = true;
                else if (!has_uid && (rest = word_after(&words[i], "uid:")) &&
                         uid_of(rest, &c->uid))
                        has_uid = true;
                else if (!c->name && (rest = word_after(&words[i], "user:")) && *rest)
                        c->name = rest;
                else if ((rest = word_after(&words[i], "group:")) && *rest)
                        groups[c->n_groups++] = (struct policy_group){ .name = rest };
                else
                        return bad(d, &words[i],
                                   "uid:N (once), user:NAME (once), group:NAME or names-failed");
        }
        c->groups = groups;
        return has_uid ? 0 : lex_error(d->lexer, 1, NULL, "Caller= has no uid:N");
}

static int active(struct case_draft *d, const struct word *words, size_t n) {
        return yes_no(d, words, n, &d->c->request.caller.active);
}

static int unit(struct case_draft *d, const struct word *words, size_t n) {
        d->c->request.caller.unit = words[0].text;
        return 0;
}

static int cgroup(struct case_draft *d, const struct word *words, size_t n) {
        d->c->request.caller.cgroup = words[0].text;
        return 0;
}

static int target(struct case_draft *d, const struct word *words, size_t n) {
        struct policy_target *t = &d->c->request.target;
        const char *colon = strchr(words[0].text, ':');

        if (!colon || !colon[1])
                return bad(d, &words[0], "ENGINE:NAME");
        t->engine = arena_string(d->lexer->arena, words[0].text, (size_t)(colon - words[0].text));
        t->name = colon + 1;
        if (!t->engine)
                return -ENOMEM;
        return engine_index(t->engine) >= 0 ? 0 : bad(d, &words[0], "of a known engine");
}

static int target_id(struct case_draft *d, const struct word *words, size_t n) {
        d->c->request.target.id = words[0].text;
        return 0;
}

static int image(struct case_draft *d, const struct word *words, size_t n) {
        d->c->request.target.image = words[0].text;
        return 0;
}

static int label(struct case_draft *d, const struct word *words, size_t n) {
        struct policy_label *labels = arena_take(d->lexer->arena, n * sizeof(*labels));

        if (!labels)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const char *equals = strchr(words[i].text, '=');

                if (!equals)
                        return bad(d, &words[i], "KEY=VALUE");
                labels[i].key = arena_string(d->lexer->arena, words[i].text,
                                             (size_t)(equals - words[i].text));
                labels[i].value = equals + 1;
                if (!labels[i].key)
                        return -ENOMEM;
        }
        d->c->request.target.labels = labels;
        d->c->request.target.n_labels = n;
        return 0;
}

static int metadata(struct case_draft *d, const struct word *words, size_t n) {
        static const char *const choices[] = { "unknown", "known", NULL };
        unsigned i;
        int r = parse_choice(d->lexer, words, n, choices, &i);

        if (r == 0)
                d->c->request.target.image_known = d->c->request.target.labels_known = i;
        return r;
}

static int owner(struct case_draft *d, const struct word *words, size_t n) {
        struct policy_target *t = &d->c->request.target;

        for (size_t i = 0; i < n; i++) {
                const char *rest;

                if (!t->owner_known && (rest = word_after(&words[i], "uid:")) &&
                    uid_of(rest, &t->owner_uid))
                        t->owner_known = true;
                else if (!t->owner_name && (rest = word_after(&words[i], "user:")) && *rest)
                        t->owner_name = rest;
                else
                        return bad(d, &words[i], "uid:N (once) or user:NAME (once)");
        }
        return t->owner_known ? 0 : lex_error(d->lexer, 1, NULL, "Owner= has no uid:N");
}

static int own(struct case_draft *d, const struct word *words, size_t n) {
        return yes_no(d, words, n, &d->c->request.target.own);
}

static int command(struct case_draft *d, const struct word *words, size_t n) {
        d->c->request.argv = texts(d, words, n);
        d->c->request.n_argv = n;
        return d->c->request.argv ? 0 : -ENOMEM;
}

static int user(struct case_draft *d, const struct word *words, size_t n) {
        d->c->request.user.asked = words[0].text;
        return 0;
}

static int uid(struct case_draft *d, const struct word *words, size_t n) {
        struct policy_as_user *u = &d->c->request.user;

        d->uid_given = true;
        u->resolved = !word_is(&words[0], "unknown");
        return !u->resolved || uid_of(words[0].text, &u->uid)
                     ? 0
                     : bad(d, &words[0], "a uid or unknown");
}

static int gid(struct case_draft *d, const struct word *words, size_t n) {
        d->gid_given = true;
        return uid_of(words[0].text, &d->c->request.user.gid) ? 0 : bad(d, &words[0], "a gid");
}

static int gids(struct case_draft *d, const struct word *words, size_t n) {
        uint32_t *list = arena_take(d->lexer->arena, n * sizeof(*list));

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (!uid_of(words[i].text, &list[i]))
                        return bad(d, &words[i], "a gid");
        d->c->request.user.groups = list;
        d->c->request.user.n_groups = n;
        return 0;
}

static int default_user(struct case_draft *d, const struct word *words, size_t n) {
        static const char *const choices[] = { "unknown", "no", "yes", NULL };
        unsigned i;
        int r = parse_choice(d->lexer, words, n, choices, &i);

        if (r == 0)
                d->c->request.user.is_default = (enum policy_tri)i;
        d->default_given = true;
        return r;
}

static int one_group(struct case_draft *d, const struct word *word, struct policy_as_group *ret) {
        const char *equals = strchr(word->text, '=');

        ret->asked = arena_string(d->lexer->arena, word->text, strcspn(word->text, "="));
        if (!ret->asked)
                return -ENOMEM;
        ret->resolved = uid_of(equals ? equals + 1 : word->text, &ret->gid);
        return *ret->asked && (ret->resolved || !equals) ? 0 : bad(d, word, "NAME=N, N or NAME");
}

static int groups(struct case_draft *d, const struct word *words, size_t n) {
        struct policy_as_group *list = arena_take(d->lexer->arena, n * sizeof(*list));

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r = one_group(d, &words[i], &list[i]);

                if (r != 0)
                        return r;
        }
        d->c->request.user.asked_groups = list;
        d->c->request.user.n_asked_groups = n;
        return 0;
}

static int capabilities(struct case_draft *d, const struct word *words, size_t n) {
        struct policy_rule rule = { 0 };
        int r = parse_capabilities(d->lexer, &rule, words, n);

        if (r == 0 && rule.caps_all)
                return bad(d, &words[0], "the name of a capability");
        d->c->request.caps = rule.caps;
        return r;
}

static int flag(struct case_draft *d, const struct word *words, size_t n, bool *ret) {
        enum policy_tri t = POLICY_NO;
        int r = yes_no(d, words, n, &t);

        *ret = t == POLICY_YES;
        return r;
}

static int privileged(struct case_draft *d, const struct word *words, size_t n) {
        return flag(d, words, n, &d->c->request.privileged);
}

static int tty(struct case_draft *d, const struct word *words, size_t n) {
        return flag(d, words, n, &d->c->request.tty);
}

static int seccomp(struct case_draft *d, const struct word *words, size_t n) {
        d->c->request.seccomp = words[0].text;
        return 0;
}

static int selinux_label(struct case_draft *d, const struct word *words, size_t n) {
        d->c->request.label = words[0].text;
        return 0;
}

static int reason(struct case_draft *d, const struct word *words, size_t n) {
        d->c->request.reason = words[0].text;
        return 0;
}

static int no_new_privileges(struct case_draft *d, const struct word *words, size_t n) {
        return yes_no(d, words, n, &d->c->request.no_new_privs);
}

static int fds(struct case_draft *d, const struct word *words, size_t n) {
        static const char *const kinds[] = { "pipe", "inet", "inet-listen", "unix", "file" };
        struct policy_request *req = &d->c->request;
        bool counted = false;

        for (size_t i = 0; i < n; i++) {
                uint64_t count;
                size_t k = 0;

                while (k < 5 && !word_is(&words[i], kinds[k]))
                        k++;
                if (k < 5)
                        req->fd_kinds |= 1u << k;
                else if (counted || !count_of(words[i].text, &count))
                        return bad(d, &words[i],
                                   "one number, or pipe, inet, inet-listen, unix, file");
                else
                        req->n_extra_fds = (unsigned)count;
                counted |= k == 5;
        }
        return 0;
}

static int env(struct case_draft *d, const struct word *words, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!strchr(words[i].text, '='))
                        return bad(d, &words[i], "NAME=VALUE");
        d->c->request.env = texts(d, words, n);
        d->c->request.n_env = n;
        return d->c->request.env ? 0 : -ENOMEM;
}

static int client_gone(struct case_draft *d, const struct word *words, size_t n) {
        static const char *const choices[] = { "kill", "hup", "keep", "keep-for:TIME", NULL };
        const char *rest = word_after(&words[0], "keep-for:");
        struct policy_request *req = &d->c->request;
        unsigned i;
        uint64_t ms;
        int r;

        if (rest) {
                if (!parse_duration_ms(rest, &ms) || ms % 1000)
                        return bad(d, &words[0], "a time as keep-for:90s");
                req->client_gone = POLICY_GONE_KEEP_FOR;
                req->keep_for_s = ms / 1000;
                return 0;
        }
        r = parse_choice(d->lexer, words, n, choices, &i);
        if (r == 0)
                req->client_gone = (enum policy_gone)i;
        return r;
}

static int limits(struct case_draft *d, const struct word *words, size_t n) {
        struct policy_rule rule = { 0 };
        int r = parse_limits(d->lexer, &rule, words, n);

        if (r == 0 && (rule.limits.sessions || rule.limits.per_minute))
                return lex_error(d->lexer, words[0].column, NULL,
                                 "sessions: and per-minute: are of rules only");
        d->c->request.limits = rule.limits;
        return r;
}

/* Sakamoto's method; 0 is Monday. */
static int weekday_of(int y, int m, int day) {
        static const int offsets[] = { 0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4 };

        if (m < 3)
                y--;
        return (y + y / 4 - y / 100 + y / 400 + offsets[m - 1] + day + 6) % 7;
}

static int when(struct case_draft *d, const struct word *words, size_t n) {
        struct policy_time *t = &d->c->request.time;
        int date = parse_date(words[0].text);
        int minute = n == 2 && strlen(words[1].text) == 5 ? parse_minute(words[1].text) : -1;

        if (date < 0 || minute < 0 || minute == 24 * 60)
                return bad(d, &words[0], "part of YYYY-MM-DD HH:MM");
        *t = (struct policy_time){
                .known = true,
                .year = date / 10000,
                .month = date / 100 % 100,
                .day = date % 100,
                .minute = minute,
        };
        t->weekday = weekday_of(t->year, t->month, t->day);
        return 0;
}

static int sessions(struct case_draft *d, const struct word *words, size_t n) {
        uint64_t count;

        if (!count_of(words[0].text, &count))
                return bad(d, &words[0], "a number");
        d->c->request.quota.sessions = (uint32_t)count;
        return 0;
}

static int starts(struct case_draft *d, const struct word *words, size_t n) {
        uint64_t count;

        if (!count_of(words[0].text, &count))
                return bad(d, &words[0], "a number");
        d->c->request.quota.starts_last_min = (uint32_t)count;
        return 0;
}

static int expect(struct case_draft *d, const struct word *words, size_t n) {
        struct policy_rule rule = { 0 };
        int r = parse_answer(d->lexer, &rule, words, n);

        d->c->expect = rule.answer;
        return r;
}

static int rule_name(struct case_draft *d, const struct word *words, size_t n) {
        d->c->rule = words[0].text;
        return 0;
}

const struct case_row case_rows[] = {
        { "Caller", caller, true, false },
        { "Active", active, false, true },
        { "Unit", unit, false, true },
        { "Cgroup", cgroup, false, true },
        { "Target", target, true, true },
        { "TargetId", target_id, false, true },
        { "Image", image, false, true },
        { "Label", label, false, false },
        { "Metadata", metadata, false, true },
        { "Owner", owner, false, false },
        { "Own", own, false, true },
        { "Command", command, true, false },
        { "User", user, false, true },
        { "Uid", uid, false, true },
        { "Gid", gid, false, true },
        { "Gids", gids, false, false },
        { "DefaultUser", default_user, false, true },
        { "Groups", groups, false, false },
        { "Capabilities", capabilities, false, false },
        { "Privileged", privileged, false, true },
        { "Tty", tty, false, true },
        { "Seccomp", seccomp, false, true },
        { "SELinuxLabel", selinux_label, false, true },
        { "Reason", reason, false, true },
        { "NoNewPrivileges", no_new_privileges, false, true },
        { "Fds", fds, false, false },
        { "Env", env, false, false },
        { "ClientGone", client_gone, false, true },
        { "Limits", limits, false, false },
        { "When", when, false, false },
        { "Sessions", sessions, false, true },
        { "Starts", starts, false, true },
        { "Expect", expect, true, true },
        { "Rule", rule_name, false, true },
};

const size_t case_n_rows = sizeof(case_rows) / sizeof(*case_rows);
