/* SPDX-License-Identifier: Apache-2.0 */
/* From a target's name to a target: what is known already, or what engine, kernel and helper say. Never waits. */
#pragma once

#include "broker/error.h"

#include <stddef.h>
#include <stdint.h>

struct links;
struct target;
struct targets;
struct lookup;
struct dict;
struct roster;

/* A name as a caller spells it. */
struct target_spec {
        const char *engine; /* a literal; NULL: any */
        const char *name;   /* points into what was given */
        int32_t pid;        /* of pid:N; else 0 */
};
/* 0; OUTCOME_INVALID_ARGS with a text (an engine that is none, a pid that is no number). */
int target_spec_parse(const char *text, struct target_spec *ret, struct error *error);

/* A state folder of one engine. */
struct lookup_place {
        const char *engine;
        const char *dir;
};

struct lookup_context {
        struct links *links;
        struct targets *targets;
        struct roster *roster;
        const struct lookup_place *places;
        size_t n_places;
        const struct lookup_place *stores; /* of podman, podman-run and docker: what they say of names */
        size_t n_stores;
};

/* target is borrowed and NULL unless result is 0. Never called from within lookup_start(). */
typedef void (*lookup_done_t)(void *userdata, int result, struct target *target,
                              struct error *error);

/* 0 and *ret_target: known and verified, nothing is asked · 0 and *ret_lookup: done() comes · -errno, or an outcome with a text. */
struct lookup_start {
        const struct lookup_context *context;
        struct target_spec spec;
        uint64_t now;
        lookup_done_t done;
        void *userdata;
};
int lookup_start(const struct lookup_start *start, struct target **ret_target,
                 struct lookup **ret_lookup, struct error *error);
struct lookup *lookup_free(
        struct lookup *lookup); /* takes and returns NULL; done() does not come any more */
