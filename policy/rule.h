/* SPDX-License-Identifier: Apache-2.0 */
/* What a parsed rule and a rule set consist of; of the library only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/arena.h"
#include "policy/pattern.h"
#include "policy/policy.h"

#define POLICY_FILE_BYTES (4u << 20)
#define POLICY_LINE_BYTES 4096u
#define POLICY_RULES 65536u
#define POLICY_WORDS 256u
#define POLICY_ERRORS 100u
#define POLICY_NAME_BYTES 64u

/* Who=, AsUser=, AsGroup=, Owner= */
enum id_kind {
        ID_ANY,     /* * */
        ID_DEFAULT, /* default, caller */
        ID_NAME,    /* a user (or group in AsGroup=) by name */
        ID_GROUP,   /* Who= group:NAME */
        ID_NUMBER,  /* low to high */
};

struct id_item {
        enum id_kind kind;
        const char *name;
        uint32_t low, high;
};

enum target_kind { TARGET_ANY, TARGET_OWN, TARGET_NAME };

struct target_item {
        enum target_kind kind;
        int engine; /* index of policy_engine_names(), -1: any */
        struct pattern name;
};

struct label_item {
        struct pattern value; /* of name matches only if has_value */
        const char *key;
        bool has_value;
};

struct unit_item {
        bool is_cgroup;
        struct pattern pattern;
};

enum arg_kind { ARG_PATTERN, ARG_ONE, ARG_REST };

struct arg_item {
        enum arg_kind kind; /* a whole word * is ARG_ONE, a whole word ** is ARG_REST */
        struct pattern pattern;
};

struct command {
        bool any; /* the one word * */
        struct pattern path;
        struct pattern last; /* what follows its last slash: for bare names, in denying rules */
        const struct arg_item *args;
        size_t n_args;
};

struct when {
        bool has_days, has_times, has_from, has_until;
        bool days[7];
        struct {
                int from, until;
        } times[16];
        size_t n_times;
        int from, until; /* YYYYMMDD */
};

struct raw_value {
        enum policy_key key;
        unsigned line;
        const char *text;
        struct raw_value *next;
};

struct policy_rule {
        const char *name;
        const char *file;
        unsigned line;
        size_t index;     /* in the frozen set */
        uint32_t present; /* bit of each enum policy_key that was written */
        struct raw_value *raws, **raws_end;
        enum policy_answer answer;

        struct id_item *who;
        size_t n_who;
        enum policy_tri active;
        struct unit_item *units;
        size_t n_units;
        struct target_item *targets;
        size_t n_targets;
        struct pattern *images;
        size_t n_images;
        struct label_item *labels;
        size_t n_labels;
        struct id_item *owners;
        size_t n_owners;
        struct command *commands;
        size_t n_commands;
        bool fixed_command; /* Command= is there and none of them is * */
        struct id_item *as_users;
        size_t n_as_users;
        struct id_item *as_groups;
        size_t n_as_groups;
        uint64_t caps;
        bool caps_all;
        const char **profiles; /* "*" is any */
        size_t n_profiles;
        bool no_new_privs;
        struct pattern *selinux_labels;
        size_t n_selinux_labels;
        enum policy_tri tty; /* unknown: any */
        uint32_t max_fds;
        unsigned fd_kinds;
        bool files;
        struct pattern *env_allow;
        size_t n_env_allow;
        bool env_allow_star; /* one item is the whole word * (kept out of env_allow) */
        struct pattern *env_deny;
        size_t n_env_deny;
        const char **env_set;
        size_t n_env_set;
        struct policy_limits limits;
        bool gone_hup, gone_keep, gone_keep_for, gone_kill;
        uint64_t keep_for_s;
        struct pattern *reasons;
        size_t n_reasons;
        struct when when;
};

struct rule_index;

struct policy_set {
        unsigned refs;
        bool frozen;
        struct arena arena;
        struct policy_rule **rules;
        size_t n_rules, room;
        struct rule_index *index;
        char digest[65]; /* of the files that it was loaded from; empty where it was not */
};

static inline bool rule_has(const struct policy_rule *rule, enum policy_key key) {
        return rule->present >> key & 1;
}

static inline bool rule_denies(const struct policy_rule *rule) {
        return rule->answer == POLICY_DENY;
}
