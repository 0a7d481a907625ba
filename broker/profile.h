/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp profile in the format of the containers tools or of the OCI runtime specification,
 * parsed strictly: an unknown key, a wrong type or an odd number is an error with one clear text,
 * never a guess.
 * This header must never include json.h or seccomp.h: only profile.c and filter.c know those
 * libraries.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROFILE_MAX_BYTES (1024 * 1024) /* LIMIT_PROFILE_BYTES; of a whole OCI config too */

struct profile;

/* Why a profile was refused, as one line for the caller ("ORIGIN: what was wrong; what was
 * expected"). */
struct profile_error {
        char text[256];
};

/* containers format (defaultAction, archMap or architectures, syscalls with includes and excludes).
 * origin is what the error text calls it: a profile's name, never a path of the host that the
 * caller may not know.
 * 0: *ret is set · <0: -errno · OUTCOME_BAD_PROFILE: err->text says why; *ret untouched. */
int profile_parse(const char *text, size_t size, const char *origin, struct profile **ret,
                  struct profile_error *err);

/* The linux.seccomp section of an OCI config.json. 0 with *ret == NULL: the config has no such
 * section, the container itself runs unfiltered. A section that asks for SCMP_ACT_NOTIFY or
 * SCMP_ACT_TRACE is OUTCOME_BAD_PROFILE. */
int profile_parse_oci(const char *text, size_t size, const char *origin, struct profile **ret,
                      struct profile_error *err);

/* Takes NULL, returns NULL. */
struct profile *profile_free(struct profile *profile);
void profile_freep(struct profile **profile);

/* A name as a request or rule may give it: [A-Za-z0-9][A-Za-z0-9._-]{0,63}, no path ever; so that
 * NAME.json below a seccomp.d folder is all that it can reach. "target", "default" and "unconfined"
 * are well formed too; their meaning is the caller's. */
bool profile_name_is_valid(const char *name);

/* Reads NAME.json from the first of the NULL-ended folders that has it (the caller lists the
 * strongest first: /etc, /run, /usr/lib): regular, root-owned, not writable by group or others, no
 * symlink. -ENOENT: none has it. */
int profile_load(const char *const *folders, const char *name, struct profile **ret,
                 struct profile_error *err);
