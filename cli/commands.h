/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands. */
#pragma once

struct command {
        const char *name;
        int (*main)(const char *command, int argc, char **argv);
        const char *usage, *summary, *options;
};

/* Ends with an empty one. */
extern const struct command commands[];
