/* SPDX-License-Identifier: Apache-2.0 */
/* What a passed file descriptor is: only anonymous pipes go into a container, since every other kind is a way back. */
#pragma once

#include "broker/error.h"

enum fdkind_use { FDKIND_INPUT, FDKIND_OUTPUT, FDKIND_EXTRA };

/* 0 where fd is an anonymous pipe that is open for this use; -errno; OUTCOME_BAD_FD, whose text says what it is and to pass a
 * pipe. number is what the command would see it as. */
int fdkind_check(int fd, unsigned number, enum fdkind_use use, struct error *error);
