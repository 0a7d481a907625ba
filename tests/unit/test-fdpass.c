/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors come in exactly the number that was meant, close on exec, or none stays open. */
#include "common/fdpass.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int pair[2];

static unsigned count_fds(void) {
        DIR *d = opendir("/proc/self/fd");
        unsigned n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        closedir(d);
        return n;
}

static int open_pair(void **state) {
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int close_pair(void **state) {
        close(pair[0]);
        close(pair[1]);
        return 0;
}

/* sendmsg as a stranger would: any number of fds in any number of control messages, with or without credentials. */
static void send_raw(unsigned n_fds, unsigned n_messages, bool credentials, size_t size) {
        static char data[70000];
        union {
                char buf[2 * CMSG_SPACE(253 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
                struct cmsghdr align;
        } control = {};
        struct iovec iov = { data, size };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf };
        struct cmsghdr *c = &control.align;
        size_t used = 0;

        for (unsigned m = 0; m < n_messages; m++) {
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
                for (unsigned i = 0; i < n_fds; i++)
                        memcpy(CMSG_DATA(c) + i * sizeof(int), &pair[0], sizeof(int));
                used += CMSG_SPACE(n_fds * sizeof(int));
                c = (struct cmsghdr *)(control.buf + used);
        }
        if (credentials) {
                struct ucred me = { getpid(), getuid(), getgid() };

                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_CREDENTIALS;
                c->cmsg_len = CMSG_LEN(sizeof(me));
                memcpy(CMSG_DATA(c), &me, sizeof(me));
                used += CMSG_SPACE(sizeof(me));
        }
        msg.msg_controllen = used;
        assert_int_equal(sendmsg(pair[0], &msg, 0), size);
}

/* What is refused leaves as many fds open as there were. */
static void refused(int wanted, size_t max, size_t max_fds) {
        char buffer[1024];
        int fds[253];
        size_t size = 77, n = 88;
        unsigned before = count_fds();

        assert_int_equal(fdpass_recv(pair[1], buffer, max, &size, fds, max_fds, &n, MSG_DONTWAIT),
                         wanted);
        assert_int_equal(count_fds(), before);
        assert_int_equal(size, 77);
        assert_int_equal(n, 88);
}

static void test_round_trip(void **state) {
        for (unsigned n_sent = 0; n_sent <= FDPASS_MAX; n_sent++) {
                int fds[FDPASS_MAX], got[FDPASS_MAX];
                char buffer[16];
                size_t size, n;
                unsigned before = count_fds();

                for (unsigned i = 0; i < n_sent; i++)
                        fds[i] = i % 2 ? 0 : pair[0];
                assert_int_equal(fdpass_send(pair[0], "hello", 5, fds, n_sent, 0), 0);
                assert_int_equal(fdpass_recv(pair[1], buffer, sizeof(buffer), &size, got,
                                             FDPASS_MAX, &n, 0),
                                 0);
                assert_int_equal(size, 5);
                assert_memory_equal(buffer, "hello", 5);
                assert_int_equal(n, n_sent);
                for (unsigned i = 0; i < n; i++) {
                        assert_true(fcntl(got[i], F_GETFD) & FD_CLOEXEC);
                        close(got[i]);
                }
                assert_int_equal(count_fds(), before);
        }
}

/* With room for one int in the control buffer, the kernel delivers two, since the padding has room: the second leaks. */
static void test_two_where_one_is_expected(void **state) {
        send_raw(2, 1, false, 4);
        refused(-EBADMSG, 16, 1);
        send_raw(3, 1, false, 4);
        refused(-EBADMSG, 16, 1);
        send_raw(1, 1, false, 4);
        refused(-EBADMSG, 16, 0);
}

static void test_one_where_one_is_expected(void **state) {
        char buffer[16];
        int fd;
        size_t size, n;

        send_raw(1, 1, false, 4);
        assert_int_equal(fdpass_recv(pair[1], buffer, sizeof(buffer), &size, &fd, 1, &n, 0), 0);
        assert_int_equal(n, 1);
        close(fd);
}

static void test_many(void **state) {
        send_raw(253, 1, false, 4);
        refused(-EBADMSG, 16, 18);
        send_raw(253, 1, false, 4);
        refused(-EBADMSG, 16, 252);
}

static void test_two_control_messages(void **state) {
        char buffer[16];
        int fds[4];
        size_t size, n;
        unsigned before = count_fds();

        send_raw(1, 2, false, 4); /* the kernel joins them to one */
        refused(-EBADMSG, 16, 1);
        send_raw(1, 2, false, 4);
        assert_int_equal(fdpass_recv(pair[1], buffer, sizeof(buffer), &size, fds, 4, &n, 0), 0);
        assert_int_equal(n, 2);
        close(fds[0]);
        close(fds[1]);
        assert_int_equal(count_fds(), before);
}

static void test_credentials_besides(void **state) {
        int on = 1;

        assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
        send_raw(1, 1, true, 4);
        refused(-EBADMSG, 16, 4);
        send_raw(0, 0, true, 4);
        refused(-EBADMSG, 16, 4);
}

static void test_long_message(void **state) {
        char buffer[16];
        int fds[4];
        size_t size, n;

        send_raw(2, 1, false, 17);
        refused(-EMSGSIZE, 16, 4);
        send_raw(0, 0, false, 60000);
        refused(-EMSGSIZE, 16, 4);
        send_raw(0, 0, false, 16);
        assert_int_equal(fdpass_recv(pair[1], buffer, sizeof(buffer), &size, fds, 4, &n, 0), 0);
        assert_int_equal(size, 16);
}

/* An empty message and an end look the same, and mean the same: what came with it is closed. */
static void test_end(void **state) {
        refused(-EAGAIN, 16, 4);
        send_raw(1, 1, false, 0);
        refused(-ECONNRESET, 16, 4);
        close(pair[0]);
        pair[0] = -1;
        refused(-ECONNRESET, 16, 4);
}

static void test_send_bounds(void **state) {
        int fds[FDPASS_MAX + 1] = {};

        assert_int_equal(fdpass_send(pair[0], "x", 1, fds, FDPASS_MAX + 1, 0), -EINVAL);
        assert_int_equal(fdpass_send(pair[0], "x", 1, (const int[]){ -1 }, 1, 0), -EBADF);
        refused(-EAGAIN, 16, 4);
        close(pair[1]);
        pair[1] = -1;
        assert_int_equal(fdpass_send(pair[0], "x", 1, NULL, 0, 0), -EPIPE); /* and no signal */
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
        const struct CMUnitTest tests[] = {
                T(test_round_trip),
                T(test_two_where_one_is_expected),
                T(test_one_where_one_is_expected),
                T(test_many),
                T(test_two_control_messages),
                T(test_credentials_besides),
                T(test_long_message),
                T(test_end),
                T(test_send_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
