/* SPDX-License-Identifier: Apache-2.0 */
/* broker.conf: where the engines keep their state, and the quotas. Own strict parser, pure but for settings_load(). */
#pragma once

#include "broker/error.h"
#include "broker/lookup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_PLACES 64

struct settings {
        struct settings *older; /* kept: lookups under way point into it */
        struct lookup_place
                places[SETTINGS_PLACES]; /* grouped by engine; their strings are the settings's */
        size_t n_places;
        struct lookup_place stores[SETTINGS_PLACES]; /* of podman, podman-run and docker */
        size_t n_stores;
        uint32_t sessions_per_user; /* that have not ended */
        uint32_t sessions;          /* of all users */
        uint32_t starts_per_minute; /* of one user */
        uint32_t requests_per_user; /* calls that have no answer yet */
        uint32_t forget_after_s;    /* after the end of a session */
        uint32_t
                history_days; /* how long the history keeps a session; these three when the broker starts */
        uint32_t history_sessions; /* and how many */
        uint32_t history_mib;      /* and in how large a file */
        uint32_t prompt_timeout_s; /* that a person has to answer polkit */
        bool setuid; /* the helper is started through its set-uid bit; looked at when the broker starts */
};

/* The values without a file. 0 or -ENOMEM. */
int settings_defaults(struct settings **ret);
/* Adds the lines of one file on top; a key that lists folders replaces the defaults at its first line and adds from then on.
 * 0; -ENOMEM; OUTCOME_INVALID_ARGS with FILE:LINE:COLUMN and a text. */
int settings_parse(struct settings *settings, const char *file, const char *text, size_t size,
                   struct error *error);
/* Reads broker.conf of the strongest of the three configuration folders that has one. 0; -errno; an outcome with a text. */
int settings_load(struct settings **ret, struct error *error);
struct settings *settings_free(struct settings *settings); /* takes and returns NULL */
