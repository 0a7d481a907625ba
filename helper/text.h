/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's text files, read whole into a buffer of the caller and taken apart without copying. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* For one /proc/PID/status at a time: a process may have 65,536 groups. */
#define TEXT_SCRATCH (1u << 20)
extern char text_scratch[TEXT_SCRATCH];

/* Reads name below dir into buf and ends it with NUL. The length, -EFBIG where it does not fit, or -errno. */
int text_read(int dir, const char *name, char *buf, size_t size);

/* Same for an open file of procfs or cgroupfs, from its start; and for any other file. */
int text_pread(int fd, char *buf, size_t size);
int text_pread_file(int fd, char *buf, size_t size);

/* The rest of the line that begins with key (without blanks), or NULL. */
const char *text_field(const char *text, const char *key);

/* A number in base 10 or 16 at *p (blanks are skipped), moved behind it. 0 or -EINVAL. */
int text_u64(const char **p, int base, uint64_t *ret);

/* Field n (4 and on; a sign is passed over) of a /proc/PID/stat, counted from the last parenthesis, since the name may
 * hold any byte. 0 or -EINVAL. */
int text_stat_field(const char *stat, unsigned n, uint64_t *ret);

/* A field that is one number. 0 or -EINVAL. */
int text_field_u64(const char *text, const char *key, int base, uint64_t *ret);
