/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for people, of bounded size, in which nothing that a caller or a file wrote is raw. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct phrase {
        char *buf;
        size_t size, used; /* used may exceed size: the text was cut */
};

void phrase_add(struct phrase *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Printable ASCII as it is, a backslash doubled, everything else as \xHH: decodes back exactly. */
void phrase_escaped(struct phrase *text, const char *from);
/* Ends the buffer; 0, or 1 where it was too small. */
int phrase_end(struct phrase *text);
