/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two constant floors: tables of system calls, and the builder that turns them into a program,
 * a decision tree over ranges of numbers. The kernel runs it once for every number when it is
 * loaded (for its bitmap of calls that need no filter), so its depth costs, its length hardly.
 * Runs when the helper is compiled, never with privilege: the helper has the finished programs.
 */
#include "helper/floor.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define NONE (-1)
#define X32_BIT 0x40000000u

/* Refused in the plain floor, whatever the capabilities. 32-bit numbers as in
 * arch/x86/entry/syscalls/syscall_32.tbl; a test holds both columns against libseccomp's. */
static const struct row {
        int nr, nr32;
        const char *reason;
} plain[] = {
        { SYS_create_module, 127, "code into the host's kernel" },
        { SYS_init_module, 128, "code into the host's kernel" },
        { SYS_finit_module, 350, "code into the host's kernel" },
        { SYS_delete_module, 129, "takes code out of the host's kernel" },
        { SYS_get_kernel_syms, 130, "addresses of the host's kernel" },
        { SYS_query_module, 167, "state of the host's kernel" },
        { SYS_kexec_load, 283, "another kernel in place of the host's" },
        { SYS_kexec_file_load, NONE, "another kernel in place of the host's" },
        { SYS_reboot, 88,
          "ends the host where the pid namespace is shared; else the container's init" },
        { SYS_bpf, 357, "code into the host's kernel, and its tracing sees every container" },
        { SYS_perf_event_open, 336, "tracing of the whole machine" },
        { SYS_lookup_dcookie, 253, "paths of the whole machine" },
        { SYS_open_by_handle_at, 342,
          "opens files outside the container's root by guessed numbers" },
        { SYS_add_key, 286, "keyrings are not namespaced" },
        { SYS_request_key, 287, "keyrings are not namespaced, and it starts a host program" },
        { SYS_keyctl, 288, "keyrings are not namespaced" },
        { SYS_swapon, 87, "the host's memory" },
        { SYS_swapoff, 115, "the host's memory" },
        { SYS_clock_settime, 264, "the host's clock" },
        { NONE, 404 /* clock_settime64 */, "the host's clock" },
        { SYS_settimeofday, 79, "the host's clock" },
        { NONE, 25 /* stime */, "the host's clock" },
        { SYS_acct, 51, "a log of every process, written by the kernel" },
        { SYS_iopl, 110, "the machine's ports" },
        { SYS_ioperm, 101, "the machine's ports" },
        { SYS_quotactl, 131, "quotas of host file systems" },
        { SYS_quotactl_fd, 443, "quotas of host file systems" },
        { SYS_nfsservctl, 169, "the kernel's NFS server" },
        { SYS_uselib, 86, "dead, and a source of holes" },
        { SYS_io_uring_setup, 425, "makes system calls that no filter sees" },
        { SYS_io_uring_enter, 426, "makes system calls that no filter sees" },
        { SYS_io_uring_register, 427, "makes system calls that no filter sees" },
        { SYS_userfaultfd, 374,
          "holds the kernel in the middle of a copy: makes its races easy to win" },
        { NONE, 113 /* vm86old */, "16-bit mode" },
        { NONE, 166 /* vm86 */, "16-bit mode" },
};

#define N_PLAIN (sizeof(plain) / sizeof(*plain))

/* The number space of one architecture, cut into ranges: range i goes from first[i] to first[i + 1]
 * - 1. */
enum verdict { ALLOW, DENY, IOCTL };
struct ranges {
        size_t n;
        uint32_t first[2 * N_PLAIN + 4];
        enum verdict verdict[2 * N_PLAIN + 4];
};

struct builder {
        struct sock_filter *code;
        size_t max;
        size_t n;
        bool full;
        size_t at[3]; /* where this architecture's instructions for each verdict stand */
};

static void emit(struct builder *b, struct sock_filter instruction) {
        if (b->n < b->max)
                b->code[b->n++] = instruction;
        else
                b->full = true;
}

static void sort(uint32_t *numbers, size_t n) {
        for (size_t i = 1; i < n; i++)
                for (size_t j = i; j > 0 && numbers[j - 1] > numbers[j]; j--) {
                        uint32_t t = numbers[j];

                        numbers[j] = numbers[j - 1];
                        numbers[j - 1] = t;
                }
}

/* Every refused number of one architecture in rising order, ioctl's among them. */
static size_t collect(enum floor floor, bool is_32bit, uint32_t ioctl_nr, uint32_t *ret) {
        size_t n = 0;

        ret[n++] = ioctl_nr;
        for (size_t i = 0; floor == FLOOR_PLAIN && i < N_PLAIN; i++) {
                int nr = is_32bit ? plain[i].nr32 : plain[i].nr;

                if (nr != NONE)
                        ret[n++] = (uint32_t)nr;
        }
        sort(ret, n);
        return n;
}

