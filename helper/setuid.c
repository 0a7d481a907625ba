/* SPDX-License-Identifier: Apache-2.0 */
/* What only setuid mode does: it leaves the broker's surroundings, and serves the one connection that it was started with. */
#include "helper/setuid.h"

#include "common/fd.h"
#include "helper/context.h"
#include "helper/keep.h"
#include "helper/listener.h"
#include "helper/steps.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Born there; moved where birth kills. One folder for all of them, which nobody ever writes cgroup.kill of. */
static pid_t leave_into(int dir) {
        struct clone_args args = { .flags = CLONE_INTO_CGROUP | CLONE_PIDFD, .exit_signal = SIGCHLD, .cgroup = (uint64_t)dir };
        int pidfd = -1, status;
        pid_t pid;

        args.pidfd = (uintptr_t)&pidfd;
        if (listener_probe(dir))
                return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
        pid = fork();
        if (pid == 0 && listener_join(dir) < 0)
                end_now(1);
        if (pid > 0 && waitpid(pid, &status, WNOHANG) == pid)
                return -1;
        return pid;
}

int setuid_leave(void) {
        char name[64];
        int dir;
        pid_t pid;

        snprintf(name, sizeof(name), "airlock-helper-%s", context.instance);
        dir = listener_make_dir(context.cgroup_fd, name);
        if (dir < 0)
                return dir;
        context.clone_into = listener_probe(dir);
        pid = leave_into(dir);
        if (pid < 0)
                return -errno;
        if (pid > 0)
                _exit(0);
        close_fd(dir);
        context.listener = getpid();
        if (setsid() < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) /* which is not inherited */
                return -errno;
        return listener_read_cgroups();
}

int setuid_run(int conn) {
        int signal_fd = listener_open_signals();

        if (listener_serve(conn) < 0)
                return 1;
        while (!keep_is_empty()) {
                struct pollfd p = { .fd = signal_fd, .events = POLLIN };

                poll(&p, 1, keep_timeout());
                if (p.revents)
                        listener_handle_signal(signal_fd); /* nobody but root can send one; the session is not theirs to lose */
                keep_tick();
        }
        keep_sweep(false); /* after the session, not before: what earlier listeners left is not this caller's wait */
        return 0;
}
