/* SPDX-License-Identifier: Apache-2.0 */
/* One question to the helper (describe, list, open) and its one answer. */
#pragma once

#include "broker/error.h"

#include <stddef.h>
#include <stdint.h>

struct links;
struct ask;
struct wire_facts;

struct answer {
        int result;      /* 0; -errno; enum outcome, with the text in error */
        uint32_t reason; /* the helper's, where it refused */
        struct error error;
        const struct wire_facts *facts; /* of a describe; no longer than the callback */
        char *text; /* of a file, names, the environment; a NUL follows; freed after the callback unless taken (set to NULL) */
        size_t text_size;
};

/* Who asks. The callback comes exactly once, never from within ask_*(), and the ask is gone by then. */
struct asker {
        struct links *links;
        uint64_t now; /* loop_now() */
        void (*done)(void *userdata, struct answer *answer);
        void *userdata;
};

/* 0 and *ret, or -errno. */
int ask_list(const struct asker *asker, const char *dir, struct ask **ret);
int ask_state(const struct asker *asker, const char *dir, const char *path, struct ask **ret);
/* what: WIRE_OPEN_PASSWD or WIRE_OPEN_GROUP. */
int ask_account(const struct asker *asker, unsigned what, int pidfd, struct ask **ret);
int ask_describe(const struct asker *asker, int pidfd, struct ask **ret);
struct ask *ask_free(struct ask *ask); /* takes and returns NULL; no callback comes any more */

/* The text of a failed connection to the helper, by -errno. */
int ask_link_error(struct error *error, int r);
