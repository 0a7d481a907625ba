/* SPDX-License-Identifier: Apache-2.0 */
/* Says in one line why a rule was passed over. */
#include <string.h>

#include "policy/policy.h"
#include "policy/rule.h"
#include "policy/phrase.h"

#define SHOWN_WORDS 32u

static void word(struct phrase *text, const char *prefix, const char *value) {
        phrase_add(text, "%s", prefix);
        phrase_escaped(text, value);
}

static void add_caller(struct phrase *text, const struct policy_request *req) {
        phrase_add(text, "uid %u", req->caller.uid);
        if (req->caller.name)
                word(text, " ", req->caller.name);
}

static void add_target(struct phrase *text, const struct policy_request *req) {
        word(text, "", req->target.engine);
        word(text, ":", req->target.name);
}

static void add_unit(struct phrase *text, const struct policy_request *req) {
        if (!req->caller.unit && !req->caller.cgroup)
                phrase_add(text, "a caller of whom the bus gives no pidfd");
        if (req->caller.unit)
                word(text, "unit ", req->caller.unit);
        if (req->caller.cgroup)
                word(text, " cgroup ", req->caller.cgroup);
}

static void add_owner(struct phrase *text, const struct policy_request *req) {
        if (req->target.owner_known)
                phrase_add(text, "owner %u%s", req->target.owner_uid,
                         req->target.owner_name_failed ? " of unknown name" : "");
        else
                phrase_add(text, "an unknown owner");
}

static void add_strings(struct phrase *text, const char *const *list, size_t n) {
        for (size_t i = 0; i < n && i < SHOWN_WORDS; i++)
                word(text, i ? " " : "", list[i]);
        if (n > SHOWN_WORDS)
                phrase_add(text, " ...");
}

static void add_env(struct phrase *text, const struct policy_request *req) {
        for (size_t i = 0; i < req->n_env && i < SHOWN_WORDS; i++) {
                char name[64] = "";
                size_t len = strcspn(req->env[i], "=");

                memcpy(name, req->env[i], len < sizeof(name) - 1 ? len : sizeof(name) - 1);
                word(text, i ? " " : "variables ", name); /* never a value: it may be a secret */
        }
}

static void add_user(struct phrase *text, const struct policy_request *req) {
        word(text, "user ", req->user.asked ? req->user.asked : "(default)");
        if (req->user.resolved)
                phrase_add(text, " = %u", req->user.uid);
}

static void add_groups(struct phrase *text, const struct policy_request *req) {
        phrase_add(text, "groups");
        for (size_t i = 0; i < req->user.n_asked_groups && i < SHOWN_WORDS; i++) {
                word(text, " ", req->user.asked_groups[i].asked);
                if (req->user.asked_groups[i].resolved)
                        phrase_add(text, " = %u", req->user.asked_groups[i].gid);
        }
}

static void add_labels(struct phrase *text, const struct policy_request *req) {
        phrase_add(text, req->target.labels_known ? "labels" : "unknown labels");
        for (size_t i = 0; i < req->target.n_labels && i < SHOWN_WORDS; i++) {
                word(text, " ", req->target.labels[i].key);
                word(text, "=", req->target.labels[i].value);
        }
}

static void add_fds(struct phrase *text, const struct policy_request *req) {
        phrase_add(text, "%u extra descriptors, kinds 0x%x", req->n_extra_fds, req->fd_kinds);
}

static void add_limits(struct phrase *text, const struct policy_request *req) {
        const struct policy_limits *l = &req->limits;

        phrase_add(text, "wall %llums idle %llums cpu %llums memory %llu pids %llu cpu %u%%",
                 (unsigned long long)l->wall_ms, (unsigned long long)l->idle_ms,
                 (unsigned long long)l->cpu_ms, (unsigned long long)l->memory,
                 (unsigned long long)l->pids, l->cpu_percent);
}

static void add_gone(struct phrase *text, const struct policy_request *req) {
        static const char *const names[] = { "kill", "hup", "keep", "keep-for" };

        phrase_add(text, "%s",
                 req->client_gone <= POLICY_GONE_KEEP_FOR ? names[req->client_gone] : "?");
        if (req->client_gone == POLICY_GONE_KEEP_FOR)
                phrase_add(text, " %llus", (unsigned long long)req->keep_for_s);
}

