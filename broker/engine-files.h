/* SPDX-License-Identifier: Apache-2.0 */
/* What the engines' own files say of a container beyond its process: its name, image and labels. Pure. What a file does not say
 * clearly is not known, which is not the same as not there. */
#pragma once

#include "broker/error.h"
#include "broker/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy_label;

struct metadata {
        char *image; /* NULL: none, or not known */
        bool image_known;
        struct policy_label *labels; /* NULL: none, or not known */
        size_t n_labels;
        bool labels_known;
};
void metadata_clear(struct metadata *metadata);

/* Annotations of an OCI config.json, as crun keeps it, and their copy in runc's state.json. 0; -ENOMEM; an outcome with a text.
 * *ret is empty before. */
int engine_read_config(const char *text, size_t size, struct metadata *ret, struct error *error);
int engine_read_runc_state(const char *text, size_t size, struct metadata *ret,
                           struct error *error);

/* What docker and podman say of the container with this id. */
struct engine_container {
        char name[LIMIT_ENGINE_NAME_BYTES]; /* "": not said, or none that a target can have */
        int64_t pid;                        /* of its init; 0: not said, or it does not run */
        struct metadata metadata;
};
/* config.v2.json of docker. */
int engine_read_docker(const char *text, size_t size, const char *id,
                       struct engine_container *ret, struct error *error);
/* containers.json of podman's storage: names and image; the labels are in a database of its own that nobody else can read. */
int engine_read_podman(const char *text, size_t size, const char *id,
                       struct engine_container *ret, struct error *error);
/* A file with one number. 0: it is none. */
int64_t engine_read_pidfile(const char *text, size_t size);

/* Which engine made the container, by the cgroup path of its init. */
struct engine_origin {
        const char *engine; /* NULL: nobody's mark is on it */
        char id[65];        /* in full; "": that engine has none */
};
/* The topmost mark counts: what is below it may be of the container's own making. */
void engine_of_cgroup(const char *path, struct engine_origin *ret);
