/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed memory files: what one side wrote the other side reads, and nobody changes it in between. */
#pragma once

#include <stddef.h>
#include <sys/uio.h>

/* A memfd with these bytes and all four seals (shrink, grow, write, seal), CLOEXEC. The fd or -errno. */
int memfd_sealed(const char *name, const struct iovec *parts, size_t n_parts);

/* 0 and the size where fd is such a file and not larger than max; -EPERM where a seal is missing or it is no
 * memfd, -EFBIG where it is larger, or -errno. */
int memfd_check(int fd, size_t max, size_t *ret_size);

/* Reads exactly size bytes from the start; 0 or -errno (-EIO where there are fewer). */
int memfd_read(int fd, void *buffer, size_t size);
