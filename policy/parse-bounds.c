/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that bound a session: EnvAllow, EnvDeny, EnvSet, Limits, ClientGone, Reason. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "policy/parse.h"

bool parse_count(const char *text, size_t len, uint64_t max, uint64_t *ret) {
        uint64_t n = 0;

        if (len == 0 || len > 19 || text[0] == '0')
                return false;
        for (size_t i = 0; i < len; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return false;
                n = n * 10 + (uint64_t)(text[i] - '0');
        }
        *ret = n;
        return n <= max;
}

struct unit {
        const char *name;
        uint64_t factor;
};

static bool parse_scaled(const char *text, const struct unit *units, uint64_t *ret) {
        size_t digits = strspn(text, "0123456789");

        for (; units->name; units++)
                if (strcmp(text + digits, units->name) == 0) {
                        if (!parse_count(text, digits, (UINT64_C(1) << 53) / units->factor, ret))
                                return false;
                        *ret *= units->factor;
                        return true;
                }
        return false;
}

bool parse_duration_ms(const char *text, uint64_t *ret) {
        static const struct unit units[] = {
                { "ms", 1 },      { "s", 1000 },     { "m", 60000 },
                { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
        };

        return parse_scaled(text, units, ret);
}

static bool parse_bytes(const char *text, uint64_t *ret) {
        static const struct unit units[] = {
                { "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { NULL, 0 },
        };

        return parse_scaled(text, units, ret);
}

int parse_env_allow(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                    size_t n) {
        struct word kept[POLICY_WORDS];
        size_t k = 0;

        for (size_t i = 0; i < n; i++) {
                if (word_is(&words[i], "*"))
                        rule->env_allow_star = true;
                else
                        kept[k++] = words[i];
        }
        return parse_patterns(lexer, PATTERN_NAME, kept, k, &rule->env_allow, &rule->n_env_allow);
}

int parse_env_deny(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                   size_t n) {
        return parse_patterns(lexer, PATTERN_NAME, words, n, &rule->env_deny, &rule->n_env_deny);
}

static bool is_variable(const char *text, size_t len) {
        if (len == 0 || (text[0] >= '0' && text[0] <= '9'))
                return false;
        return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") >=
               len;
}

static bool is_set_already(const char **list, size_t n, const char *text, size_t len) {
        for (size_t i = 0; i < n; i++)
                if (strncmp(list[i], text, len) == 0)
                        return true;
        return false;
}

int parse_env_set(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                  size_t n) {
        const char **list = arena_take(lexer->arena, n * sizeof(*list));

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const char *equals = strchr(words[i].text, '=');
                size_t len = equals ? (size_t)(equals - words[i].text) : 0;

                if (!is_variable(words[i].text, len))
                        return lex_error(lexer, words[i].column, NULL, "%s is not NAME=VALUE",
                                         words[i].text);
                if (is_set_already(list, i, words[i].text, len + 1))
                        return lex_error(lexer, words[i].column, NULL,
                                         "this variable is set twice");
                list[i] = words[i].text;
        }
        rule->env_set = list;
        rule->n_env_set = n;
        return 0;
}

enum limit_kind { LIMIT_COUNT, LIMIT_TIME, LIMIT_BYTES };

static const struct limit_row {
        const char *name;
        enum limit_kind kind;
        size_t offset;
        bool wide; /* a uint64_t */
} limit_rows[] = {
        { "sessions:", LIMIT_COUNT, offsetof(struct policy_limits, sessions), false },
        { "per-minute:", LIMIT_COUNT, offsetof(struct policy_limits, per_minute), false },
        { "wall:", LIMIT_TIME, offsetof(struct policy_limits, wall_ms), true },
        { "idle:", LIMIT_TIME, offsetof(struct policy_limits, idle_ms), true },
        { "cpu:", LIMIT_TIME, offsetof(struct policy_limits, cpu_ms), true },
        { "memory:", LIMIT_BYTES, offsetof(struct policy_limits, memory), true },
        { "pids:", LIMIT_COUNT, offsetof(struct policy_limits, pids), true },
        { "cpu-percent:", LIMIT_COUNT, offsetof(struct policy_limits, cpu_percent), false },
};

#define N_LIMITS (sizeof(limit_rows) / sizeof(*limit_rows))

static int unknown_limit(struct lexer *lexer, const struct word *word) {
        const char *known[N_LIMITS + 1] = { NULL };

        for (size_t i = 0; i < N_LIMITS; i++)
                known[i] = limit_rows[i].name;
        return lex_error(lexer, word->column, errors_nearest(word->text, known), "unknown limit %s",
                         word->text);
}

static bool limit_value(const struct limit_row *row, const char *text, uint64_t *ret) {
        switch (row->kind) {
        case LIMIT_TIME: return parse_duration_ms(text, ret);
        case LIMIT_BYTES: return parse_bytes(text, ret);
        case LIMIT_COUNT: return parse_count(text, strlen(text), 1000000, ret);
        }
        return false;
}

static int limit(struct lexer *lexer, const struct word *word, struct policy_limits *limits,
                 unsigned *seen) {
        for (size_t i = 0; i < N_LIMITS; i++) {
                const struct limit_row *row = &limit_rows[i];
                const char *text = word_after(word, row->name);
                unsigned char *field = (unsigned char *)limits + row->offset;
                uint64_t value = 0;

                if (!text)
                        continue;
                if (*seen >> i & 1)
                        return lex_error(lexer, word->column, NULL, "%s is given twice", row->name);
                *seen |= 1u << i;
                if (!limit_value(row, text, &value))
                        return lex_error(lexer, word->column, NULL, "%s is not %s", text,
                                         row->kind == LIMIT_TIME
                                                 ? "a time as 500ms, 90s, 30m, 8h, 7d"
                                         : row->kind == LIMIT_BYTES
                                                 ? "a size as 4096, 64K, 512M, 2G"
                                                 : "a number from 1 to 1000000");
                if (row->wide)
                        memcpy(field, &value, sizeof(uint64_t));
                else
                        memcpy(field, &(uint32_t){ (uint32_t)value }, sizeof(uint32_t));
                return 0;
        }
        return unknown_limit(lexer, word);
}

int parse_limits(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                 size_t n) {
        unsigned seen = 0;

        for (size_t i = 0; i < n; i++) {
                int r = limit(lexer, &words[i], &rule->limits, &seen);

                if (r != 0)
                        return r;
        }
        return 0;
}

static int client_gone(struct lexer *lexer, struct policy_rule *rule, const struct word *word) {
        static const char *const known[] = { "kill", "hup", "keep", "keep-for:", NULL };
        const char *text = word_after(word, "keep-for:");
        uint64_t ms;

        if (text) {
                if (rule->gone_keep_for)
                        return lex_error(lexer, word->column, NULL, "keep-for: is given twice");
                if (!parse_duration_ms(text, &ms) || ms % 1000)
                        return lex_error(lexer, word->column, NULL,
                                         "%s is not a time as 90s, 30m, 8h, 7d", text);
                rule->gone_keep_for = true;
                rule->keep_for_s = ms / 1000;
        } else if (word_is(word, "kill")) {
                rule->gone_kill = true;
        } else if (word_is(word, "hup")) {
                rule->gone_hup = true;
        } else if (word_is(word, "keep")) {
                rule->gone_keep = true;
        } else {
                return lex_error(lexer, word->column, errors_nearest(word->text, known),
                                 "unknown value %s", word->text);
        }
        return 0;
}

int parse_client_gone(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                      size_t n) {
        for (size_t i = 0; i < n; i++) {
                int r = client_gone(lexer, rule, &words[i]);

                if (r != 0)
                        return r;
        }
        return 0;
}

int parse_reason(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                 size_t n) {
        return parse_patterns(lexer, PATTERN_NAME, words, n, &rule->reasons, &rule->n_reasons);
}
