/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of file descriptors that may be passed into a container, as the ceiling's FdKinds= names them. */
#pragma once

enum fd_kind {
        FD_KIND_PIPE = 1 << 0, /* always */
        FD_KIND_INET = 1 << 1,
        FD_KIND_INET_LISTEN = 1 << 2,
        FD_KIND_UNIX = 1 << 3,
        FD_KIND_FILE = 1 << 4,
        FD_KINDS = (1 << 5) - 1,
};

/* The one kind that an fd is, or 0: it is of none, and never to be passed. Asks only what changes nothing. */
unsigned fdtype_of(int fd);
