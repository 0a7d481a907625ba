/* SPDX-License-Identifier: Apache-2.0 */
/* Text of rules and cases into lines, and a line's value into words; of the library only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "policy/arena.h"
#include "policy/policy.h"

struct lexer {
        const char *file;
        const char *text, *end; /* what is left */
        unsigned line;          /* number of the line that was taken last */
        struct arena *arena;
        struct policy_errors *errors;
};

enum line_kind { LINE_END, LINE_SECTION, LINE_ASSIGNMENT };

struct line {
        enum line_kind kind;
        unsigned number;
        const char *key; /* or the section's kind */
        unsigned key_column;
        const char *value; /* raw, without blanks at its ends; or the section's name */
        size_t value_len;
        unsigned value_column;
};

struct word {
        const char *text;
        size_t len;
        unsigned column;
        bool quoted;
};

/* The next line that says something. 1: it, or one before it, is malformed (reported; taking goes on behind it). */
int lex_line(struct lexer *lexer, struct line *ret);
/* The words of a value, with quotes and escapes resolved; 1: malformed (reported). */
int lex_words(struct lexer *lexer, const struct line *line, struct word **ret, size_t *ret_n);
/* Report at a column of the line that was taken last. */
#define lex_error(lexer, column, suggestion, ...)                                         \
        errors_add((lexer)->errors, (lexer)->file, (lexer)->line, (column), (suggestion), \
                   __VA_ARGS__)
