/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of a command: entries in order, of each name the last one. Pure; it borrows every entry that it is given. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct env {
        const char **entries; /* NULL where one was taken away again */
        size_t n;
        size_t max;
        uint32_t *slots; /* of a hash of the name: 1 + index into entries */
        size_t n_slots;
};

/* Room for max entries. 0 or -ENOMEM. */
int env_init(struct env *env, size_t max);
/* NAME=VALUE: replaces one of that name in its place, or comes last. What is over max is not taken: false. */
bool env_put(struct env *env, const char *entry);
/* Of NAME or NAME=anything. */
void env_remove(struct env *env, const char *name);
bool env_has(const struct env *env, const char *name);
void env_clear(struct env *env);
