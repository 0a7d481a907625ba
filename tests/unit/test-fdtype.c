/* SPDX-License-Identifier: Apache-2.0 */
/* Each fd is of one kind or of none; the full table, with what needs root, is tests/helper/fdkinds.py. */
#include "common/fdtype.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void is(int fd, unsigned kind) {
        assert_true(fd >= 0);
        assert_int_equal(fdtype_of(fd), kind);
        close(fd);
}

static void pipes_and_files(void **state) {
        char path[] = "/tmp/airlock-fdtype-XXXXXX";
        int ends[2];

        assert_int_equal(pipe(ends), 0);
        is(ends[0], FD_KIND_PIPE);
        is(ends[1], FD_KIND_PIPE);
        is(mkstemp(path), FD_KIND_FILE);
        is(open(path, O_PATH), 0);
        unlink(path);
        is(memfd_create("x", 0), FD_KIND_FILE);
        is(open("/proc/self/status", O_RDONLY), 0);
        is(open("/dev/null", O_RDWR), 0);
        is(open("/", O_RDONLY | O_DIRECTORY), 0);
        assert_int_equal(fdtype_of(-1), 0);
        assert_int_equal(fdtype_of(987), 0);
}

static void unix_sockets(void **state) {
        static const int others[] = { SOCK_DGRAM, SOCK_SEQPACKET };
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        is(pair[0], FD_KIND_UNIX);
        close(pair[1]);
        is(socket(AF_UNIX, SOCK_STREAM, 0), 0);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(socketpair(AF_UNIX, others[i], 0, pair), 0);
                is(pair[0], 0);
                close(pair[1]);
        }
}

static void inet_sockets(void **state) {
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(at);
        int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);

        assert_int_equal(bind(server, (struct sockaddr *)&at, size), 0);
        assert_int_equal(fdtype_of(server), 0);
        assert_int_equal(listen(server, 1), 0);
        assert_int_equal(getsockname(server, (struct sockaddr *)&at, &size), 0);
        assert_int_equal(fdtype_of(client), 0);
        assert_int_equal(connect(client, (struct sockaddr *)&at, size), 0);
        assert_int_equal(connect(udp, (struct sockaddr *)&at, size), 0);
        is(accept(server, NULL, NULL), FD_KIND_INET);
        is(client, FD_KIND_INET);
        is(server, FD_KIND_INET_LISTEN);
        is(udp, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pipes_and_files),
                cmocka_unit_test(unix_sockets),
                cmocka_unit_test(inet_sockets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
