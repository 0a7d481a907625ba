/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is given back all at once: what a rule set is made of. */
#pragma once

#include <stddef.h>

struct arena_chunk;

struct arena {
        struct arena_chunk *chunks;
        size_t used; /* of the first chunk */
};

/* Zeroed and aligned for anything; NULL where there is no memory. */
void *arena_take(struct arena *arena, size_t size);
char *arena_string(struct arena *arena, const char *text, size_t len);
/* A copy of n members, at least one byte large. */
void *arena_copy(struct arena *arena, const void *from, size_t n, size_t size);
void arena_free(struct arena *arena);
