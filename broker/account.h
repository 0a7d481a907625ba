/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the host's own users and groups. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* 0 and *ret (NULL: none), or -errno: the name service broke, which is not the same as having no name. */
int account_name(bool group, uint32_t id, char **ret);
/* The account of this name, or of this number where it is all digits. 0 and the outputs; OUTCOME_INVALID_ARGS: there is none; -errno. */
int account_find(const char *user, uint32_t *ret_uid, uint32_t *ret_gid, char **ret_name);
/* The groups of a new login of it, the primary one included: their number, at most max; -E2BIG: there are more. */
int account_groups(const char *name, uint32_t gid, uint32_t *groups, unsigned max);
