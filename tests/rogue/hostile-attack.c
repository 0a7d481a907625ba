/* SPDX-License-Identifier: Apache-2.0 */
/* The attacks, one function a round. Each must be harmless to the host by itself: what it changes is the container's own. */
#include "tests/rogue/hostile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static DIR *proc;

/* The numbers in /proc above *last*, which follows; calls on_new for each command. */
static void each_new(pid_t *last, void (*on_new)(pid_t)) {
        struct dirent *e;
        pid_t highest = *last;

        if (!proc)
                proc = opendir("/proc");
        if (!proc)
                return;
        rewinddir(proc);
        while ((e = readdir(proc))) {
                pid_t pid = atoi(e->d_name);

                if (pid <= *last)
                        continue;
                highest = pid > highest ? pid : highest;
                if (is_stranger(pid))
                        on_new(pid);
        }
        *last = highest;
}

static void watched(pid_t pid) {
        look_at(pid, "watch");
}

static void watch(void) {
        static pid_t last = 1;

        each_new(&last, watched);
        page->last = (uint64_t)last;
}

/* Stopped before it can do anything more, looked at, and let go. */
static void held(pid_t pid) {
        int status;

        if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
                return;
        ptrace(PTRACE_INTERRUPT, pid, 0, 0);
        if (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
                look_held(pid);
                ptrace(PTRACE_DETACH, pid, 0, 0);
        }
}

/* Guesses the next numbers instead of waiting for them to be listed: the only way to be there before the first instruction. */
static void seize(void) {
        static pid_t next = 2;

        for (int i = 0; i < 64; i++)
                for (pid_t pid = next; pid < next + 6; pid++)
                        if (kill(pid, 0) == 0 && is_stranger(pid)) {
                                held(pid);
                                next = pid + 1;
                        }
        if (page->last > (uint64_t)next)
                next = (pid_t)page->last + 1;
}

/* Takes the end away from the supervisor: a zombie is the tracer's until it waits for it, which it does not for long; or it is stopped
 * at its very end, streams open. */
static void withheld(pid_t pid) {
        if (ptrace(PTRACE_SEIZE, pid, 0, pid % 2 ? PTRACE_O_TRACEEXIT : 0) == 0)
                page->seized++;
}

static void withhold(void) {
        static pid_t last = 1;
        static unsigned idle;
        pid_t pid;

        each_new(&last, withheld);
        if (++idle % 4000 == 0)
                while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
                        ptrace(PTRACE_CONT, pid, 0, 0);
        usleep(500);
}

/* Good and bad change places without a moment in which there is neither. */
static void swap_all(const char *folder) {
        char good[512], bad[512];
        DIR *dir = opendir(folder);
        struct dirent *e;

        while (dir && (e = readdir(dir))) {
                char *end = strstr(e->d_name, ".evil");

                if (!end)
                        continue;
                snprintf(bad, sizeof(bad), "%s/%s", folder, e->d_name);
                snprintf(good, sizeof(good), "%s/%.*s", folder, (int)(end - e->d_name), e->d_name);
                for (int i = 0; i < 33; i++) /* odd: it stays the other way round */
                        syscall(SYS_renameat2, AT_FDCWD, good, AT_FDCWD, bad, 2 /* RENAME_EXCHANGE */);
        }
        if (dir)
                closedir(dir);
}

static void swap(void) {
        static const char *const folders[] = { "/etc", "/swap", "/dev", "/swap/bin" };

        for (unsigned i = 0; i < sizeof(folders) / sizeof(*folders); i++)
                swap_all(folders[i]);
}

/* False devices, accounts and proc, mounted over the true ones and taken away again. */
static void fake(void) {
        static const char *const over[] = { "/dev/pts", "/dev/null", "/etc", "/swap", "/proc", "/dev" };
        static unsigned at;
        const char *to = over[at++ % (sizeof(over) / sizeof(*over))];
        const char *from = strcmp(to, "/dev/null") == 0 ? "/fake/null" : "/fake";

        if (mount(from, to, NULL, MS_BIND, NULL) == 0) {
                usleep(300);
                umount2(to, MNT_DETACH);
        }
        usleep(100);
}

static void unshare_init(void) {
        static const int kinds[] = { CLONE_NEWNS, CLONE_NEWNS | CLONE_NEWUTS, CLONE_NEWNS | CLONE_NEWIPC, CLONE_NEWNS | CLONE_NEWNET };
        static unsigned at;

        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
        at++;
        if (unshare(kinds[at % 64 ? at % 3 : 3]) < 0) { /* a network namespace is dear */
                finding("unshare: the init may not: %s", strerror(errno));
                _exit(1);
        }
        usleep(700);
}

static int put(const char *file, const char *text) {
        int fd = open(file, O_WRONLY), n = fd < 0 ? -1 : (int)write(fd, text, strlen(text));

        if (fd >= 0)
                close(fd);
        return n;
}

/* The container's own cgroup, bound to /cg2 or /cg1; the freezing process sits beside those that it freezes. */
static void freeze_by(const char *away, const char *file, const char *freeze, const char *thaw) {
        static bool moved;

        if (!moved) {
                char number[16], procs[64];

                mkdir(away, 0755);
                snprintf(procs, sizeof(procs), "%s/cgroup.procs", away);
                snprintf(number, sizeof(number), "%d", (int)getpid());
                if (put(procs, number) < 0)
                        finding("freeze: cannot leave: %s", strerror(errno));
                moved = true;
        }
        if (put(file, freeze) < 0)
                finding("freeze: %s: %s", file, strerror(errno));
        usleep(20000);
        if (put(file, thaw) < 0)
                finding("freeze: %s: %s", file, strerror(errno));
        usleep(20000);
}

static void freeze_v2(void) {
        freeze_by("/cg2/away", "/cg2/main/cgroup.freeze", "1", "0");
}

static void freeze_v1(void) {
        freeze_by("/cg1/away", "/cg1/main/freezer.state", "FROZEN", "THAWED");
}

/* Everything in the pid namespace but the init and itself, so the other attacks too. */
static void kill_all(void) {
        kill(-1, SIGKILL);
        usleep(15000);
}

/* As many processes as there may be. */
static void take_pids(void) {
        for (;;) {
                pid_t pid = fork();

                if (pid == 0) {
                        usleep(200000);
                        _exit(0);
                }
                if (pid < 0)
                        break;
        }
        usleep(5000);
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
}

static void take_ptys(void) {
        int fds[512], n = 0;

        while (n < 512 && (fds[n] = open("/dev/ptmx", O_RDWR | O_NOCTTY)) >= 0)
                n++;
        usleep(5000);
        while (n > 0)
                close(fds[--n]);
        usleep(1000);
}

const struct attack attacks[] = {
        { "watch", watch, "opens descriptors, program and directories of each new command" },
        { "seize", seize, "stops each new command before its first instruction, and looks at it then" },
        { "withhold", withhold, "traces each command and keeps its end" },
        { "swap", swap, "exchanges each NAME with NAME.evil" },
        { "fake", fake, "mounts /fake over /proc, /dev, devpts, accounts and directories" },
        { "unshare-init", unshare_init, "the init leaves its namespaces" },
        { "freeze-v2", freeze_v2, "freezes the container's own cgroup" },
        { "freeze-v1", freeze_v1, "the same by the freezer of v1" },
        { "kill-all", kill_all, "kills all processes inside" },
        { "take-pids", take_pids, "takes all process numbers" },
        { "take-ptys", take_ptys, "takes all terminals" },
        {},
};
