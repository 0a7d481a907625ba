/* SPDX-License-Identifier: Apache-2.0 */
/* One send and one receive of a message with file descriptors. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define FDPASS_MAX 32u

/* Sends one message (never a part: SOCK_SEQPACKET) with n (at most FDPASS_MAX) fds. flags: MSG_DONTWAIT or 0; SIGPIPE is never raised.
 * 0 or -errno. The fds stay the caller's. */
int fdpass_send(int sock, const void *message, size_t size, const int *fds, size_t n_fds, int flags);

/* Receives one message into buffer. 0 and *ret_size, *ret_n (fds are CLOEXEC and the caller's), or -errno:
 * -ECONNRESET end of stream, -EMSGSIZE message longer than max, -EBADMSG control data truncated, not only
 * SCM_RIGHTS, or more than max_fds. On any error every fd that came is closed. flags: MSG_DONTWAIT or 0. */
int fdpass_recv(int sock, void *buffer, size_t max, size_t *ret_size, int *fds, size_t max_fds, size_t *ret_n, int flags);
