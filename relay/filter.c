/* SPDX-License-Identifier: Apache-2.0 */
/* What a relay calls: it opens nothing, starts nothing and connects to nobody. */
#include "config.h"
#include "relay/relay.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int allowed[] = {
        SYS_poll,         SYS_read,           SYS_write,
        SYS_recvmsg,      SYS_sendmsg,        SYS_close,
        SYS_accept4,      SYS_clock_gettime,  SYS_getsockopt,
        SYS_fcntl,        SYS_fstat,          SYS_newfstatat,
        SYS_exit_group,   SYS_rt_sigreturn,   SYS_restart_syscall,
        SYS_getpid,       SYS_getuid,
#if AIRLOCK_SANITIZED
        SYS_munmap,       SYS_madvise,        SYS_futex,
        SYS_sigaltstack,  SYS_rt_sigprocmask, SYS_openat,
        SYS_readlink,     SYS_gettid,         SYS_mprotect,
        SYS_getrlimit,    SYS_prctl,          SYS_sched_yield,
        SYS_clone,        SYS_wait4,          SYS_ptrace,
        SYS_rt_sigaction, SYS_lseek,          SYS_process_vm_readv,
        SYS_prlimit64,
#endif
};
#define N_ALLOWED (sizeof allowed / sizeof allowed[0])
#define DATA(field) ((uint32_t)offsetof(struct seccomp_data, field))

/* mmap without PROT_EXEC: the ring, and nothing that could be run. */
static unsigned add_mmap(struct sock_filter *program, unsigned n) {
        program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(args) + 16);
        program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4 /* PROT_EXEC */,
                                                    0, 1);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        return n;
}

int filter_load(void) {
        struct sock_filter program[N_ALLOWED * 2 + 16];
        struct sock_fprog fprog = { .filter = program };
        unsigned n = 0;

        program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(arch));
        program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1,
                                                    0);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(nr));
        for (unsigned i = 0; i < N_ALLOWED; i++) {
                program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                            (uint32_t)allowed[i], 0, 1);
                program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        }
        n = add_mmap(program, n);
        program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        fprog.len = (unsigned short)n;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog) < 0)
                return -errno;
        return 0;
}
