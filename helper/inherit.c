/* SPDX-License-Identifier: Apache-2.0 */
/* Inherited attributes: in setuid mode whoever owns the broker chose them, and half of what is set here has been used
 * against programs like this one (SECURITY S4, S5, S7, V9). */
#include "helper/inherit.h"

#include "common/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

struct need {
        __rlimit_resource_t resource;
        const char *name;
        rlim_t least; /* below this a call could fail half-way, or a signal end us while we write the log */
};

static const struct need needs[] = {
        { RLIMIT_AS, "RLIMIT_AS", 256u << 20 },         { RLIMIT_CPU, "RLIMIT_CPU", RLIM_INFINITY },
        { RLIMIT_DATA, "RLIMIT_DATA", 64u << 20 },      { RLIMIT_FSIZE, "RLIMIT_FSIZE", RLIM_INFINITY },
        { RLIMIT_NOFILE, "RLIMIT_NOFILE", 256 },        { RLIMIT_STACK, "RLIMIT_STACK", 1u << 20 },
        { RLIMIT_NPROC, "RLIMIT_NPROC", 16 },
};

static void check_limit(const struct need *n) {
        struct rlimit l;

        if (getrlimit(n->resource, &l) == 0 && l.rlim_cur >= n->least)
                return;
        l.rlim_cur = n->least;
        if (l.rlim_max < n->least)
                l.rlim_max = n->least;
        if (setrlimit(n->resource, &l) == 0)
                return;
        dprintf(STDERR_FILENO, "airlock-helper: %s is too low and cannot be raised: %s; at least %lld expected\n", n->name,
                strerror(errno), n->least == RLIM_INFINITY ? -1LL : (long long)n->least);
        _exit(2);
}

/* Not by signal(3), which leaves out the two that libc keeps for itself: posix_spawn(3) ignores just these in its child,
 * and what is ignored stays so through every exec, the command's included. */
static void reset_signals(void) {
        static const uint64_t by_default[8]; /* struct sigaction as the kernel has it: no handler, no flag, no mask */
        const struct itimerval off = {};
        sigset_t none;

        for (int sig = 1; sig < NSIG; sig++)
                syscall(SYS_rt_sigaction, sig, by_default, NULL, 8);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setitimer(ITIMER_REAL, &off, NULL);
        setitimer(ITIMER_VIRTUAL, &off, NULL);
        setitimer(ITIMER_PROF, &off, NULL);
}

static void reset_scheduling(void) {
        const struct sched_param normal = {};

        sched_setscheduler(0, SCHED_OTHER, &normal);
        setpriority(PRIO_PROCESS, 0, 0);
        personality(PER_LINUX);
        prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0);
        prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
        prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
}

/* None of it may be a way to slow or to mark the commands of others. */
static void reset_memory(void) {
        static const char usual[] = "0x33";
        cpu_set_t all;
        int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

        memset(&all, 0xff, sizeof(all));
        sched_setaffinity(0, sizeof(all), &all);
        syscall(SYS_set_mempolicy, 0, NULL, 0);
        syscall(SYS_ioprio_set, 1, 0, 0);
        if (fd >= 0 && write(fd, usual, sizeof(usual) - 1) < 0)
                dprintf(STDERR_FILENO, "airlock-helper: /proc/self/coredump_filter: %s\n", strerror(errno));
        close_fd(fd);
}

void inherit_reset(void) {
        reset_signals();
        umask(077);
        for (unsigned i = 0; i < sizeof(needs) / sizeof(*needs); i++)
                check_limit(&needs[i]);
        reset_scheduling();
        reset_memory();
}
