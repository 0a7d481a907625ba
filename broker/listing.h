/* SPDX-License-Identifier: Apache-2.0 */
/* All targets that run: the engines' by name, and every other init of a pid namespace by its number. Never waits. */
#pragma once

#include "broker/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct links;
struct listing;
struct lookup_context;

struct listed {
        const char *engine;
        const char *dir; /* NULL: no engine's */
        char *name;
        int32_t pid;
};

struct listing_start {
        const struct lookup_context *context;
        uint64_t now;
        /* Whether this name is to be shown at all; what is not is not even opened. */
        bool (*wanted)(void *userdata, const char *engine, const char *name);
        /* result as of a lookup; the list is the listing's own. */
        void (*done)(void *userdata, int result, const struct listed *list, size_t n,
                     const char *text);
        void *userdata;
};

/* 0 and done() comes later; -errno. */
int listing_start(const struct listing_start *start, struct listing **ret);
struct listing *listing_free(
        struct listing *listing); /* takes and returns NULL; done() does not come any more */
