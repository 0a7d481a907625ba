/* SPDX-License-Identifier: Apache-2.0 */
/* The table of exec's options: every flag of docker exec, podman exec and our own, and what becomes of it on the bus. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
        SENT_FLAG,     /* b */
        SENT_STRING,   /* s */
        SENT_LIST,     /* as, one a flag */
        SENT_COMMAS,   /* as, several a flag */
        SENT_DURATION, /* t in ms */
        SENT_LIMIT,    /* t within limits */
        HERE_FLAG,
        HERE_VALUE,
        LATER, /* known from the peers, not built: refused by name */
};

struct option_row {
        const char *name;
        char letter;
        enum option_kind kind;
        const char *key;
};

#define OPTIONS_MAX 64

extern const struct option_row option_rows[];
extern const size_t option_count;

bool option_takes_value(const struct option_row *row);
/* What a flag, a duration (in ms) and an amount say; false where it is none. A flag without a value is true. */
bool option_flag(const char *value, bool *ret);
bool option_duration(const char *text, uint64_t *ret);
bool option_amount(const char *text, uint64_t *ret);
