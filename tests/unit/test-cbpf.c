/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cBPF interpreter against a table, and against the kernel itself: random programs are loaded
 * in a child, the answer of a filtered call is compared with the interpreter's, and so is whether
 * the kernel takes the program at all.
 */
#include <errno.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "helper/cbpf.h"

#define S(code, k) BPF_STMT(code, k)
#define J(code, k, t, f) BPF_JUMP(code, k, t, f)
#define RET S(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define ABS(offset) S(BPF_LD | BPF_W | BPF_ABS, offset)
#define N(array) (sizeof(array) / sizeof(*(array)))

static const struct seccomp_data data = {
        .nr = 39,
        .arch = AUDIT_ARCH_X86_64,
        .instruction_pointer = 0x1122334455667788,
        .args = { 0xfedcba9876543210, 1, 2, 3, 4, 0x8000000000000000 },
};

#define MAX 8
static const struct {
        struct sock_filter f[MAX];
        uint32_t result;
} runs[] = {
        { { RET }, SECCOMP_RET_ALLOW },
        { { S(BPF_RET | BPF_A, 0) }, 0 },
        { { ABS(0), S(BPF_RET | BPF_A, 0) }, 39 },
        { { ABS(4), S(BPF_RET | BPF_A, 0) }, AUDIT_ARCH_X86_64 },
        { { ABS(8), S(BPF_RET | BPF_A, 0) }, 0x55667788 },
        { { ABS(12), S(BPF_RET | BPF_A, 0) }, 0x11223344 },
        { { ABS(16), S(BPF_RET | BPF_A, 0) }, 0x76543210 },
        { { ABS(20), S(BPF_RET | BPF_A, 0) }, 0xfedcba98 },
        { { ABS(60), S(BPF_RET | BPF_A, 0) }, 0x80000000 },
        { { S(BPF_LD | BPF_IMM, 7), S(BPF_MISC | BPF_TAX, 0), S(BPF_LD | BPF_IMM, 5),
            S(BPF_ALU | BPF_SUB | BPF_X, 0), S(BPF_RET | BPF_A, 0) },
          (uint32_t)-2 },
        { { S(BPF_LDX | BPF_IMM, 9), S(BPF_MISC | BPF_TXA, 0), S(BPF_RET | BPF_A, 0) }, 9 },
        { { S(BPF_LD | BPF_W | BPF_LEN, 0), S(BPF_RET | BPF_A, 0) }, 64 },
        { { S(BPF_LD | BPF_IMM, 3), S(BPF_ST, 15), S(BPF_LD | BPF_IMM, 0), S(BPF_LD | BPF_MEM, 15),
            S(BPF_RET | BPF_A, 0) },
          3 },
        { { S(BPF_LD | BPF_IMM, 0x80000000), S(BPF_ALU | BPF_RSH | BPF_K, 31),
            S(BPF_RET | BPF_A, 0) },
          1 },
        { { S(BPF_LD | BPF_IMM, 8), S(BPF_ALU | BPF_DIV | BPF_X, 0), S(BPF_LD | BPF_IMM, 8),
            S(BPF_RET | BPF_A, 0) },
          SECCOMP_RET_KILL_THREAD },
        { { S(BPF_LD | BPF_IMM, 1), S(BPF_ALU | BPF_NEG, 0), S(BPF_RET | BPF_A, 0) }, UINT32_MAX },
        { { J(BPF_JMP | BPF_JA, 1, 0, 0), S(BPF_RET | BPF_K, 1), S(BPF_RET | BPF_K, 2) }, 2 },
        { { ABS(0), J(BPF_JMP | BPF_JEQ | BPF_K, 39, 1, 0), S(BPF_RET | BPF_K, 1),
            S(BPF_RET | BPF_K, 2) },
          2 },
        { { ABS(0), J(BPF_JMP | BPF_JGT | BPF_K, 39, 1, 0), S(BPF_RET | BPF_K, 1),
            S(BPF_RET | BPF_K, 2) },
          1 },
        { { ABS(0), J(BPF_JMP | BPF_JGE | BPF_K, 39, 1, 0), S(BPF_RET | BPF_K, 1),
            S(BPF_RET | BPF_K, 2) },
          2 },
        { { ABS(0), J(BPF_JMP | BPF_JSET | BPF_K, 32, 1, 0), S(BPF_RET | BPF_K, 1),
            S(BPF_RET | BPF_K, 2) },
          2 },
        { { ABS(0), J(BPF_JMP | BPF_JSET | BPF_K, 8, 1, 0), S(BPF_RET | BPF_K, 1),
            S(BPF_RET | BPF_K, 2) },
          1 },
};

