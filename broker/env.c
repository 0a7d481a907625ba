/* SPDX-License-Identifier: Apache-2.0 */
/* A list with a hash beside it: thousands of entries of a stranger must not cost the square of their number. */
#include "broker/env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int env_init(struct env *env, size_t max) {
        size_t n_slots = 64;

        while (n_slots < 2 * max)
                n_slots *= 2;
        *env = (struct env){ .max = max, .n_slots = n_slots };
        env->entries = calloc(max + 1, sizeof *env->entries);
        env->slots = calloc(n_slots, sizeof *env->slots);
        if (env->entries && env->slots)
                return 0;
        env_clear(env);
        return -ENOMEM;
}

static size_t name_length(const char *entry) {
        return strcspn(entry, "=");
}

/* The slot of this name, or the free one where it belongs. Slots are never emptied: a taken-away entry keeps its place. */
static uint32_t *find(const struct env *env, const char *entry) {
        size_t n = name_length(entry);
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < n; i++)
                hash = (hash ^ (unsigned char)entry[i]) * UINT64_C(0x100000001b3);
        for (size_t at = hash ^ hash >> 32;; at++) {
                uint32_t *slot = &env->slots[at & (env->n_slots - 1)];
                const char *there = *slot ? env->entries[*slot - 1] : NULL;

                if (!*slot || (there && name_length(there) == n && memcmp(there, entry, n) == 0))
                        return slot;
        }
}

bool env_put(struct env *env, const char *entry) {
        uint32_t *slot = find(env, entry);

        if (*slot) {
                env->entries[*slot - 1] = entry;
                return true;
        }
        if (env->n == env->max)
                return false;
        env->entries[env->n++] = entry;
        *slot = (uint32_t)env->n;
        return true;
}

void env_remove(struct env *env, const char *name) {
        uint32_t *slot = find(env, name);

        if (*slot)
                env->entries[*slot - 1] = NULL;
}

bool env_has(const struct env *env, const char *name) {
        return *find(env, name) != 0;
}

void env_clear(struct env *env) {
        free(env->entries);
        free(env->slots);
        *env = (struct env){ 0 };
}
