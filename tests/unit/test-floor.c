/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both floors call by call: interpreted for every number and architecture, and loaded for real,
 * with each refused call made with arguments that are harmless if it succeeds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "helper/cbpf.h"
#include "helper/floor.h"
#include "helper/step-filter.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define REFUSED (SECCOMP_RET_ERRNO | EPERM)

/* By name, so that a wrong number in the table shows. */
static const char *const plain[] = {
        "create_module",
        "init_module",
        "finit_module",
        "delete_module",
        "get_kernel_syms",
        "query_module",
        "kexec_load",
        "kexec_file_load",
        "reboot",
        "bpf",
        "perf_event_open",
        "lookup_dcookie",
        "open_by_handle_at",
        "add_key",
        "request_key",
        "keyctl",
        "swapon",
        "swapoff",
        "clock_settime",
        "clock_settime64",
        "settimeofday",
        "stime",
        "acct",
        "iopl",
        "ioperm",
        "quotactl",
        "quotactl_fd",
        "nfsservctl",
        "uselib",
        "io_uring_setup",
        "io_uring_enter",
        "io_uring_register",
        "userfaultfd",
        "vm86old",
        "vm86",
};

static uint32_t judge(enum floor floor, bool allow_32bit, uint32_t arch, uint32_t nr,
                      uint64_t arg1) {
        const struct floor_program *p = floor_get(floor, allow_32bit);
        struct seccomp_data data = { .nr = (int)nr, .arch = arch, .args = { 0, arg1 } };

        assert_non_null(p);
        return cbpf_run(p->code, p->n, &data);
}

static bool is_in_plain(uint32_t scmp_arch, int nr) {
        for (size_t i = 0; i < N(plain); i++)
                if (seccomp_syscall_resolve_name_arch(scmp_arch, plain[i]) == nr)
                        return true;
        return false;
}

static void names_are_known(void **state) {
        for (size_t i = 0; i < N(plain); i++)
                assert_true(seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, plain[i]) !=
                            __NR_SCMP_ERROR);
}

static void compare_floor(enum floor floor, uint32_t arch, uint32_t scmp_arch) {
        for (int nr = 0; nr < 1024; nr++) {
                uint32_t wanted = floor == FLOOR_PLAIN && is_in_plain(scmp_arch, nr)
                                        ? REFUSED
                                        : SECCOMP_RET_ALLOW;
                uint32_t got = judge(floor, true, arch, (uint32_t)nr, 0);

                if (got != wanted)
                        fail_msg("floor %d, arch %#x, call %d: %#x instead of %#x", (int)floor,
                                 arch, nr, got, wanted);
        }
}

static void every_number(void **state) {
        compare_floor(FLOOR_PRIVILEGED, AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64);
        compare_floor(FLOOR_PRIVILEGED, AUDIT_ARCH_I386, SCMP_ARCH_X86);
        compare_floor(FLOOR_PLAIN, AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64);
        compare_floor(FLOOR_PLAIN, AUDIT_ARCH_I386, SCMP_ARCH_X86);
}

/* x32 always, and the 32-bit calls unless they are listed; other machines' numbers never. */
static void foreign_architectures(void **state) {
        static const uint32_t others[] = { AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM,
                                           AUDIT_ARCH_X86_64 & ~__AUDIT_ARCH_64BIT, 0 };

        for (int floor = 0; floor < N_FLOORS; floor++)
                for (uint32_t nr = 0; nr < 1024; nr++) {
                        uint32_t x32 = nr | 0x40000000;

                        for (int allow = 0; allow < 2; allow++) {
                                assert_int_equal(judge((enum floor)floor, allow, AUDIT_ARCH_X86_64,
                                                       x32, 0),
                                                 SECCOMP_RET_ERRNO | ENOSYS);
                                for (size_t i = 0; i < N(others); i++)
                                        assert_int_equal(judge((enum floor)floor, allow, others[i],
                                                               nr, 0),
                                                         SECCOMP_RET_KILL_PROCESS);
                        }
                        assert_int_equal(judge((enum floor)floor, false, AUDIT_ARCH_I386, nr, 0),
                                         SECCOMP_RET_KILL_PROCESS);
                }
        assert_int_equal(judge(FLOOR_PRIVILEGED, true, AUDIT_ARCH_X86_64, UINT32_MAX, 0),
                         SECCOMP_RET_ERRNO | ENOSYS);
        assert_int_equal(judge(FLOOR_PRIVILEGED, true, AUDIT_ARCH_I386, UINT32_MAX, 0),
                         SECCOMP_RET_ALLOW);
}

static void terminal_requests(void **state) {
        static const uint64_t highs[] = { 0, 1, 0x80000000, 0xffffffff };
        static const struct {
                uint32_t arch, nr;
        } ioctls[] = { { AUDIT_ARCH_X86_64, SYS_ioctl }, { AUDIT_ARCH_I386, 54 } };

        for (int floor = 0; floor < N_FLOORS; floor++)
                for (size_t a = 0; a < N(ioctls); a++)
                        for (size_t h = 0; h < N(highs); h++)
                                for (uint64_t request = 0x5400; request < 0x5480; request++) {
                                        bool bad = request == TIOCSTI || request == TIOCLINUX;

                                        assert_int_equal(judge((enum floor)floor, true,
                                                               ioctls[a].arch, ioctls[a].nr,
                                                               request | highs[h] << 32),
                                                         bad ? REFUSED : SECCOMP_RET_ALLOW);
                                }
}

