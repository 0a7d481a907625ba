/* SPDX-License-Identifier: Apache-2.0 */
/* Named seccomp profiles, read once and kept until a reload. */
#pragma once

#include "broker/error.h"

struct profile;
struct profiles;
struct target;

struct profiles *profiles_new(void);
struct profiles *profiles_free(struct profiles *profiles);
void profiles_clear(struct profiles *profiles);

/* What a name of a verdict means for a target: "target" is its own profile; where it has none and nobody says that it has none
 * (declared is false), default if its init is filtered, else nothing. *ret borrowed; NULL: no filtering of its own.
 * 0; -errno; OUTCOME_BAD_PROFILE with a text. Not for "unconfined". */
int profiles_get(struct profiles *profiles, const char *name, const struct target *target,
                 const struct profile **ret, struct error *error);