static size_t length(const struct sock_filter *f) {
        size_t n = MAX;

        while (n > 0 && f[n - 1].code == 0 && f[n - 1].k == 0)
                n--;
        return n;
}

static void runs_as_expected(void **state) {
        for (size_t i = 0; i < N(runs); i++) {
                size_t n = length(runs[i].f);

                if (!cbpf_is_valid(runs[i].f, n) || cbpf_run(runs[i].f, n, &data) != runs[i].result)
                        fail_msg("run %zu: valid %d, result %#x", i, cbpf_is_valid(runs[i].f, n),
                                 cbpf_run(runs[i].f, n, &data));
        }
}

static const struct sock_filter invalid[][3] = {
        { S(BPF_LD | BPF_W | BPF_ABS, 64), RET, RET }, /* beyond the data */
        { S(BPF_LD | BPF_W | BPF_ABS, 2), RET, RET },  /* not aligned */
        { S(BPF_LD | BPF_H | BPF_ABS, 0), RET, RET },  /* a half word */
        { S(BPF_LD | BPF_W | BPF_IND, 0), RET, RET },  /* an offset from X */
        { S(BPF_LD | BPF_MEM, 16), RET, RET },         /* beyond the scratch memory */
        { S(BPF_ST, 16), RET, RET },
        { S(BPF_STX, UINT32_MAX), RET, RET },
        { S(BPF_ALU | BPF_DIV | BPF_K, 0), RET, RET },
        { S(BPF_ALU | BPF_LSH | BPF_K, 32), RET, RET },
        { S(BPF_ALU | BPF_MOD | BPF_K, 3), RET, RET }, /* seccomp's list does not have it */
        { S(BPF_JMP | BPF_JA, 2), RET, RET },          /* past the end */
        { S(BPF_JMP | BPF_JA, UINT32_MAX), RET, RET }, /* would be backwards */
        { J(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0), RET, RET },
        { J(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 255), RET, RET },
        { S(BPF_RET | BPF_X, 0), RET, RET },
        { S(0x105, 0), RET, RET }, /* an unused bit */
        { S(0xffff, 0), RET, RET },
        { RET, RET, S(BPF_LD | BPF_IMM, 0) }, /* no return at the end */
};

static void knows_invalid(void **state) {
        struct sock_filter ret = RET;

        for (size_t i = 0; i < N(invalid); i++)
                if (cbpf_is_valid(invalid[i], 3))
                        fail_msg("program %zu counts as valid", i);
        assert_false(cbpf_is_valid(&ret, 0));
        assert_true(cbpf_is_valid(&ret, 1));
}

static void knows_the_longest(void **state) {
        struct sock_filter *f = calloc(4097, sizeof(*f));

        assert_non_null(f);
        for (size_t i = 0; i < 4097; i++)
                f[i] = (struct sock_filter)RET;
        assert_true(cbpf_is_valid(f, 4096));
        assert_false(cbpf_is_valid(f, 4097));
        free(f);
}

/* What the child's getpriority(2) answered, or how the kernel refused the program. */
enum { REFUSED = 1 << 16 };

static int ask_kernel(const struct sock_filter *f, size_t n, const __u64 args[6]) {
        int channel[2], answer = -1;
        pid_t pid;

        assert_int_equal(pipe(channel), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct sock_fprog program = { .len = (unsigned short)n,
                                              .filter = (struct sock_filter *)f };

                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
                        answer = REFUSED;
                else
                        answer = syscall(SYS_getpriority, args[0], args[1], args[2], args[3],
                                         args[4], args[5]) < 0
                                       ? errno
                                       : 0;
                _exit(write(channel[1], &answer, sizeof(answer)) != sizeof(answer));
        }
        close(channel[1]);
        if (read(channel[0], &answer, sizeof(answer)) != sizeof(answer))
                answer = -1;
        close(channel[0]);
        waitpid(pid, NULL, 0);
        return answer;
}

static uint32_t random_word(void) {
        static const uint32_t likely[] = { 0,          1,          2,          31,  32,
                                           0x7fffffff, 0x80000000, 0xffffffff, 140, 16 };
        uint32_t r = (uint32_t)random();

        return r % 3 == 0 ? likely[r / 3 % N(likely)] : r ^ (uint32_t)random() << 8;
}

