/* SPDX-License-Identifier: Apache-2.0 */
/* What the helper refuses of a session's filter, each for its own reason, and that it tries what
 * the start needs. */
#include <errno.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "helper/floor.h"
#include "helper/step-filter.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define RET(k) BPF_STMT(BPF_RET | BPF_K, k)

static const struct {
        struct sock_filter f;
        enum filter_refusal refusal;
} returns[] = {
        { RET(SECCOMP_RET_ALLOW), FILTER_OK },
        { RET(SECCOMP_RET_LOG), FILTER_OK },
        { RET(SECCOMP_RET_KILL_PROCESS), FILTER_OK },
        { RET(SECCOMP_RET_KILL_THREAD), FILTER_OK },
        { RET(SECCOMP_RET_TRAP), FILTER_OK },
        { RET(SECCOMP_RET_ERRNO | 1), FILTER_OK },
        { RET(SECCOMP_RET_ERRNO | 4095), FILTER_OK },
        { RET(SECCOMP_RET_ALLOW | 77), FILTER_OK }, /* the kernel does not look at these bits */
        { RET(SECCOMP_RET_ERRNO), FILTER_FAKES },
        { RET(SECCOMP_RET_TRACE), FILTER_TRACES },
        { RET(SECCOMP_RET_TRACE | 1), FILTER_TRACES },
        { RET(SECCOMP_RET_USER_NOTIF), FILTER_NOTIFIES },
        { RET(0x7ffd0000), FILTER_BAD_ACTION },
        { RET(0x00010000), FILTER_BAD_ACTION },
        { RET(0x90000000), FILTER_BAD_ACTION },
        { RET(UINT32_MAX), FILTER_BAD_ACTION },
        { BPF_STMT(BPF_RET | BPF_A, 0), FILTER_RETURNS_A },
        { BPF_STMT(BPF_RET | BPF_A, SECCOMP_RET_ALLOW), FILTER_RETURNS_A },
        { BPF_STMT(BPF_RET | BPF_X, 0), FILTER_BAD_CODE },
        { BPF_STMT(BPF_LD | BPF_IMM, 0), FILTER_BAD_CODE },
};

static void every_return(void **state) {
        for (size_t i = 0; i < N(returns); i++) {
                /* alone, and where no run would ever come to it */
                struct sock_filter hidden[] = { RET(SECCOMP_RET_ALLOW), returns[i].f,
                                                RET(SECCOMP_RET_ALLOW) };
                enum filter_refusal alone = filter_check(&returns[i].f, sizeof(returns[i].f));

                if (alone != returns[i].refusal)
                        fail_msg("return %zu: %s", i, filter_refusal_text(alone));
                if (BPF_CLASS(returns[i].f.code) == BPF_RET)
                        assert_int_equal(filter_check(hidden, sizeof(hidden)), returns[i].refusal);
        }
}

static void sizes(void **state) {
        struct sock_filter *f = calloc(4098, sizeof(*f));

        assert_non_null(f);
        for (size_t i = 0; i < 4098; i++)
                f[i] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
        assert_int_equal(filter_check(f, 0), FILTER_EMPTY);
        for (size_t size = 1; size < 8; size++)
                assert_int_equal(filter_check(f, size), FILTER_SIZE);
        assert_int_equal(filter_check(f, 8), FILTER_OK);
        assert_int_equal(filter_check(f, 9), FILTER_SIZE);
        assert_int_equal(filter_check(f, 4096 * 8), FILTER_OK);
        assert_int_equal(filter_check(f, 4097 * 8), FILTER_TOO_LONG);
        assert_int_equal(filter_check(f, 4096 * 8 + 1), FILTER_SIZE);
        free(f);
}

static void texts_differ(void **state) {
        for (int a = 0; a < N_FILTER_REFUSALS; a++)
                for (int b = 0; b < a; b++)
                        assert_string_not_equal(filter_refusal_text((enum filter_refusal)a),
                                                filter_refusal_text((enum filter_refusal)b));
        assert_string_equal(filter_refusal_text(N_FILTER_REFUSALS), "unknown");
}

