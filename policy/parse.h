/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each key: words of a value into a field of the rule; of the library only. */
#pragma once

#include "policy/errors.h"
#include "policy/lex.h"
#include "policy/rule.h"

/* Rules of every function here: 0; 1: reported; -ENOMEM. */
typedef int parse_key(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                      size_t n);

parse_key parse_who, parse_active, parse_unit, parse_owner, parse_as_user, parse_as_group;
parse_key parse_target, parse_image, parse_label, parse_command;
parse_key parse_capabilities, parse_seccomp, parse_no_new_privileges, parse_selinux_label;
parse_key parse_tty, parse_fds, parse_files, parse_env_allow, parse_env_deny, parse_env_set;
parse_key parse_limits, parse_client_gone, parse_reason, parse_when, parse_answer;

/* Shared by them */
int parse_pattern(struct lexer *lexer, enum pattern_flavour flavour, const struct word *word,
                  size_t skip, struct pattern *ret);
int parse_patterns(struct lexer *lexer, enum pattern_flavour flavour, const struct word *words,
                   size_t n, struct pattern **ret, size_t *ret_n);
/* The index of the only word in a list that ends with NULL. */
int parse_choice(struct lexer *lexer, const struct word *words, size_t n,
                 const char *const *choices, unsigned *ret);
bool word_is(const struct word *word, const char *text);
/* What follows prefix, or NULL. */
const char *word_after(const struct word *word, const char *prefix);
/* Decimal without sign, blanks or leading zeros, 1 to max; false otherwise. */
bool parse_count(const char *text, size_t len, uint64_t max, uint64_t *ret);
/* 500ms 90s 30m 8h 7d, above 0, in milliseconds. */
bool parse_duration_ms(const char *text, uint64_t *ret);
/* HH:MM as the minute of the day, 24:00 included; -1: malformed. */
int parse_minute(const char *text);
/* YYYY-MM-DD as the number YYYYMMDD; -1: malformed, or not in the calendar. */
int parse_date(const char *text);
/* The name of a rule or a case. */
bool parse_is_name(const char *name);
