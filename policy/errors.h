/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what is wrong with the text of rules and cases, with its place; of the library only. */
#pragma once

#include "policy/policy.h"

/* Appends one; beyond a bound they are counted and not kept. Returns 1, the "has errors" of the parsers, or -ENOMEM. */
int errors_add(struct policy_errors *errors, const char *file, unsigned line, unsigned column,
               const char *suggestion, const char *format, ...)
        __attribute__((format(printf, 6, 7)));
int errors_warn(struct policy_errors *errors, const char *file, unsigned line, unsigned column,
                const char *suggestion, const char *format, ...)
        __attribute__((format(printf, 6, 7)));
/* The known word next to this one by edits, NULL where none is near; the list ends with NULL. */
const char *errors_nearest(const char *word, const char *const *known);