/* Answers one call with action, allows all others. */
static void without(struct sock_filter f[4], uint32_t nr, uint32_t action) {
        f[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
        f[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
        f[2] = (struct sock_filter)RET(action);
        f[3] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
}

static const struct {
        int nr;
        bool tty, nnp_off; /* when it is needed; neither: always */
} needed[] = {
        { SYS_clone, false, false },  { SYS_exit_group, false, false },
        { SYS_setsid, false, false }, { SYS_execve, false, false },
        { SYS_write, false, false },  { SYS_ioctl, true, false },
        { SYS_capget, false, true },  { SYS_capset, false, true },
};

static bool is_needed(int nr, bool tty, bool nnp_off) {
        for (size_t i = 0; i < N(needed); i++)
                if (needed[i].nr == nr)
                        return (!needed[i].tty || tty) && (!needed[i].nnp_off || nnp_off);
        return false;
}

static void needs_by_name(void **state) {
        static const uint32_t actions[] = { SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_TRAP,
                                            SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_PROCESS };
        struct sock_filter f[4];

        for (int nr = 0; nr < 460; nr++)
                for (int mode = 0; mode < 4; mode++)
                        for (size_t a = 0; a < N(actions); a++) {
                                bool tty = mode & 1, nnp_off = mode & 2;

                                without(f, (uint32_t)nr, actions[a]);
                                assert_int_equal(filter_needs(f, N(f), tty, nnp_off),
                                                 is_needed(nr, tty, nnp_off) ? nr + 1 : 0);
                        }
        without(f, SYS_execve, SECCOMP_RET_LOG);
        assert_int_equal(filter_needs(f, N(f), true, true), 0);
}

/* A filter that looks at arguments: what counts is the very call that is made. */
static void needs_with_arguments(void **state) {
        struct sock_filter f[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 2),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 24),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCSCTTY, 0, 1),
                RET(SECCOMP_RET_ALLOW),
                RET(SECCOMP_RET_ERRNO | EPERM),
        };

        assert_int_equal(filter_check(f, sizeof(f)), FILTER_OK);
        f[1].jf = 2; /* everything but ioctl */
        assert_int_equal(filter_needs(f, N(f), true, false), 0);
        f[3].k = TIOCGWINSZ;
        assert_int_equal(filter_needs(f, N(f), true, false), SYS_ioctl + 1);
        assert_int_equal(filter_needs(f, N(f), false, false), 0);
}

/* A filter that only looks at clone's namespace flags, as engines' profiles do, is good. */
static void needs_with_masks(void **state) {
        struct sock_filter f[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 2),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x7e020000, 1, 0),
                RET(SECCOMP_RET_ALLOW),
                RET(SECCOMP_RET_ERRNO | EPERM),
        };

        assert_int_equal(filter_needs(f, N(f), true, true), 0);
        f[3].k = CLONE_PARENT;
        assert_int_equal(filter_needs(f, N(f), true, true), SYS_clone + 1);
}

/* --- loaded for real --- */

static int load_in_child(const struct floor_program *floor, const struct sock_filter *f, size_t n,
                         bool nnp) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                int r;

                if (nnp)
                        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                else if (setresuid(65534, 65534, 65534) < 0)
                        _exit(200);
                r = filter_load(floor, f, n);
                if (r == 0)
                        r = syscall(SYS_setsid) < 0 ? -errno : 0;
                _exit(-r);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void loads(void **state) {
        struct sock_filter f[4];

        without(f, SYS_setsid, SECCOMP_RET_ERRNO | 77);
        assert_int_equal(load_in_child(floor_get(FLOOR_PLAIN, true), f, N(f), true), 77);
        assert_int_equal(load_in_child(floor_get(FLOOR_PLAIN, true), NULL, 0, true), 0);
        without(f, SYS_setsid, SECCOMP_RET_KILL_PROCESS);
        assert_int_equal(load_in_child(floor_get(FLOOR_PRIVILEGED, false), f, N(f), true),
                         128 + SIGSYS);
        /* what fails leads to no exec: never without a floor, never half */
        assert_int_equal(load_in_child(NULL, f, N(f), true), EINVAL);
        assert_int_equal(load_in_child(floor_get(FLOOR_PLAIN, true), f, 0, true), EINVAL);
        if (geteuid() == 0) /* neither no_new_privs nor CAP_SYS_ADMIN */
                assert_int_equal(load_in_child(floor_get(FLOOR_PLAIN, true), f, N(f), false),
                                 EACCES);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_return),
                cmocka_unit_test(sizes),
                cmocka_unit_test(texts_differ),
                cmocka_unit_test(needs_by_name),
                cmocka_unit_test(needs_with_arguments),
                cmocka_unit_test(needs_with_masks),
                cmocka_unit_test(loads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
