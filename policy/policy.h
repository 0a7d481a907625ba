/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy library: rules and a request in, a verdict with its trace out.
 * It must never do I/O, look at a clock or keep a global: the same decision is explained, fuzzed
 * and compared with a second evaluator. docs/policy.md states how every key matches.
 *
 * Results: 0 done; < 0 -errno, our side broke; > 0 where a function documents it.
 *
 * A request is asked about up to three times, each time with more known:
 *   policy_could_match_name()   (or ..._any_name() of pid:N) before the target is looked up: false means Denied, whether it exists or not
 *   policy_could_match_target() when its facts are known: false means the same answer as "no such target"
 *   policy_precheck()           before a file of the target (passwd, group) is opened
 *   policy_decide()             everything is known; only this one allows
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy_set; /* frozen rules, reference counted; verdicts point into it */
struct policy_rule;

/* Zero is "unknown": what is unknown never satisfies an allowing rule. */
enum policy_tri { POLICY_UNKNOWN, POLICY_NO, POLICY_YES };

/* Zero is "deny": a verdict that nobody filled in denies. */
enum policy_answer { POLICY_DENY, POLICY_ALLOW, POLICY_ASK_SELF, POLICY_ASK_ADMIN };

enum policy_refusal {
        POLICY_REFUSED_NOT,     /* answer is not deny */
        POLICY_REFUSED_NO_RULE, /* no rule matched */
        POLICY_REFUSED_BY_RULE, /* a rule with Answer=deny matched */
        POLICY_REFUSED_QUOTA,   /* the deciding rule's Limits= sessions or per-minute are used up */
};

enum policy_gone { POLICY_GONE_KILL, POLICY_GONE_HUP, POLICY_GONE_KEEP, POLICY_GONE_KEEP_FOR };

/* The kinds of passed descriptors, streams and extra ones, as a bit mask. */
enum policy_fd_kind {
        POLICY_FD_PIPE = 1 << 0,
        POLICY_FD_INET = 1 << 1,
        POLICY_FD_INET_LISTEN = 1 << 2,
        POLICY_FD_UNIX = 1 << 3,
        POLICY_FD_FILE = 1 << 4,
};

enum policy_key {
        POLICY_KEY_NONE,
        POLICY_KEY_WHO,
        POLICY_KEY_ACTIVE,
        POLICY_KEY_UNIT,
        POLICY_KEY_TARGET,
        POLICY_KEY_IMAGE,
        POLICY_KEY_LABEL,
        POLICY_KEY_OWNER,
        POLICY_KEY_COMMAND,
        POLICY_KEY_AS_USER,
        POLICY_KEY_AS_GROUP,
        POLICY_KEY_CAPABILITIES,
        POLICY_KEY_SECCOMP,
        POLICY_KEY_NO_NEW_PRIVILEGES,
        POLICY_KEY_SELINUX_LABEL,
        POLICY_KEY_TTY,
        POLICY_KEY_FDS,
        POLICY_KEY_FILES,
        POLICY_KEY_ENV_ALLOW,
        POLICY_KEY_ENV_DENY,
        POLICY_KEY_ENV_SET,
        POLICY_KEY_LIMITS,
        POLICY_KEY_CLIENT_GONE,
        POLICY_KEY_REASON,
        POLICY_KEY_WHEN,
        POLICY_KEY_ANSWER,
        POLICY_N_KEYS,
};

struct policy_group {
        uint32_t gid;
        const char *name; /* NULL: the number has no name */
};

/* Only what the bus proves. */
struct policy_caller {
        uint32_t uid;
        const char *name; /* NULL: the number has no name */
        const struct policy_group *groups;
        size_t n_groups;
        bool names_failed;      /* the name service broke: names above are incomplete */
        enum policy_tri active; /* an active local session, of logind, per uid */
        const char *unit;       /* of the pidfd that the bus gave; NULL: unknown, "": in none */
        const char *cgroup;     /* likewise */
};

struct policy_label {
        const char *key;
        const char *value;
};

