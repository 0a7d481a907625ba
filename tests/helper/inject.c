/* SPDX-License-Identifier: Apache-2.0 */
/* One failing system call in one of the helper's processes, by ptrace: what strace's -e inject does, but for the Nth call of one process
 * of the family and of no other. The call is not made; it gives -ERRNO.
 *      inject PID ROLE N ERRNO         ROLE: 0 PID itself, 1 its child (the intermediate), 2 that one's (the command, until its exec)
 *      inject PID list                 each call that is made, "ROLE N NUMBER"
 * PID is followed to its end; with "alone" for ROLE only PID is traced, until SIGTERM. Says "ready", then "hit NUMBER". */
#include <errno.h>
#include <linux/types.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAMILY = 3 };

static struct tracee {
        pid_t pid;
        long n;
        bool failing;
        struct user_regs_struct saved;
} family[FAMILY];
static int n_family;
static bool lists;
static int wanted_role = -1;
static long wanted_n, wanted_errno;

static struct tracee *find(pid_t pid) {
        for (int i = 0; i < n_family; i++)
                if (family[i].pid == pid)
                        return &family[i];
        if (n_family == FAMILY)
                return NULL;
        family[n_family].pid = pid; /* born in the order of their roles */
        return &family[n_family++];
}

static void on_entry(struct tracee *t, long number) {
        const int role = (int)(t - family);
        struct user_regs_struct regs;

        t->n++;
        if (lists)
                printf("%d %ld %ld\n", role, t->n, number);
        if (role != wanted_role || t->n != wanted_n || ptrace(PTRACE_GETREGS, t->pid, 0, &t->saved) < 0)
                return;
        /* In its place a call that every filter of the family allows, and that does nothing. A close that fails has closed all the same. */
        regs = t->saved;
        if (number != SYS_close) {
                regs.orig_rax = SYS_close;
                regs.rdi = (unsigned long)-1;
        }
        ptrace(PTRACE_SETREGS, t->pid, 0, &regs);
        t->failing = true;
        printf("hit %ld\n", number);
}

static void on_exit_of_call(struct tracee *t) {
        if (!t->failing)
                return;
        t->failing = false;
        t->saved.rax = (unsigned long)-wanted_errno;
        ptrace(PTRACE_SETREGS, t->pid, 0, &t->saved);
}

static void on_call(struct tracee *t) {
        struct __ptrace_syscall_info info = {};

        if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(info), &info) <= 0)
                return;
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
                on_entry(t, (long)info.entry.nr);
        else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
                on_exit_of_call(t);
}

/* One stop of one process. */
static void on_stop(pid_t pid, int status) {
        struct tracee *t = find(pid);
        const int sig = WSTOPSIG(status), event = status >> 16;
        int deliver = 0;

        if (!t || event == PTRACE_EVENT_EXEC) { /* what was executed is no part of ours any more */
                ptrace(PTRACE_DETACH, pid, 0, 0);
                return;
        }
        if (sig == (SIGTRAP | 0x80))
                on_call(t);
        else if (!event)
                deliver = sig;
        ptrace(PTRACE_SYSCALL, pid, 0, deliver);
}

static bool parse(int argc, char **argv) {
        if (argc == 3 && strcmp(argv[2], "list") == 0)
                return lists = true;
        if (argc != 5)
                return false;
        wanted_role = strcmp(argv[2], "alone") == 0 ? 0 : atoi(argv[2]);
        wanted_n = atol(argv[3]);
        wanted_errno = atol(argv[4]);
        return wanted_n > 0 && wanted_errno > 0 && wanted_role < FAMILY;
}

int main(int argc, char **argv) {
        const long follow = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
        pid_t pid;
        int status;

        if (!parse(argc, argv)) {
                fprintf(stderr, "usage: inject PID list | PID ROLE N ERRNO | PID alone N ERRNO\n");
                return 2;
        }
        setvbuf(stdout, NULL, _IOLBF, 0);
        pid = find(atoi(argv[1]))->pid;
        if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD | (strcmp(argv[2], "alone") ? follow : 0)) < 0 ||
            ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0) {
                perror("inject: seize");
                return 1;
        }
        puts("ready");
        while ((pid = waitpid(-1, &status, __WALL)) > 0)
                if (WIFSTOPPED(status))
                        on_stop(pid, status);
        return 0;
}