static void ranges_add(struct ranges *r, uint32_t first, enum verdict verdict) {
        if (r->n > 0 && r->first[r->n - 1] == first)
                r->n--; /* nothing lies between two neighbours */
        if (r->n > 0 && r->verdict[r->n - 1] == verdict)
                return;
        r->first[r->n] = first;
        r->verdict[r->n++] = verdict;
}

static void ranges_make(enum floor floor, bool is_32bit, struct ranges *ret) {
        uint32_t ioctl_nr = is_32bit ? 54 : SYS_ioctl, numbers[N_PLAIN + 1];
        size_t n = collect(floor, is_32bit, ioctl_nr, numbers);

        ret->n = 0;
        ranges_add(ret, 0, ALLOW);
        for (size_t i = 0; i < n; i++) {
                ranges_add(ret, numbers[i], numbers[i] == ioctl_nr ? IOCTL : DENY);
                ranges_add(ret, numbers[i] + 1, ALLOW);
        }
}

/* Where to cut ranges from..to: at the boundary nearest to the middle of the numbers they cover,
 * because the kernel walks through all numbers, not through the ranges. Beyond the last range the
 * numbers that exist soon end. */
static size_t cut(const struct ranges *r, size_t from, size_t to) {
        uint32_t end = to < r->n ? r->first[to] : 480, middle = (r->first[from] + end) / 2;
        size_t best = from + 1;

        while (best + 1 < to && r->first[best + 1] <= middle)
                best++;
        return best;
}

static size_t target(const struct builder *b, const struct ranges *r, size_t from, size_t to,
                     size_t subtree) {
        return to - from == 1 ? b->at[r->verdict[from]] : subtree;
}

/* Ranges from..to-1 take exactly to-from-1 jumps, so every jump knows its goal when it is written.
 */
static void emit_tree(struct builder *b, const struct ranges *r, size_t from, size_t to) {
        size_t middle, left, right, here = b->n;

        if (to - from == 1)
                return; /* the jump above already leads to the verdict */
        middle = cut(r, from, to);
        left = target(b, r, from, middle, here + 1);
        right = target(b, r, middle, to, here + 1 + (middle - from - 1));
        if (right - here - 1 > 255 || left - here - 1 > 255)
                b->full = true; /* a conditional jump reaches no further */
        emit(b,
             (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, r->first[middle],
                                          (uint8_t)(right - here - 1), (uint8_t)(left - here - 1)));
        emit_tree(b, r, from, middle);
        emit_tree(b, r, middle, to);
}

/* Only the low half of ioctl's request counts for the kernel; a filter that compares all 64 bits
 * lets TIOCSTI through with a bit set above (CVE-2019-7303, CVE-2019-10063). x86 is little-endian:
 * the low half comes first. */
static void emit_verdicts(struct builder *b) {
        emit(b, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                             offsetof(struct seccomp_data, args[1])));
        emit(b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 2, 0));
        emit(b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCLINUX, 1, 0));
        emit(b, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
        emit(b, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
}

/* A points at the number; every way through ends in a return. */
static void emit_arch(struct builder *b, enum floor floor, bool is_32bit) {
        struct ranges ranges;
        size_t verdicts;

        ranges_make(floor, is_32bit, &ranges);
        verdicts = b->n + ranges.n - 1;
        b->at[IOCTL] = verdicts;
        b->at[ALLOW] = verdicts + 3;
        b->at[DENY] = verdicts + 4;
        emit_tree(b, &ranges, 0, ranges.n);
        emit_verdicts(b);
}

int floor_build(enum floor floor, bool allow_32bit, struct sock_filter *buf, size_t max,
                size_t *ret_n) {
        struct builder b = { .code = buf, .max = max };
        size_t skip;

        emit(&b, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                              offsetof(struct seccomp_data, arch)));
        emit(&b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
        skip = b.n;
        emit(&b, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
        emit(&b, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                              offsetof(struct seccomp_data, nr)));
        emit(&b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
        emit(&b, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
        emit_arch(&b, floor, false);
        if (!b.full)
                buf[skip].k = (uint32_t)(b.n - skip - 1);
        if (allow_32bit) {
                emit(&b, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 1,
                                                      0));
                emit(&b, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
                emit(&b, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                      offsetof(struct seccomp_data, nr)));
                emit_arch(&b, floor, true);
        } else {
                emit(&b, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
        }
        if (b.full)
                return -ENOSPC;
        *ret_n = b.n;
        return 0;
}
