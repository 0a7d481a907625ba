/* SPDX-License-Identifier: Apache-2.0 */
/* Reads files out of folders that stand in for each other, and believes only what root alone could write. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "policy/load.h"

/* One file's text: 0; 1: errors, which were appended; -errno. */
typedef int folder_take(void *data, const char *path, const char *text, size_t len,
                        struct policy_errors *errors);

/* Files whose name ends in suffix, by name, without those that are hidden or masked. Goes on after an error of a file,
 * so that all are told; 0, 1 or -errno. */
int folder_read(const struct policy_sources *sources, const char *suffix, folder_take *take,
                void *data, struct policy_errors *errors);

struct folder_file {
        const char *path;
        const char *hidden_by; /* the file of the same name in a stronger folder; NULL: this one counts */
        bool masked;           /* a link to /dev/null: holds nothing */
};

/* 0 or -errno, which ends it. */
typedef int folder_saw(void *data, const struct folder_file *file);

/* The same files and those that do not count, without opening one: what hides what. */
int folder_list(const struct policy_sources *sources, const char *suffix, folder_saw *saw,
                void *data, struct policy_errors *errors);