static void add_time(struct phrase *text, const struct policy_request *req) {
        const struct policy_time *t = &req->time;

        if (t->known)
                phrase_add(text, "%04d-%02d-%02d %02d:%02d weekday %d", t->year, t->month, t->day,
                         t->minute / 60, t->minute % 60, t->weekday + 1);
        else
                phrase_add(text, "an unknown time");
}

/* The request's side of a key. */
static void add_asked(struct phrase *text, enum policy_key key, const struct policy_request *req) {
        switch (key) {
        case POLICY_KEY_WHO: add_caller(text, req); break;
        case POLICY_KEY_ACTIVE:
                phrase_add(text, req->caller.active == POLICY_YES  ? "an active session"
                               : req->caller.active == POLICY_NO ? "no active session"
                                                                 : "unknown sessions");
                break;
        case POLICY_KEY_UNIT: add_unit(text, req); break;
        case POLICY_KEY_TARGET: add_target(text, req); break;
        case POLICY_KEY_IMAGE:
                word(text, "image ",
                     !req->target.image_known ? "(unknown)"
                     : req->target.image      ? req->target.image
                                              : "(none)");
                break;
        case POLICY_KEY_LABEL: add_labels(text, req); break;
        case POLICY_KEY_OWNER: add_owner(text, req); break;
        case POLICY_KEY_COMMAND: add_strings(text, req->argv, req->n_argv); break;
        case POLICY_KEY_AS_USER: add_user(text, req); break;
        case POLICY_KEY_AS_GROUP: add_groups(text, req); break;
        case POLICY_KEY_CAPABILITIES:
                phrase_add(text, "%scapabilities 0x%llx", req->privileged ? "--privileged and " : "",
                         (unsigned long long)req->caps);
                break;
        case POLICY_KEY_SECCOMP:
                word(text, "profile ", req->seccomp ? req->seccomp : "(none asked for)");
                break;
        case POLICY_KEY_NO_NEW_PRIVILEGES: phrase_add(text, "no_new_privs off"); break;
        case POLICY_KEY_SELINUX_LABEL:
                word(text, "label ", req->label ? req->label : "(none asked for)");
                break;
        case POLICY_KEY_TTY: phrase_add(text, req->tty ? "a terminal" : "no terminal"); break;
        case POLICY_KEY_FDS:
        case POLICY_KEY_FILES: add_fds(text, req); break;
        case POLICY_KEY_ENV_ALLOW:
        case POLICY_KEY_ENV_DENY:
        case POLICY_KEY_ENV_SET: add_env(text, req); break;
        case POLICY_KEY_LIMITS: add_limits(text, req); break;
        case POLICY_KEY_CLIENT_GONE: add_gone(text, req); break;
        case POLICY_KEY_REASON: word(text, "reason ", req->reason ? req->reason : "(none)"); break;
        case POLICY_KEY_WHEN: add_time(text, req); break;
        case POLICY_KEY_NONE:
        case POLICY_KEY_ANSWER:
        case POLICY_N_KEYS: break;
        }
}

static void add_values(struct phrase *text, const struct policy_skip *skip) {
        const char *value = policy_rule_value(skip->rule, skip->key, 0);

        phrase_add(text, "%s=", policy_key_name(skip->key));
        if (!value)
                phrase_add(text, " (not in the rule)");
        for (size_t i = 0; value; value = policy_rule_value(skip->rule, skip->key, ++i))
                word(text, i ? " | " : "", value);
}

int policy_skip_text(const struct policy_skip *skip, const struct policy_request *req, char *buf,
                     size_t size) {
        struct phrase text = { .buf = buf, .size = size };

        if (skip->key == POLICY_KEY_NONE) {
                phrase_add(&text, "an earlier rule decides");
                return phrase_end(&text);
        }
        add_values(&text, skip);
        phrase_add(&text, " does not match ");
        add_asked(&text, skip->key, req);
        return phrase_end(&text);
}