static struct sock_filter random_step(void) {
        static const uint16_t alu[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_AND, BPF_OR,
                                        BPF_XOR, BPF_LSH, BPF_RSH, BPF_DIV, BPF_NEG };
        static const uint16_t jumps[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
        uint16_t source = random() % 2 ? BPF_X : BPF_K;

        switch (random() % 8) {
        case 0:
        case 1:
                return (struct sock_filter)S(
                        (uint16_t)(BPF_ALU | alu[random() % (long)N(alu)] | source),
                        random() % 2 ? random_word() : (uint32_t)(random() % 34));
        case 2:
                return (struct sock_filter)J((uint16_t)(BPF_JMP | jumps[random() % 4] | source),
                                             random_word(), (uint8_t)(random() % 3),
                                             (uint8_t)(random() % 3));
        case 3:
                return (struct sock_filter)ABS((uint32_t)(random() % 17) * 4 +
                                               (random() % 20 == 0));
        case 4:
                return (struct sock_filter)S(random() % 2 ? BPF_MISC | BPF_TAX : BPF_MISC | BPF_TXA,
                                             0);
        case 5:
                return (struct sock_filter)S(random() % 2 ? BPF_ST : BPF_STX,
                                             (uint32_t)(random() % 17));
        case 6:
                return (struct sock_filter)S(random() % 2 ? BPF_LD | BPF_IMM : BPF_LDX | BPF_IMM,
                                             random_word());
        default:
                return (struct sock_filter)S(random() % 2 ? BPF_LD | BPF_W | BPF_LEN
                                                          : BPF_LDX | BPF_W | BPF_LEN,
                                             0);
        }
}

#define STEPS 12
#define WHOLE (3 + STEPS + 2 + 4)

/* getpriority is answered with an errno made of what the steps compute, everything else allowed. */
static void random_program(struct sock_filter *f) {
        size_t n = 0;

        f[n++] = (struct sock_filter)ABS(0);
        f[n++] = (struct sock_filter)J(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 1, 0);
        f[n++] = (struct sock_filter)RET;
        while (n < 3 + STEPS)
                f[n++] = random_step();
        f[n++] = (struct sock_filter)S(BPF_ST, 0); /* where the last jumps arrive */
        f[n++] = (struct sock_filter)S(BPF_ST, 0);
        f[n++] = (struct sock_filter)S(BPF_ALU | BPF_AND | BPF_K, 0x7ff);
        f[n++] = (struct sock_filter)S(BPF_ALU | BPF_ADD | BPF_K, 1);
        f[n++] = (struct sock_filter)S(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO);
        f[n++] = (struct sock_filter)S(BPF_RET | BPF_A, 0);
}

static void compare_one(unsigned seed, const struct sock_filter *f, int *ret_taken) {
        struct seccomp_data d = { .nr = SYS_getpriority, .arch = AUDIT_ARCH_X86_64 };
        bool divides = false;
        int kernel, ours = REFUSED;

        for (size_t i = 0; i < 6; i++)
                d.args[i] = (uint64_t)random_word() << 32 | random_word();
        for (size_t i = 0; i < WHOLE; i++) /* where the call stands is not ours to know */
                if (f[i].code == (BPF_LD | BPF_W | BPF_ABS) && (f[i].k == 8 || f[i].k == 12))
                        return;
        kernel = ask_kernel(f, WHOLE, d.args);
        if (cbpf_is_valid(f, WHOLE)) {
                uint32_t action = cbpf_run(f, WHOLE, &d);

                divides = action == SECCOMP_RET_KILL_THREAD;
                ours = (int)(action & SECCOMP_RET_DATA);
                (*ret_taken)++;
        }
        if (divides ? kernel != -1 : kernel != ours)
                fail_msg("program %u: the kernel says %d, we say %d", seed, kernel,
                         divides ? -1 : ours);
}

/* The kernel refuses to load from scratch memory that was not written; the interpreter reads 0
 * there. So the random programs have no such loads. */
static void agrees_with_the_kernel(void **state) {
        struct sock_filter f[WHOLE];
        int taken = 0;

        for (unsigned seed = 1; seed <= 1500; seed++) {
                srandom(seed);
                random_program(f);
                compare_one(seed, f, &taken);
        }
        print_message("# %d of 1500 random programs were taken\n", taken);
        assert_true(taken > 200);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(runs_as_expected),
                cmocka_unit_test(knows_invalid),
                cmocka_unit_test(knows_the_longest),
                cmocka_unit_test(agrees_with_the_kernel),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
