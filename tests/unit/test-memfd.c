/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed file is one with all four seals, and nothing else is. */
#include "common/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static void test_made(void **state) {
        const struct iovec parts[] = { { (void *)"one", 3 },
                                       { (void *)"", 0 },
                                       { (void *)"two", 4 } };
        char back[8] = "";
        size_t size = 0;
        int fd = memfd_sealed("test", parts, 3);

        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        assert_int_equal(fcntl(fd, F_GET_SEALS) & ALL, ALL);
        assert_int_equal(memfd_check(fd, 7, &size), 0);
        assert_int_equal(size, 7);
        assert_int_equal(memfd_read(fd, back, 7), 0);
        assert_string_equal(back, "onetwo");
        assert_int_equal(write(fd, "x", 1), -1);
        assert_int_equal(ftruncate(fd, 1), -1);
        assert_int_equal(ftruncate(fd, 100), -1);
        close(fd);
}

static void test_empty(void **state) {
        size_t size = 9;
        int fd = memfd_sealed("test", NULL, 0);

        assert_int_equal(memfd_check(fd, 0, &size), 0);
        assert_int_equal(size, 0);
        close(fd);
}

static void test_bounds(void **state) {
        const struct iovec part = { (void *)"12345", 5 };
        size_t size = 9;
        char back[8];
        int fd = memfd_sealed("test", &part, 1);

        assert_int_equal(memfd_check(fd, 4, &size), -EFBIG);
        assert_int_equal(size, 9);
        assert_int_equal(memfd_check(fd, 5, &size), 0);
        assert_int_equal(memfd_read(fd, back, 6), -EIO);
        close(fd);
}

static void test_each_seal(void **state) {
        static const int seals[] = { F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE };

        for (unsigned bits = 0; bits < 15; bits++) { /* 15 has them all */
                int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING), set = 0;
                size_t size = 9;

                for (unsigned i = 0; i < 4; i++)
                        set |= bits >> i & 1 ? seals[i] : 0;
                assert_int_equal(write(fd, "12345", 5), 5);
                assert_int_equal(fcntl(fd, F_ADD_SEALS, set), 0);
                assert_int_equal(memfd_check(fd, 100, &size), -EPERM);
                assert_int_equal(size, 9);
                close(fd);
        }
}

static void test_other_files(void **state) {
        char name[] = "/dev/shm/airlock-test-XXXXXX";
        int pipes[2], fds[6];
        size_t size;

        assert_int_equal(pipe(pipes), 0);
        fds[0] = mkstemp(name);
        unlink(name);
        fds[1] = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        fds[2] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        fds[3] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fds[4] = memfd_create("test", MFD_CLOEXEC); /* sealed against seals alone */
        fds[5] = pipes[0];
        for (unsigned i = 0; i < 6; i++) {
                assert_true(fds[i] >= 0);
                assert_int_equal(memfd_check(fds[i], 1 << 30, &size), -EPERM);
                close(fds[i]);
        }
        close(pipes[1]);
        assert_int_equal(memfd_check(-1, 10, &size), -EPERM);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_made),        cmocka_unit_test(test_empty),
                cmocka_unit_test(test_bounds),      cmocka_unit_test(test_each_seal),
                cmocka_unit_test(test_other_files),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