static void passes_the_check(void **state) {
        for (int floor = 0; floor < N_FLOORS; floor++)
                for (int allow = 0; allow < 2; allow++) {
                        const struct floor_program *p = floor_get((enum floor)floor, allow);

                        assert_int_equal(filter_check(p->code, p->n * sizeof(*p->code)), FILTER_OK);
                        assert_int_equal(filter_needs(p->code, p->n, true, true), 0);
                        assert_true(p->n <= FLOOR_MAX);
                }
        assert_null(floor_get(N_FLOORS, false));
}

/* What the helper was compiled with is what its tables say. */
static void compiled_as_built(void **state) {
        static struct sock_filter buf[FLOOR_MAX];
        size_t n = 0;

        for (int floor = 0; floor < N_FLOORS; floor++)
                for (int allow = 0; allow < 2; allow++) {
                        const struct floor_program *p = floor_get((enum floor)floor, allow);

                        assert_int_equal(floor_build((enum floor)floor, allow, buf, FLOOR_MAX, &n), 0);
                        assert_int_equal(p->n, n);
                        assert_memory_equal(p->code, buf, n * sizeof(*buf));
                }
}

static void too_little_room(void **state) {
        static struct sock_filter buf[FLOOR_MAX];
        size_t whole = 0, n = 99;

        assert_int_equal(floor_build(FLOOR_PLAIN, true, buf, FLOOR_MAX, &whole), 0);
        for (size_t max = 0; max < whole; max++) {
                assert_int_equal(floor_build(FLOOR_PLAIN, true, buf, max, &n), -ENOSPC);
                assert_int_equal(n, 99);
        }
        assert_int_equal(floor_build(FLOOR_PLAIN, true, buf, whole, &n), 0);
}

/* --- loaded for real --- */

static const struct attempt {
        long nr, a, b, c, d, e;
} attempts[] = {
        { SYS_create_module, 1, 1 },
        { SYS_init_module, 1, 1, 1 },
        { SYS_finit_module, -1, 1, 0 },
        { SYS_delete_module, 1, 0 },
        { SYS_get_kernel_syms, 1 },
        { SYS_query_module, 1, 0, 1, 1, 1 },
        { SYS_kexec_load, 0, 0, 0, -1 },
        { SYS_kexec_file_load, -1, -1, 1, 1, -1 },
        { SYS_reboot, 0, 0, 0, 0 },
        { SYS_bpf, -1, 1, 1 },
        { SYS_perf_event_open, 1, 0, -1, -1, -1 },
        { SYS_lookup_dcookie, 0, 1, 1 },
        { SYS_open_by_handle_at, -1, 1, 0 },
        { SYS_add_key, 1, 1, 1, 1, 0 },
        { SYS_request_key, 1, 1, 1, 0 },
        { SYS_keyctl, -1, 0 },
        { SYS_swapon, 1, 0 },
        { SYS_swapoff, 1 },
        { SYS_clock_settime, 99, 1 },
        { SYS_settimeofday, 1, 1 },
        { SYS_acct, 1 },
        { SYS_iopl, 99 },
        { SYS_ioperm, -1, -1, 1 },
        { SYS_quotactl, -1, 1, 0, 1 },
        { SYS_quotactl_fd, -1, -1, 0, 1 },
        { SYS_nfsservctl, 1, 1, 1 },
        { SYS_uselib, 1 },
        { SYS_userfaultfd, -1 },
};

static int try(const struct attempt *t) {
        return syscall(t->nr, t->a, t->b, t->c, t->d, t->e, 0) < 0 ? errno : 0;
}

/* Runs f in a child with the floor (NULL: without) and hands back what it wrote; -signal where it
 * was killed. */
