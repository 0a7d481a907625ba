/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's text files, taken apart: fields at the beginning of a line, numbers that fit, nothing beyond a buffer. */
#include "helper/text.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void test_numbers(void **state) {
        static const struct {
                const char *text;
                int base, result;
                uint64_t value;
                size_t used;
        } rows[] = {
                { "0", 10, 0, 0, 1 },
                { "  \t12x", 10, 0, 12, 5 },
                { "18446744073709551615", 10, 0, UINT64_MAX, 20 },
                { "18446744073709551616", 10, -EINVAL, 0, 0 },
                { "99999999999999999999", 10, -EINVAL, 0, 0 },
                { "ffffffffffffffff", 16, 0, UINT64_MAX, 16 },
                { "10000000000000000", 16, -EINVAL, 0, 0 },
                { "000001ff", 16, 0, 0x1ff, 8 },
                { "1ff", 10, 0, 1, 1 },
                { "a", 10, -EINVAL, 0, 0 },
                { "FF", 16, -EINVAL, 0, 0 },
                { "", 10, -EINVAL, 0, 0 },
                { "-1", 10, -EINVAL, 0, 0 },
                { "+1", 10, -EINVAL, 0, 0 },
                { "\n1", 10, -EINVAL, 0, 0 },
        };

        for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                const char *p = rows[i].text;
                uint64_t v = 0;

                assert_int_equal(text_u64(&p, rows[i].base, &v), rows[i].result);
                assert_true(v == rows[i].value);
                assert_int_equal(p - rows[i].text, rows[i].used);
        }
}

static void test_fields(void **state) {
        static const char text[] =
                "Name:\tCapEff: 1\nCapEff:\t  2f\nXCapEff:\t3\nCapEff:\t4\nLast:\t5";
        uint64_t v;

        assert_null(text_field(text, "None:"));
        assert_null(text_field("", "A:"));
        assert_string_equal(text_field(text, "Last:"), "5");
        assert_int_equal(text_field_u64(text, "CapEff:", 16, &v), 0);
        assert_int_equal(v, 0x2f); /* the first line that begins so, not a name that holds it */
        assert_int_equal(text_field_u64(text, "XCapEff:", 10, &v), 0);
        assert_int_equal(v, 3);
        assert_int_equal(text_field_u64(text, "Name:", 10, &v), -EINVAL);
        assert_int_equal(text_field_u64(text, "ame:", 10, &v), -EINVAL);
}

static int file_of(size_t n) {
        int fd = memfd_create("test", MFD_CLOEXEC);

        for (size_t i = 0; i < n; i++)
                assert_int_equal(write(fd, "x", 1), 1);
        return fd;
}

/* The text and its NUL fit, or nothing is believed. */
static void test_bounds(void **state) {
        for (size_t n = 0; n < 12; n++) {
                char *buf = malloc(10); /* a sanitizer sees the eleventh byte */
                int fd = file_of(n), r = text_pread_file(fd, buf, 10);

                if (n < 10) {
                        assert_int_equal(r, n);
                        assert_int_equal(buf[n], 0);
                } else {
                        assert_int_equal(r, -EFBIG);
                }
                close(fd);
                free(buf);
        }
}

static void test_proc(void **state) {
        char small[16], large[8192];
        int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
        uint64_t pid;

        assert_true(text_read(proc, "status", large, sizeof(large)) > 100);
        assert_int_equal(text_field_u64(large, "Pid:", 10, &pid), 0);
        assert_int_equal(pid, getpid());
        assert_int_equal(text_read(proc, "status", small, sizeof(small)), -EFBIG);
        assert_int_equal(text_read(proc, "none", large, sizeof(large)), -ENOENT);
        assert_int_equal(text_read(-1, "status", large, sizeof(large)), -EBADF);
        close(proc);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_fields),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_proc),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
