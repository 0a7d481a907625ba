/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkttyagent for our own process. Started only when the service says that somebody has to be asked, so that what is allowed anyway
 * does not pay for it. The password passes between the agent, PAM and polkit; we never see it.
 */
#include "cli/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/usr/bin/pkttyagent"
#define READY_MS 5000
#define STOP_MS 1000

bool agent_possible(void) {
        struct termios now;

        return tcgetattr(STDIN_FILENO, &now) == 0;
}

/* One of our files below /proc/self, cut at size; empty where it cannot be read. */
static void read_own(const char *path, char *buffer, size_t size) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, buffer, size - 1);

        buffer[n > 0 ? n : 0] = 0;
        if (fd >= 0)
                close(fd);
}

/* PID,STARTTIME: a pid alone may be another's by the time that polkit looks. Field 22 of proc(5)'s stat, the 20th after the name. */
static bool name_ourselves(char *buffer, size_t size) {
        char stat[1024], *at;

        read_own("/proc/self/stat", stat, sizeof(stat));
        at = strrchr(stat, ')');
        for (int field = 2; at && field < 22; field++)
                at = strchr(at + 1, ' ');
        if (!at)
                return false;
        (void)snprintf(buffer, size, "%d,%llu", (int)getpid(), strtoull(at + 1, NULL, 10));
        return true;
}

/* In a logind session a desktop's agent comes first. Where there is none, a fallback agent is never asked. */
static bool in_session(void) {
        char cgroup[4096];
        const char *at;

        read_own("/proc/self/cgroup", cgroup, sizeof(cgroup));
        at = strstr(cgroup, "/session-");
        return at && strstr(at, ".scope");
}

/* Its end when we are killed, our mask and what we ignore are not its own; no stream of the command's stays open in it. */
_Noreturn static void become(const char *process, int ready, pid_t parent) {
        const char *argv[] = { "pkttyagent", "--notify-fd", "3", "--process", process, NULL, NULL };
        sigset_t none;

        if (in_session())
                argv[5] = "--fallback";
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
                _exit(1);
        if (ready == 3)
                (void)fcntl(3, F_SETFD, 0);
        else
                (void)dup2(ready, 3);
        (void)close_range(4, ~0u, 0);
        /* On its own terminal alone: our stdout and stderr may be files that belong to the command. */
        (void)dup2(STDIN_FILENO, STDOUT_FILENO);
        (void)dup2(STDIN_FILENO, STDERR_FILENO);
        (void)signal(SIGPIPE, SIG_DFL);
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)execv(PROGRAM, (char *const *)argv);
        _exit(127);
}

void agent_start(struct agent *agent) {
        struct pollfd ready;
        char process[64];
        pid_t parent = getpid();
        int ends[2];

        if (agent->pid || !name_ourselves(process, sizeof(process)) ||
            pipe2(ends, O_CLOEXEC) < 0)
                return;
        (void)tty_keep(&agent->tty, STDIN_FILENO);
        agent->pid = fork();
        if (agent->pid == 0)
                become(process, ends[1], parent);
        close(ends[1]);
        if (agent->pid < 0)
                agent->pid = 0;
        ready = (struct pollfd){ .fd = ends[0], .events = POLLIN };
        /* The end of the pipe: it is registered, or it has gone. */
        if (agent->pid)
                (void)poll(&ready, 1, READY_MS);
        close(ends[0]);
}

void agent_stop(struct agent *agent) {
        int status, left = STOP_MS;

        if (!agent->pid)
                return;
        (void)kill(agent->pid, SIGTERM);
        for (; waitpid(agent->pid, &status, WNOHANG) == 0; left--) {
                if (left == 0)
                        (void)kill(agent->pid, SIGKILL);
                (void)poll(NULL, 0, 1);
        }
        agent->pid = 0;
        tty_restore(&agent->tty);
}