static int in_child(const struct floor_program *floor, void (*f)(int *), int *ret, size_t n) {
        int channel[2], status;
        pid_t pid;

        assert_int_equal(pipe(channel), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int results[64] = { 0 };

                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                if (floor && filter_load(floor, NULL, 0) < 0)
                        _exit(1);
                f(results);
                _exit(write(channel[1], results, n * sizeof(int)) != (ssize_t)(n * sizeof(int)));
        }
        close(channel[1]);
        if (read(channel[0], ret, n * sizeof(int)) != (ssize_t)(n * sizeof(int)))
                ret[0] = -1;
        close(channel[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void try_all(int *results) {
        for (size_t i = 0; i < N(attempts); i++)
                results[i] = try(&attempts[i]);
}

/* Without the plain floor the same arguments meet the kernel's own errors: so it is the floor that
 * answers EPERM. */
static void refuses_for_real(void **state) {
        int plain_floor[64], privileged[64], kernels = 0;

        assert_int_equal(in_child(floor_get(FLOOR_PLAIN, false), try_all, plain_floor, N(attempts)),
                         0);
        assert_int_equal(
                in_child(floor_get(FLOOR_PRIVILEGED, false), try_all, privileged, N(attempts)), 0);
        for (size_t i = 0; i < N(attempts); i++) {
                if (plain_floor[i] != EPERM)
                        fail_msg("call %ld answered %d instead of EPERM", attempts[i].nr,
                                 plain_floor[i]);
                kernels += privileged[i] != EPERM && privileged[i] != 0;
        }
        if (geteuid() == 0 && kernels < (int)N(attempts) - 3)
                fail_msg("only %d of %zu calls reach the kernel without the plain floor", kernels,
                         N(attempts));
}

static int make_terminal(void) {
        struct termios t;
        int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
        char name[64];

        assert_true(master >= 0);
        assert_int_equal(grantpt(master) | unlockpt(master) | ptsname_r(master, name, sizeof(name)),
                         0);
        slave = open(name, O_RDWR | O_NOCTTY);
        assert_true(slave >= 0);
        assert_int_equal(tcgetattr(slave, &t), 0);
        cfmakeraw(&t);
        assert_int_equal(tcsetattr(slave, TCSANOW, &t), 0);
        return slave; /* the master stays open on purpose */
}

static void type_into_terminal(int *results) {
        static const unsigned long requests[] = { TIOCSTI, TIOCSTI | 1UL << 32, TIOCSTI | 1UL << 63,
                                                  TIOCLINUX, TIOCLINUX | 0xffffffffUL << 32 };
        int fd = make_terminal();

        for (size_t i = 0; i < N(requests); i++)
                results[1 + i] = syscall(SYS_ioctl, fd, requests[i], "x") < 0 ? errno : 0;
        ioctl(fd, FIONREAD, &results[0]);
}

static void terminal_injection(void **state) {
        int got[6];

        for (int floor = 0; floor < N_FLOORS; floor++) {
                assert_int_equal(in_child(floor_get((enum floor)floor, true), type_into_terminal,
                                          got, N(got)),
                                 0);
                assert_int_equal(got[0], 0); /* nothing in the queue */
                for (size_t i = 1; i < N(got); i++)
                        assert_int_equal(got[i], EPERM);
        }
        assert_int_equal(in_child(NULL, type_into_terminal, got, N(got)), 0);
        if (got[1] ==
            /* where the kernel still has TIOCSTI, the test's own typing arrives: high bits do not
             * count */
            0)
                assert_int_equal(got[0], 3);
}

static long int80(long nr, long a, long b, long c) {
        long r;

        __asm__ volatile("int $0x80"
                         : "=a"(r)
                         : "a"(nr), "b"(a), "c"(b), "d"(c)
                         : "memory", "r8", "r9", "r10", "r11");
        return r;
}

static void call_32bit(int *results) {
        results[0] = (int)int80(20, 0, 0, 0) == getpid(); /* getpid */
        results[1] = (int)int80(54, 0, TIOCSTI, 0);
        results[2] = (int)int80(88, 0, 0, 0);   /* reboot */
        results[3] = (int)int80(404, 99, 1, 0); /* clock_settime64 */
}

static void calls_of_32bit(void **state) {
        int got[4];

        assert_int_equal(in_child(floor_get(FLOOR_PLAIN, true), call_32bit, got, N(got)), 0);
        assert_int_equal(got[0], 1);
        assert_int_equal(got[1], -EPERM);
        assert_int_equal(got[2], -EPERM);
        assert_int_equal(got[3], -EPERM);
        assert_int_equal(in_child(floor_get(FLOOR_PRIVILEGED, true), call_32bit, got, N(got)), 0);
        assert_int_equal(got[0], 1);
        assert_int_equal(got[1], -EPERM);
        assert_int_equal(got[2], -EINVAL); /* the kernel's own answer */
        assert_int_equal(in_child(floor_get(FLOOR_PRIVILEGED, false), call_32bit, got, N(got)),
                         -SIGSYS);
}

static void call_x32(int *results) {
        results[0] = syscall(0x40000000 | SYS_getpid) < 0 ? errno : 0;
        results[1] = syscall(0x40000000 | 514, 0, TIOCSTI, "x") < 0 ? errno
                                                                    : 0; /* x32's own ioctl */
        results[2] = syscall(SYS_getpid) == getpid();
}

static void calls_of_x32(void **state) {
        int got[3];

        assert_int_equal(in_child(floor_get(FLOOR_PRIVILEGED, true), call_x32, got, N(got)), 0);
        assert_int_equal(got[0], ENOSYS);
        assert_int_equal(got[1], ENOSYS);
        assert_int_equal(got[2], 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_are_known),       cmocka_unit_test(every_number),
                cmocka_unit_test(foreign_architectures), cmocka_unit_test(terminal_requests),
                cmocka_unit_test(passes_the_check),      cmocka_unit_test(too_little_room),
                cmocka_unit_test(compiled_as_built),
                cmocka_unit_test(refuses_for_real),      cmocka_unit_test(terminal_injection),
                cmocka_unit_test(calls_of_32bit),        cmocka_unit_test(calls_of_x32),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
