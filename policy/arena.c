/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator: a rule set is built once and freed once, so single frees would only be a place for mistakes. */
#include "policy/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (64u << 10)

struct arena_chunk {
        struct arena_chunk *next;
        size_t size;
        alignas(max_align_t) unsigned char bytes[];
};

static int chunk_add(struct arena *arena, size_t size) {
        struct arena_chunk *chunk;

        if (size < CHUNK_BYTES)
                size = CHUNK_BYTES;
        chunk = calloc(1, sizeof(*chunk) + size);
        if (!chunk)
                return -1;
        chunk->size = size;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->used = 0;
        return 0;
}

void *arena_take(struct arena *arena, size_t size) {
        void *ret;

        if (size > SIZE_MAX / 2)
                return NULL;
        size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
        if (!arena->chunks || arena->chunks->size - arena->used < size)
                if (chunk_add(arena, size) < 0)
                        return NULL;
        ret = arena->chunks->bytes + arena->used;
        arena->used += size;
        return ret;
}

void *arena_copy(struct arena *arena, const void *from, size_t n, size_t size) {
        size_t bytes;
        void *ret;

        if (__builtin_mul_overflow(n, size, &bytes))
                return NULL;
        ret = arena_take(arena, bytes > 0 ? bytes : 1);
        if (ret && bytes > 0)
                memcpy(ret, from, bytes);
        return ret;
}

char *arena_string(struct arena *arena, const char *text, size_t len) {
        char *ret = arena_take(arena, len + 1);

        if (ret && len)
                memcpy(ret, text, len);
        return ret;
}

void arena_free(struct arena *arena) {
        while (arena->chunks) {
                struct arena_chunk *chunk = arena->chunks;

                arena->chunks = chunk->next;
                free(chunk);
        }
        arena->used = 0;
}
