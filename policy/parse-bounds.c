/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that bound a session: EnvAllow, EnvDeny, EnvSet, Limits, ClientGone, Reason, When. */
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

/* width decimal digits; -1 for anything else */
static int digits(const char *text, size_t width) {
        int n = 0;

        for (size_t i = 0; i < width; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return -1;
                n = n * 10 + (text[i] - '0');
        }
        return n;
}

/* HH:MM, 24:00 at the end of the day */
static int minute_of_day(const char *text) {
        int h = digits(text, 2), m;

        if (h < 0 || text[2] != ':')
                return -1;
        m = digits(text + 3, 2);
        return m < 0 || m > 59 || h * 60 + m > 24 * 60 ? -1 : h * 60 + m;
}

static bool time_span(struct when *when, const char *text) {
        size_t i = when->n_times;
        int from, until;

        if (strlen(text) != 11 || text[5] != '-' || i == sizeof(when->times) / sizeof(*when->times))
                return false;
        from = minute_of_day(text);
        until = minute_of_day(text + 6);
        if (from < 0 || until < 0 || from == until || from == 24 * 60)
                return false;
        when->times[i].from = from;
        when->times[i].until = until;
        when->n_times++;
        when->has_times = true;
        return true;
}

static int days_of(int year, int month) {
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return month == 2 && leap ? 29 : days[month - 1];
}

/* YYYY-MM-DD as the number YYYYMMDD */
static int date(const char *text) {
        int y, m, d;

        if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
                return -1;
        y = digits(text, 4);
        m = digits(text + 5, 2);
        d = digits(text + 8, 2);
        if (y < 1 || m < 1 || m > 12 || d < 1 || d > days_of(y, m))
                return -1;
        return y * 10000 + m * 100 + d;
}

static int weekday(const char *text, size_t len) {
        static const char *const names[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

        for (int i = 0; i < 7; i++)
                if (len == 3 && strncmp(text, names[i], 3) == 0)
                        return i;
        return -1;
}

/* Mon, Mon-Fri, Sat-Mon */
static bool day_span(struct when *when, const char *text, size_t len) {
        int from, until;

        if (len != 3 && (len != 7 || text[3] != '-'))
                return false;
        from = weekday(text, 3);
        until = len == 3 ? from : weekday(text + 4, 3);
        if (from < 0 || until < 0)
                return false;
        for (int day = from;; day = (day + 1) % 7) {
                when->days[day] = true;
                if (day == until)
                        break;
        }
        when->has_days = true;
        return true;
}

static bool day_list(struct when *when, const char *text) {
        for (;;) {
                size_t len = strcspn(text, ",");

                if (!day_span(when, text, len))
                        return false;
                if (text[len] == '\0')
                        return true;
                text += len + 1;
        }
}

static bool bound_date(bool *has, int *ret, const char *text) {
        int d = date(text);

        if (*has || d < 0)
                return false;
        *has = true;
        *ret = d;
        return true;
}

static bool when_item(struct when *when, const struct word *word) {
        const char *text;

        if ((text = word_after(word, "from:")))
                return bound_date(&when->has_from, &when->from, text);
        if ((text = word_after(word, "until:")))
                return bound_date(&when->has_until, &when->until, text);
        if (word->text[0] >= '0' && word->text[0] <= '9')
                return time_span(when, word->text);
        return day_list(when, word->text);
}

int parse_when(struct lexer *lexer, struct policy_rule *rule, const struct word *words, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!when_item(&rule->when, &words[i]))
                        return lex_error(
                                lexer, words[i].column, NULL,
                                "%s is none of Mon-Fri, Sat,Sun, 08:00-18:00, from:2026-01-31, until:2026-12-31 "
                                "(each date once, at most 16 times of day)",
                                words[i].text);
        return 0;
}
