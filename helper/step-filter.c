/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks, tries out and loads the session's seccomp filter. It must never load a program that can
 * answer a call with a lie (errno 0) or hand the answer to another process: with no_new_privs off
 * such a filter would fool setuid programs.
 */
#include "helper/step-filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helper/cbpf.h"
#include "helper/floor.h"

static enum filter_refusal check_action(uint32_t k) {
        switch (k & SECCOMP_RET_ACTION_FULL) {
        case SECCOMP_RET_ALLOW:
        case SECCOMP_RET_LOG: /* allows, and says so in the host's audit log */
        case SECCOMP_RET_TRAP:
        case SECCOMP_RET_KILL_THREAD:
        case SECCOMP_RET_KILL_PROCESS: return FILTER_OK;
        case SECCOMP_RET_ERRNO: return (k & SECCOMP_RET_DATA) == 0 ? FILTER_FAKES : FILTER_OK;
        case SECCOMP_RET_TRACE: return FILTER_TRACES;
        case SECCOMP_RET_USER_NOTIF: return FILTER_NOTIFIES;
        default: return FILTER_BAD_ACTION;
        }
}

static enum filter_refusal check_returns(const struct sock_filter *f, size_t n) {
        for (size_t i = 0; i < n; i++) {
                enum filter_refusal r;

                if (BPF_CLASS(f[i].code) != BPF_RET)
                        continue;
                if (BPF_RVAL(f[i].code) != BPF_K)
                        return FILTER_RETURNS_A;
                r = check_action(f[i].k);
                if (r != FILTER_OK)
                        return r;
        }
        return FILTER_OK;
}

enum filter_refusal filter_check(const struct sock_filter *f, size_t size) {
        size_t n = size / sizeof(*f);

        if (size == 0)
                return FILTER_EMPTY;
        if (size % sizeof(*f) != 0)
                return FILTER_SIZE;
        if (n > FILTER_MAX)
                return FILTER_TOO_LONG;
        if (!cbpf_is_valid(f, n))
                return FILTER_BAD_CODE;
        return check_returns(f, n);
}

const char *filter_refusal_text(enum filter_refusal refusal) {
        static const char *const texts[N_FILTER_REFUSALS] = {
                [FILTER_OK] = "the filter is good",
                [FILTER_EMPTY] = "the filter is empty",
                [FILTER_SIZE] = "the filter is not a whole number of instructions",
                [FILTER_TOO_LONG] =
                        "the filter is longer than the 4096 instructions that the kernel takes",
                [FILTER_BAD_CODE] = "the filter has an instruction that the kernel does not take",
                [FILTER_RETURNS_A] = "the filter returns a computed action",
                [FILTER_FAKES] = "the filter answers a call with errno 0",
                [FILTER_TRACES] = "the filter hands calls to a tracer",
                [FILTER_NOTIFIES] = "the filter hands calls to another process",
                [FILTER_BAD_ACTION] = "the filter has an unknown return action",
        };

        return (unsigned)refusal < N_FILTER_REFUSALS ? texts[refusal] : "unknown";
}

enum when { ALWAYS, WITH_TTY, WITHOUT_NNP };

/* Arguments are what step 7 passes; where it passes a pointer or a free number, a likely one from
 * the stack and one from the heap. A filter that looks at more of a pointer than that refuses
 * something, not more. */
#define STACK 0x7ffc12345670ULL
#define HEAP 0x555512345670ULL

static const struct need {
        enum when when;
        int nr;
        uint64_t args[6];
} needs[] = {
        { ALWAYS, SYS_clone, { FILTER_CLONE_FLAGS, 0, STACK, 0, 0 } },
        { ALWAYS, SYS_clone, { FILTER_CLONE_FLAGS, 0, HEAP, 0, 0 } },
        { ALWAYS, SYS_exit_group, { 0 } },
        { ALWAYS, SYS_exit_group, { 1 } },
        { ALWAYS, SYS_setsid, { 0 } },
        { ALWAYS, SYS_execve, { STACK, STACK, STACK } },
        { ALWAYS, SYS_execve, { HEAP, HEAP, HEAP } },
        { ALWAYS, SYS_write, { 3, STACK, 8 } },
        { ALWAYS, SYS_write, { 3, HEAP, 8 } },
        { WITH_TTY, SYS_ioctl, { 0, TIOCSCTTY, 0 } },
        { WITHOUT_NNP, SYS_capget, { STACK, STACK } },
        { WITHOUT_NNP, SYS_capget, { HEAP, HEAP } },
        { WITHOUT_NNP, SYS_capset, { STACK, STACK } },
        { WITHOUT_NNP, SYS_capset, { HEAP, HEAP } },
};

static bool need_applies(const struct need *need, bool tty, bool nnp_off) {
        return need->when == ALWAYS || (need->when == WITH_TTY && tty) ||
               (need->when == WITHOUT_NNP && nnp_off);
}

static bool need_is_met(const struct need *need, const struct sock_filter *f, size_t n) {
        struct seccomp_data data = { .nr = need->nr,
                                     .arch = AUDIT_ARCH_X86_64,
                                     .instruction_pointer = HEAP };
        uint32_t action;

        for (size_t i = 0; i < 6; i++)
                data.args[i] = need->args[i];
        action = cbpf_run(f, n, &data) & SECCOMP_RET_ACTION_FULL;
        return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

int filter_needs(const struct sock_filter *f, size_t n, bool tty, bool nnp_off) {
        for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
                if (need_applies(&needs[i], tty, nnp_off) && !need_is_met(&needs[i], f, n))
                        return needs[i].nr + 1; /* read is number 0 */
        return 0;
}

/* No flags: SPEC_ALLOW would switch a mitigation off on hosts whose administrator chose it for
 * filtered processes, and changes nothing elsewhere; TSYNC is for threads, and I has none. */
static int load(const struct sock_filter *f, size_t n) {
        struct sock_fprog program = { .len = (unsigned short)n, .filter = (struct sock_filter *)f };

        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

int filter_load(const struct floor_program *floor, const struct sock_filter *f, size_t n) {
        int r;

        if (!floor || floor->n == 0)
                return -EINVAL; /* never without a floor */
        r = load(floor->code, floor->n);
        if (r < 0 || !f)
                return r;
        return load(f, n);
}