struct policy_target {
        const char *engine; /* one of policy_engine_names() */
        const char *name;
        const char *id; /* in full; NULL: it has none */
        const char *image;
        const struct policy_label *labels;
        size_t n_labels;
        bool image_known;  /* image is the engine's truth; NULL: it has none */
        bool labels_known; /* labels are the engine's truth, all of them */
        bool owner_known;
        uint32_t owner_uid;
        const char *owner_name; /* NULL: the number has no name ... */
        bool owner_name_failed; /* ... or the name service broke */
        enum policy_tri own;    /* its user namespace was made by the caller's uid */
};

struct policy_as_group {
        const char *asked; /* as spelled by the caller */
        bool resolved;
        uint32_t gid;
};

struct policy_as_user {
        const char *asked; /* as spelled, without a group; NULL: none, the target's default user */
        bool resolved;     /* uid, gid and groups are known */
        uint32_t uid;
        uint32_t gid;
        const uint32_t *groups;
        size_t n_groups;
        enum policy_tri is_default;                 /* the resolved user is the target's default */
        const struct policy_as_group *asked_groups; /* group and groups of the request */
        size_t n_asked_groups;
};

/* 0 = not asked for in a request, not limited in a rule or verdict. */
struct policy_limits {
        uint64_t wall_ms;
        uint64_t idle_ms;
        uint64_t cpu_ms;
        uint64_t memory; /* bytes */
        uint64_t pids;
        uint32_t cpu_percent;
        uint32_t sessions;   /* rules and verdicts only */
        uint32_t per_minute; /* rules and verdicts only */
};

/* The local wall clock, read by the caller of the library. */
struct policy_time {
        bool known;
        int year;    /* 2026 */
        int month;   /* 1-12 */
        int day;     /* 1-31 */
        int weekday; /* 0 = Monday */
        int minute;  /* of the day, 0-1439 */
};

struct policy_quota {
        uint32_t sessions;        /* of the caller's uid that have not ended */
        uint32_t starts_last_min; /* of the caller's uid in the 60 s before now */
};

struct policy_request {
        struct policy_caller caller;
        struct policy_target target;
        struct policy_as_user user;
        const char *const *argv; /* n_argv strings */
        size_t n_argv;
        bool command_unknown; /* a shell that a file of the target names: for policy_precheck(), before that file is opened */
        uint64_t caps;       /* asked for by name and not among the target init's, bit = number */
        bool privileged;     /* asks for the Capabilities= of the deciding rule */
        const char *seccomp; /* name as asked; NULL: none */
        enum policy_tri no_new_privs; /* as asked; POLICY_UNKNOWN: not asked */
        const char *label;            /* as asked; NULL: the target's */
        bool tty;
        unsigned n_extra_fds;
        unsigned fd_kinds;      /* enum policy_fd_kind of streams and extra descriptors */
        const char *const *env; /* NAME=VALUE as asked, not the target's own */
        size_t n_env;
        enum policy_gone client_gone;
        uint64_t keep_for_s;
        struct policy_limits limits;
        const char *reason; /* NULL: none */
        struct policy_time time;
        struct policy_quota quota;
};

/* One rule that was passed over, and the key that did not match. */
struct policy_skip {
        const struct policy_rule *rule;
        enum policy_key key;
};

/* The caller's memory. n counts all rules passed over, of which the first max are stored. */
struct policy_trace {
        struct policy_skip *skips;
        size_t max;
        size_t n;
};

struct policy_verdict {
        enum policy_answer answer;
        enum policy_refusal refusal;
        const struct policy_rule *rule; /* that decided; NULL: none matched */
        /* The rest is set only if the answer is not deny. */
        uint64_t
                caps; /* beyond the target init's; each must be within the ceiling or is refused by name ... */
        bool caps_all; /* ... but with this one caps is everything: cut it to ceiling and kernel */
        const char *seccomp; /* profile name: target, default, unconfined or a file of seccomp.d */
        bool no_new_privs;   /* on, whatever the target has; false: as the target */
        const char *label;   /* as asked; NULL: the target's */
        enum policy_gone client_gone;
        uint64_t keep_for_s;
        const char *const *env_set; /* NAME=VALUE, applied last */
        size_t n_env_set;
        struct policy_limits limits; /* the smaller of what was asked and what the rule says */
};

/* Rules */
struct policy_error {
        char *file;
        unsigned line;   /* 0: it is about the file as such */
        unsigned column; /* in bytes, from 1 */
        bool warning;    /* said by check; does not keep the rules from being used */
        char *message;
        char *suggestion; /* NULL: none */
};

