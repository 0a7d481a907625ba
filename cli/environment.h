/* SPDX-License-Identifier: Apache-2.0 */
/* The environment that a caller asks for: -e and --env-file, as docker and podman read them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct strings {
        char **items;
        size_t n;
};

void strings_free(struct strings *strings);
void strings_add(struct strings *strings, const char *item);
bool strings_utf8(const struct strings *strings);

/* KEY=VALUE as it is; KEY takes our own value, and where we have none asks to remove it; PREFIX* takes all of ours that begin so. */
int environment_add(struct strings *environment, const char *spec);
/* 0, or -errno with a line on stderr. */
int environment_file(struct strings *environment, const char *path);
