/* SPDX-License-Identifier: Apache-2.0 */
/* The key When: weekdays, times of day, dates. */
#include <string.h>

#include "policy/parse.h"

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

int parse_minute(const char *text) {
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
        from = parse_minute(text);
        until = parse_minute(text + 6);
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

int parse_date(const char *text) {
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
        int d = parse_date(text);

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
