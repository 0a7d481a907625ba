/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling: what no plan may exceed, from a file that only root can write. */
#pragma once

#include "common/fdtype.h"
#include "common/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ceiling {
        char text[LIMIT_CEILING_BYTES]; /* what the strings below point into */
        const char *patterns[LIMIT_CEILING_PATTERNS];
        size_t n_patterns;
        const char *dirs[LIMIT_CEILING_DIRS];
        size_t n_dirs;
        uint64_t plain_caps; /* over the target's own set; all of them where the file says "target" */
        uint64_t privileged_caps;
        bool privileged_into_ptrace;
        bool allow_uid0;
        bool allow_other_user;
        bool allow_unconfined;
        unsigned fd_kinds; /* FD_KIND_*: over what the target allows, plan_fd_kinds() */
        uint32_t sessions; /* at once */
        uint32_t rate;     /* connections a second */
};

struct ceiling_error {
        unsigned line; /* 0: the file as a whole */
        const char *what;
};

/* Parses text in place (it is kept and changed). Keys that are absent keep the built-in value. 0 or -EINVAL and *error. */
int ceiling_parse(struct ceiling *c, struct ceiling_error *error);

/* Reads the file at AIRLOCK_CONF_DIR "/ceiling.conf": absent means built-in. 0 or -errno and *error: the caller
 * refuses everything at its start, or keeps the last good one. */
int ceiling_load(struct ceiling *c, struct ceiling_error *error);

/* A cgroup's path from the root of the hierarchy matches a pattern; * and ? do not match a slash. */
bool ceiling_allows_cgroup(const struct ceiling *c, const char *path);
/* A pattern matches it, or may match something below it. */
bool ceiling_leads_to(const struct ceiling *c, const char *path);
bool ceiling_lists_dir(const struct ceiling *c, const char *dir);
