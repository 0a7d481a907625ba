/* SPDX-License-Identifier: Apache-2.0 */
/* What a passed file descriptor is: anonymous pipes go into a container; the few other kinds that the ceiling can allow only into
 * some, and nothing else ever, since it is a way back. */
#pragma once

#include "broker/error.h"

enum fdkind_use { FDKIND_INPUT, FDKIND_OUTPUT, FDKIND_EXTRA };

/* 0 where fd is of one of the kinds, FD_KIND_* in *ret, and open for this use; -errno; OUTCOME_BAD_FD, whose text says what it
 * is and to pass a pipe. number is what the command would see it as. */
int fdkind_check(int fd, unsigned number, enum fdkind_use use, unsigned *ret, struct error *error);
/* The same for one that fdkind_check() took and the target does not. OUTCOME_BAD_FD. */
int fdkind_refuse(int fd, unsigned number, struct error *error);
