/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor gives up root before the command runs: what waits for years has nothing worth taking. */
#include "common/caps.h"
#include "common/fd.h"
#include "config.h"
#include "helper/context.h"
#include "helper/ident.h"
#include "helper/job.h"
#include "helper/steps.h"
#include "helper/wait.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What wait.c calls, and nothing that opens, maps or receives a file descriptor. recvfrom, never recvmsg. */
static const int allowed[] = {
        SYS_poll,   SYS_pread64,       SYS_pwrite64,    SYS_recvfrom,   SYS_sendmsg, SYS_waitid, SYS_pidfd_send_signal,
        SYS_close,  SYS_clock_gettime, SYS_exit_group,  SYS_exit,       SYS_rt_sigreturn,
        SYS_restart_syscall,           SYS_pidfd_open,  SYS_getpid,
        SYS_connect, SYS_getsockopt, /* to the next broker, helper/link.c */
#if AIRLOCK_SANITIZED
        SYS_mmap,   SYS_munmap,        SYS_madvise,     SYS_write,      SYS_futex,   SYS_sigaltstack, SYS_rt_sigprocmask,
        SYS_openat, SYS_readlink,      SYS_read,        SYS_gettid,     SYS_mprotect, SYS_getrlimit,  SYS_prctl, SYS_sched_yield,
        SYS_clone,  SYS_wait4,         SYS_ptrace,      SYS_rt_sigaction, SYS_newfstatat, SYS_lseek, SYS_process_vm_readv,
#endif
};
#define N_ALLOWED (sizeof(allowed) / sizeof(*allowed))
#define DATA(field) ((uint32_t)offsetof(struct seccomp_data, field))

/* These with one value of one argument only. */
static const struct bound_call {
        int nr;
        unsigned arg;
        uint32_t value;
} bound_calls[] = {
        { SYS_socket, 0, AF_UNIX },
        { SYS_ioctl, 1, TIOCSWINSZ },
};
#define N_BOUND (sizeof(bound_calls) / sizeof(*bound_calls))

static struct sock_filter program[N_ALLOWED * 2 + N_BOUND * 5 + 16];

static unsigned add_bound(unsigned n, const struct bound_call *c) {
        program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)c->nr, 0, 4);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(args) + 8 * c->arg);
        program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, c->value, 0, 1);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        return n;
}

/* kill is let through only for the command's process group: pidfds cannot name one before Linux 6.9. */
static unsigned short build(pid_t pid) {
        const struct bound_call group = { SYS_kill, 0, (uint32_t)-pid };
        unsigned n = 0;

        program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(arch));
        program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(nr));
        for (unsigned i = 0; i < N_ALLOWED; i++) {
                program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)allowed[i], 0, 1);
                program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        }
        for (unsigned i = 0; i < N_BOUND; i++)
                n = add_bound(n, &bound_calls[i]);
        n = add_bound(n, &group);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        return (unsigned short)n;
}

/* CAP_SYS_PTRACE for a proc that hides other users' processes (hidepid), until the command is proved to be ours. */
static int become(uid_t uid, gid_t gid) {
        const uint64_t kept = CAPS_BIT(CAP_KILL) | CAPS_BIT(CAP_SYS_PTRACE);
        int e;

        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
                return -errno;
        e = caps_set_bounding(CAPS_BIT(CAP_KILL));
        if (e < 0)
                return e;
        if (syscall(SYS_setresgid, gid, gid, gid) < 0 || syscall(SYS_setresuid, uid, uid, uid) < 0)
                return -errno;
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        e = caps_write(kept, kept, 0);
        return e < 0 ? e : prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static void close_rest(const struct wait *w) {
        const int keep[] = { 0, 1, 2, w->conn, w->report_fd, w->tty_fd, w->pidfd, w->i_pidfd, w->stat_fd, w->label_fd,
                             w->cg.kill_fd, w->cg.events_fd, w->cg.procs_fd, w->cg.cpu_fd, w->job->fds[WIRE_SLOT_PLAN],
                             w->outer[0], w->outer[1], w->outer[2], w->outer[3], w->job->target.pidfd /* until the command is executed */ };

        close_all_but(keep, sizeof(keep) / sizeof(*keep));
}

int wait_become(struct fail *f) {
        int e = become(context.session_uid, context.session_gid);

        return e < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_DROP, -e) : 0;
}

int wait_drop(struct wait *w, struct fail *f) {
        const uint64_t kill = CAPS_BIT(CAP_KILL);
        struct sock_fprog p = { .len = build(w->pid), .filter = program };
        int e;

        close_rest(w);
        e = caps_write(kill, kill, 0);
        if (e == 0)
                e = caps_compare(kill, kill, 0);
        if (e == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) < 0)
                e = -errno;
        return e < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_DROP, -e) : 0;
}
