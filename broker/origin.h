/* SPDX-License-Identifier: Apache-2.0 */
/* The name that podman or docker gave a container which the kernel shows us: asked of their own files, and believed only if they say
 * that this process is its init. Never waits. */
#pragma once

#include "broker/engine-files.h"

#include <stdint.h>

struct lookup_context;
struct origin;

struct origin_start {
        const struct lookup_context *context;
        uint64_t now;
        struct engine_origin of; /* engine podman or docker, with an id */
        int32_t pid;
        /* container is NULL where no file of that engine says who it is; its contents may be taken. */
        void (*done)(void *userdata, int result, struct engine_container *container);
        void *userdata;
};

/* 0 and done() comes later, and never from within; -errno. -ENOENT: there is nothing to ask. */
int origin_start(const struct origin_start *start, struct origin **ret);
struct origin *origin_free(struct origin *origin); /* takes and returns NULL; done() does not come */
