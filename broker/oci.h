/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine's own files say of a container: crun's status, runc's state.json, OCI's config.json. Pure. */
#pragma once

#include "broker/error.h"
#include "broker/string-list.h"
#include "common/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct oci_state {
        int64_t pid;          /* 0: none yet, or no more */
        uint64_t start_ticks; /* 0: not said */
};

/* The process section: how the container's own command was started. */
struct oci_process {
        struct strings env;
        char *cwd; /* NULL: not said */
        uint32_t uid;
        uint32_t gid;
        uint32_t groups[LIMIT_GROUPS];
        uint32_t n_groups;
};

/* origin is what an error calls the file. 0; -ENOMEM; OUTCOME_HELPER_FAILED with a text: the engine's file is not understood. */
int oci_parse_crun_status(const char *text, size_t size, struct oci_state *ret,
                          struct error *error);
int oci_parse_runc_state(const char *text, size_t size, struct oci_state *ret, struct error *error);
int oci_parse_process(const char *text, size_t size, struct oci_process *ret, struct error *error);
void oci_process_clear(struct oci_process *process);
