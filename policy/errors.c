/* SPDX-License-Identifier: Apache-2.0 */
/* Collects errors in the text of rules, each with its place and, where there is one, what was probably meant. */
#include "policy/errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/rule.h"
#include "policy/phrase.h"

static int append(struct policy_errors *errors, struct policy_error *error) {
        struct policy_error *list = reallocarray(errors->list, errors->n + 1, sizeof(*list));

        if (!list || !error->file || !error->message) {
                free(error->file);
                free(error->message);
                free(error->suggestion);
                if (list)
                        errors->list = list;
                return -ENOMEM;
        }
        list[errors->n++] = *error;
        errors->list = list;
        return 1;
}

__attribute__((format(printf, 5, 0))) static int add(struct policy_errors *errors,
                                                     struct policy_error error, const char *file,
                                                     const char *suggestion, const char *format,
                                                     va_list args) {
        if (!error.warning)
                errors->n_errors++;
        if (errors->n >= POLICY_ERRORS)
                return 1;
        error.file = strdup(file);
        error.suggestion = suggestion ? strdup(suggestion) : NULL;
        if (vasprintf(&error.message, format, args) < 0)
                error.message = NULL;
        return append(errors, &error);
}

int errors_add(struct policy_errors *errors, const char *file, unsigned line, unsigned column,
               const char *suggestion, const char *format, ...) {
        struct policy_error error = { .line = line, .column = column };
        va_list args;
        int r;

        va_start(args, format);
        r = add(errors, error, file, suggestion, format, args);
        va_end(args);
        return r;
}

int errors_warn(struct policy_errors *errors, const char *file, unsigned line, unsigned column,
                const char *suggestion, const char *format, ...) {
        struct policy_error error = { .line = line, .column = column, .warning = true };
        va_list args;
        int r;

        va_start(args, format);
        r = add(errors, error, file, suggestion, format, args);
        va_end(args);
        return r;
}

void policy_errors_free(struct policy_errors *errors) {
        for (size_t i = 0; i < errors->n; i++) {
                free(errors->list[i].file);
                free(errors->list[i].message);
                free(errors->list[i].suggestion);
        }
        free(errors->list);
        *errors = (struct policy_errors){ 0 };
}

static bool is_same(char a, char b) {
        return strncasecmp(&a, &b, 1) == 0;
}

/* Edits from one word to another, two letters that changed places being one. Rows of a fixed size: both words are short or
 * not compared. */
static unsigned distance(const char *a, const char *b) {
        unsigned rows[3][POLICY_NAME_BYTES + 1];
        size_t n = strlen(a), m = strlen(b);

        if (n > POLICY_NAME_BYTES || m > POLICY_NAME_BYTES)
                return POLICY_NAME_BYTES;
        for (unsigned j = 0; j <= m; j++)
                rows[0][j] = j;
        for (unsigned i = 1; i <= n; i++) {
                const unsigned *up = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
                unsigned *row = rows[i % 3];

                row[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        unsigned best = up[j - 1] + !is_same(a[i - 1], b[j - 1]);

                        best = up[j] + 1 < best ? up[j] + 1 : best;
                        if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) &&
                            is_same(a[i - 2], b[j - 1]) && before[j - 2] + 1 < best)
                                best = before[j - 2] + 1;
                        row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
                }
        }
        return rows[n % 3][m];
}

const char *errors_nearest(const char *word, const char *const *known) {
        const char *best = NULL;
        size_t near = strlen(word) / 3 + 1; /* more edits than that is another word */

        for (; *known; known++) {
                unsigned d = distance(word, *known);

                if (d <= near) {
                        best = *known;
                        near = d ? d - 1 : 0;
                }
        }
        return best;
}

int policy_error_text(const struct policy_error *error, char *buf, size_t size) {
        struct phrase text = { .buf = buf, .size = size };

        phrase_escaped(&text, error->file);
        if (error->line)
                phrase_add(&text, ":%u:%u", error->line, error->column);
        phrase_add(&text, ": %s", error->warning ? "warning: " : "");
        phrase_escaped(&text, error->message);
        if (error->suggestion) {
                phrase_add(&text, "; did you mean ");
                phrase_escaped(&text, error->suggestion);
                phrase_add(&text, "?");
        }
        return phrase_end(&text);
}
