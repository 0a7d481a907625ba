/* SPDX-License-Identifier: Apache-2.0 */
/* Text on its way to a person: a growing buffer, escaping, and the one line that an error is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
        char *data;
        size_t len, size;
};

void text_free(struct text *text);
void text_add(struct text *text, const void *bytes, size_t n);
void text_puts(struct text *text, const char *string);
__attribute__((format(printf, 2, 3))) void text_printf(struct text *text, const char *format, ...);

/* Everything that a terminal would act on (controls, C1, bidi and invisible characters, bytes that are no UTF-8) becomes \xNN, and
   a backslash \\, so that it decodes exactly. */
void text_escape(struct text *text, const char *string, size_t n);

/* The length of the UTF-8 sequence at @p, 0 where there is none; D-Bus's rule: shortest form, no surrogates. */
size_t utf8_next(const char *p, size_t n, uint32_t *ret);
bool utf8_valid(const char *string);
/* Columns of a string as a table needs them: one a character. */
size_t utf8_columns(const char *string);

/* One line on stderr: "airlock: WHAT: TEXT", escaped. */
__attribute__((format(printf, 2, 3))) void complain(const char *what, const char *format, ...);
/* Writes all of it to stdout; false, with a line on stderr, where that failed. */
bool text_print(const struct text *text);

void *must_realloc(void *old, size_t size);
char *must_strdup(const char *string);
