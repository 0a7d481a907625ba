/* SPDX-License-Identifier: Apache-2.0 */
/* Passing of file descriptors: exact counts, CLOEXEC from birth, nothing left open after a refusal.
 *
 * The control buffer has room for as many as the kernel ever sends (SCM_MAX_FD). A smaller one is a trap:
 * with room for one int the kernel delivers two (the padding of CMSG_SPACE has room), and the second leaks. */
#include "common/fdpass.h"

#include "common/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define SCM_MAX_FD 253

int fdpass_send(int sock, const void *message, size_t size, const int *fds, size_t n_fds, int flags) {
        union {
                char buf[CMSG_SPACE(sizeof(int) * FDPASS_MAX)];
                struct cmsghdr align;
        } control = {};
        struct iovec iov = { (void *)message, size };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;

        if (n_fds > FDPASS_MAX)
                return -EINVAL;
        if (n_fds > 0) {
                struct cmsghdr *c = &control.align;

                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
                memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
                msg.msg_control = control.buf;
                msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        }
        n = sendmsg(sock, &msg, flags | MSG_NOSIGNAL);
        if (n < 0)
                return -errno;
        return (size_t)n == size ? 0 : -EMSGSIZE;
}

/* All fds of all control messages, closed where there is no room; false where anything else came. */
static int collect(struct msghdr *msg, int *fds, size_t max_fds, size_t *ret_n) {
        size_t n = 0;
        int r = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
                size_t bytes = c->cmsg_len - CMSG_LEN(0);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || bytes % sizeof(int)) {
                        r = -EBADMSG;
                        continue;
                }
                for (size_t i = 0; i < bytes / sizeof(int); i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
                        if (n < max_fds) {
                                fds[n++] = fd;
                        } else {
                                close_fd(fd);
                                r = -EBADMSG;
                        }
                }
        }
        *ret_n = n;
        return r;
}

int fdpass_recv(int sock, void *buffer, size_t max, size_t *ret_size, int *fds, size_t max_fds, size_t *ret_n, int flags) {
        union {
                char buf[CMSG_SPACE(sizeof(int) * SCM_MAX_FD)];
                struct cmsghdr align;
        } control;
        struct iovec iov = { buffer, max };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf) };
        size_t n_fds = 0;
        ssize_t n;
        int r;

        do
                n = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        r = collect(&msg, fds, max_fds, &n_fds);
        /* A security module that refuses one fd drops it and all that follow and says only MSG_CTRUNC. */
        if (r == 0 && msg.msg_flags & MSG_CTRUNC)
                r = -EBADMSG;
        if (r == 0 && msg.msg_flags & MSG_TRUNC)
                r = -EMSGSIZE;
        if (r == 0 && n == 0)
                r = -ECONNRESET;
        if (r < 0) {
                close_fds(fds, n_fds);
                return r;
        }
        *ret_size = (size_t)n;
        *ret_n = n_fds;
        return 0;
}
