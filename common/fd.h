/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: -1 is "none" (never 0, which is a valid one), closed once, handed over by name. */
#pragma once

#include <unistd.h>

/* Closes and returns -1, so that `fd = close_fd(fd)` cannot close twice. */
static inline int close_fd(int fd) {
        if (fd >= 0)
                close(fd);
        return -1;
}

static inline int take_fd(int *fd) {
        int r = *fd;
        *fd = -1;
        return r;
}

static inline void close_fds(int *fds, size_t n) {
        for (size_t i = 0; i < n; i++)
                fds[i] = close_fd(fds[i]);
}

static inline void close_fdp(int *fd) {
        *fd = close_fd(*fd);
}

#define _cleanup_close_ __attribute__((__cleanup__(close_fdp)))
#define _cleanup_(f) __attribute__((__cleanup__(f)))