struct policy_errors {
        struct policy_error *list;
        size_t n;
        size_t n_errors; /* without warnings */
};

void policy_errors_free(struct policy_errors *errors);
/* "file:line:column: message; did you mean X?" with everything unprintable escaped. */
int policy_error_text(const struct policy_error *error, char *buf, size_t size);

/* Add the files in order of precedence (lexical by name), then freeze; a frozen set takes no more. */
int policy_set_new(struct policy_set **ret);
/* 1: the text has errors, which are appended. The file name is shown, never opened. */
int policy_set_add(struct policy_set *set, const char *file, const char *text, size_t len,
                   struct policy_errors *errors);
/* 1: the files contradict each other (two rules of one name). */
int policy_set_freeze(struct policy_set *set, struct policy_errors *errors);
/* Appends warnings about well-formed rules that probably do not do what they seem to, or can never match (any more, where the
 * time is known); 0 or -ENOMEM. */
int policy_set_warn(const struct policy_set *set, const struct policy_time *now,
                    struct policy_errors *errors);
struct policy_set *policy_set_ref(struct policy_set *set);
struct policy_set *policy_set_unref(struct policy_set *set); /* takes and returns NULL */

size_t policy_set_count(const struct policy_set *set);
const struct policy_rule *policy_set_rule(const struct policy_set *set, size_t i);
const char *policy_rule_name(const struct policy_rule *rule);
const char *policy_rule_file(const struct policy_rule *rule);
unsigned policy_rule_line(const struct policy_rule *rule);
enum policy_answer policy_rule_answer(const struct policy_rule *rule);
/* The key's value as written, NULL if it is not there; Command= may have several. */
const char *policy_rule_value(const struct policy_rule *rule, enum policy_key key, size_t i);

/* One assignment as it is written. */
struct policy_setting {
        enum policy_key key;
        unsigned line;
        const char *value;
};
/* The rule's i-th, in the order of its lines; false behind the last. */
bool policy_rule_setting(const struct policy_rule *rule, size_t i, struct policy_setting *ret);
/* SHA-256 of the files that policy_load() read, in hex; "" for any other set. */
const char *policy_set_digest(const struct policy_set *set);

const char *policy_answer_name(enum policy_answer answer);
const char *policy_key_name(enum policy_key key);
const char *const *policy_engine_names(void); /* ends with NULL */

/* Decisions. set is frozen; NULL denies. trace may be NULL. */
bool policy_could_match_name(const struct policy_set *set, const struct policy_caller *caller,
                             const char *engine /* NULL: any */, const char *name);
bool policy_could_match_target(const struct policy_set *set, const struct policy_request *req);
/* Of a process named by its number, which may be any engine's container: whether he has a rule that could be for one. */
bool policy_could_match_any_name(const struct policy_set *set, const struct policy_caller *caller);
/* 0; the answer is deny, or the one that is to be expected: an allowing one is not yet a permission. */
int policy_precheck(const struct policy_set *set, const struct policy_request *req,
                    struct policy_verdict *ret);
int policy_decide(const struct policy_set *set, const struct policy_request *req,
                  struct policy_trace *trace, struct policy_verdict *ret);
/* "Target=podman:web-* does not match crun:demo"; request text is escaped. */
int policy_skip_text(const struct policy_skip *skip, const struct policy_request *req, char *buf,
                     size_t size);
/* Own sessions always; others' only with the manage-sessions authorisation. */
bool policy_may_see(uint32_t caller_uid, uint32_t owner_uid, bool may_manage);

/* The one parser of users and groups as callers spell them. */
struct policy_user_spec {
        const char *user; /* starts here, in the text that was given */
        size_t user_len;
        bool user_is_number;
        uint32_t uid;
        const char *group; /* NULL: none given */
        size_t group_len;
        bool group_is_number;
        uint32_t gid;
};

/* USER, USER:GROUP. All digits is a number, 0 to 2^32-2, without leading zeros, never a name. 1: bad. */
int policy_user_spec_parse(const char *text, struct policy_user_spec *ret);
/* A single name or number, as in the options group and groups. 1: bad. */
int policy_id_parse(const char *text, size_t len, bool *ret_is_number, uint32_t *ret_id);
