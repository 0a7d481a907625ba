/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a parsed profile holds: for profile.c, which makes it, filter.c, which compiles it, and the
 * test that judges one with its own evaluation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_object;
struct profile_error;

#define PROFILE_MAX_DEPTH 8 /* of the section itself; the format needs five */
#define PROFILE_MAX_RULES 2048
#define PROFILE_MAX_NAMES 1024 /* of one rule: more than there are system calls */
#define PROFILE_MAX_ENTRIES \
        4096                 /* names of all rules together: bounds the time that compiling takes */
#define PROFILE_MAX_ARGS 12  /* conditions of one rule: six arguments, compared twice */
#define PROFILE_NAME_SIZE 40 /* of a system call */

enum profile_verb {
        PROFILE_ALLOW,
        PROFILE_LOG,
        PROFILE_ERRNO,
        PROFILE_TRAP,
        PROFILE_KILL_THREAD,
        PROFILE_KILL_PROCESS,
};

struct profile_action {
        enum profile_verb verb;
        uint16_t errno_ret; /* PROFILE_ERRNO: 1..4095; else 0 */
};

enum profile_op {
        PROFILE_EQ,
        PROFILE_NE,
        PROFILE_LT,
        PROFILE_LE,
        PROFILE_GT,
        PROFILE_GE,
        PROFILE_MASKED_EQ, /* (argument & value) == value_two */
};

struct profile_arg {
        unsigned index;
        enum profile_op op;
        uint64_t value;
        uint64_t value_two;
};

/* includes: all that is given must hold; excludes: none of it may. */
struct profile_condition {
        uint64_t caps;
        bool has_arches;
        bool native_listed;                  /* meaningful with has_arches */
        unsigned kernel_major, kernel_minor; /* 0.0: not given */
};

struct profile_rule {
        char (*names)[PROFILE_NAME_SIZE];
        size_t n_names;
        struct profile_action action;
        struct profile_arg args[PROFILE_MAX_ARGS];
        size_t n_args;
        /* an argument is compared twice: then the conditions are alternatives, as runc and crun
         * read them */
        bool any;
        struct profile_condition includes, excludes;
};

struct profile {
        uint8_t digest[32]; /* SHA-256 of the section's canonical text */
        char origin[128];
        struct profile_action default_action;
        bool lists_x86;
        uint64_t caps_used; /* the capabilities that any rule looks at */
        struct profile_rule *rules;
        size_t n_rules;
        size_t n_entries;
};

/* Where an error is told. where names the place ("syscalls[3].args[0]"). */
struct profile_place {
        const char *origin;
        const char *where;
        struct profile_error *err;
};

/* Writes "ORIGIN: WHERE: text" and returns OUTCOME_BAD_PROFILE. */
int profile_refuse(const struct profile_place *place, const char *format, ...)
        __attribute__((__format__(printf, 2, 3)));

/* Refuses a key of object that is not in the NULL-ended list, by its name. */
int profile_check_keys(const struct profile_place *place, struct json_object *object,
                       const char *const *known);
/* *ret NULL where key is absent or null. */
int profile_get_string(const struct profile_place *place, struct json_object *object,
                       const char *key, const char **ret);
int profile_get_array(const struct profile_place *place, struct json_object *object,
                      const char *key, struct json_object **ret);
int profile_get_uint64(const struct profile_place *place, struct json_object *object,
                       const char *key, bool *ret_given, uint64_t *ret);

/* An action word with its errno from the two keys that may carry it. */
int profile_parse_action(const struct profile_place *place, struct json_object *object,
                         const char *action_key, const char *errno_ret_key, const char *errno_key,
                         struct profile_action *ret);
/* One element of syscalls; its memory is the caller's to free with profile_rule_done(), also after
 * a refusal. */
int profile_parse_rule(const struct profile_place *place, struct json_object *object,
                       struct profile_rule *ret);
void profile_rule_done(struct profile_rule *rule);
