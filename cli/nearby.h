/* SPDX-License-Identifier: Apache-2.0 */
/* What exec asks beside the exec itself, and only for options that want it: the youngest container, and a session's pid. */
#pragma once

#include <stddef.h>

/* The target whose init started last, of those that one of the caller's rules could match. 0, or the exit status after a line on stderr. */
int nearby_latest(char *ret, size_t size);

/* Opened before anything starts, so that a file that cannot be written is said in time: a descriptor, or -1 after a line on stderr. */
int nearby_pid_file(const char *path);
/* Writes the pid, as this host numbers it, of the session at that object path. As above. */
int nearby_write_pid(int fd, const char *path, const char *session);
