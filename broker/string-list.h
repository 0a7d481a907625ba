/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded list of byte strings, held as one block of NUL-ended strings: as a plan needs it and as execve(2) counts it. Pure. */
#pragma once

#include <stddef.h>

struct strings {
        char *bytes; /* the strings, each with its NUL */
        size_t size;
        size_t room;
        char **list; /* points into bytes, ends with NULL; made by strings_index() */
        size_t n;
};

/* Adds n bytes (no NUL among them) as one string. 0, -ENOMEM, -EINVAL (a NUL), -E2BIG (over max strings or bytes in sum). */
int strings_add(struct strings *strings, const char *bytes, size_t n);
/* Makes list; to be called after the last strings_add(). 0 or -ENOMEM. */
int strings_index(struct strings *strings);
void strings_clear(struct strings *strings);
