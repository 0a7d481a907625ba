/* SPDX-License-Identifier: Apache-2.0 */
/* The yardstick: what the kernel alone needs for an exec in a container, with nothing checked, written or reported.
 * A process is born in a cgroup of its own (clone3), enters the target's namespaces (one setns by pidfd), has the session's
 * filters loaded, makes the command in the target's pid namespace (clone) and the command executes; both are waited for.
 *
 *      bare PID CGROUP [FILTER...] -- PROGRAM [ARG...]
 *
 * CGROUP is the target's directory in the v2 hierarchy. FILTER is raw BPF as bench/filters-of writes it, loaded in this
 * order. A round begins at a newline on stdin and answers with: whole, and the stages cgroup, entered, born, ended (ns). */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_FILTERS 4
#define MAX_INSNS 4096

static struct sock_filter code[MAX_FILTERS][MAX_INSNS];
static struct sock_fprog filters[MAX_FILTERS];
static int n_filters;

static void fail(const char *what) {
        fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
        _exit(1);
}

static uint64_t now_ns(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void read_filter(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, code[n_filters], sizeof(code[0]));

        if (n <= 0 || n % (ssize_t)sizeof(code[0][0]))
                fail(path);
        close(fd);
        filters[n_filters] = (struct sock_fprog){ (unsigned short)((size_t)n / sizeof(code[0][0])),
                                                  code[n_filters] };
        n_filters++;
}

/* The namespaces of the target that are not this process's own. */
static int differing(pid_t pid) {
        static const struct {
                const char *name;
                int flag;
        } kinds[] = {
                { "user", CLONE_NEWUSER },     { "mnt", CLONE_NEWNS },    { "pid", CLONE_NEWPID },
                { "net", CLONE_NEWNET },       { "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },
                { "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME },
        };
        int mask = 0;

        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                char path[64];
                struct stat own, other;
                snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i].name);
                if (stat(path, &own))
                        continue;
                snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kinds[i].name);
                if (stat(path, &other))
                        fail(path);
                if (own.st_ino != other.st_ino)
                        mask |= kinds[i].flag;
        }
        return mask;
}

static void load_filters(void) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
                fail("no_new_privs");
        for (int i = 0; i < n_filters; i++)
                if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filters[i]))
                        fail("seccomp");
}

struct shared {
        uint64_t entered_ns;
        uint64_t born_ns;
        pid_t command;
};

/* In the process that enters: everything up to the command's birth. The command is the caller's child, as in the helper. */
static void enter(struct shared *page, pid_t pid, int mask, char **argv) {
        static char *const no_env[] = { NULL };
        int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

        if (pidfd < 0 || setns(pidfd, mask))
                fail("setns");
        page->entered_ns = now_ns();
        load_filters();
        long child = syscall(SYS_clone, CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, NULL,
                             &page->command, NULL, 0);
        if (child < 0)
                fail("clone");
        if (child == 0) {
                execve(argv[0], argv, no_env);
                fail(argv[0]);
        }
        page->born_ns = now_ns();
        _exit(0);
}

static void reap(pid_t pid) {
        int status;

        if (waitpid(pid, &status, __WALL) != pid || status)
                fail("a round ended badly");
}

static void one_round(struct shared *page, const char *cgroup, pid_t pid, int mask, char **argv) {
        char dir[4096];

        snprintf(dir, sizeof(dir), "%s/bench-%d", cgroup, (int)getpid());
        uint64_t begin = now_ns();
        if (mkdir(dir, 0755))
                fail(dir);
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        uint64_t made = now_ns();
        struct clone_args args = { .flags = CLONE_INTO_CGROUP,
                                   .exit_signal = SIGCHLD,
                                   .cgroup = (uint64_t)fd };
        long child = syscall(SYS_clone3, &args, sizeof(args));
        if (child < 0)
                fail("clone3");
        if (child == 0)
                enter(page, pid, mask, argv);
        reap((pid_t)child);
        reap(page->command);
        uint64_t end = now_ns();
        close(fd);
        if (rmdir(dir))
                fail("rmdir");
        printf("%llu %llu %llu %llu %llu\n", (unsigned long long)(end - begin),
               (unsigned long long)(made - begin), (unsigned long long)(page->entered_ns - made),
               (unsigned long long)(page->born_ns - page->entered_ns),
               (unsigned long long)(end - page->born_ns));
        fflush(stdout);
}

int main(int argc, char **argv) {
        if (argc < 5) {
                fprintf(stderr, "usage: bare PID CGROUP [FILTER...] -- PROGRAM [ARG...]\n");
                return 2;
        }
        pid_t pid = (pid_t)strtol(argv[1], NULL, 10);
        const char *cgroup = argv[2];
        char **arg = argv + 3;
        while (*arg && strcmp(*arg, "--") != 0)
                read_filter(*arg++);
        if (!*arg || !arg[1])
                return 2;
        struct shared *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
                fail("mmap");
        int mask = differing(pid);
        while (getchar() != EOF)
                one_round(page, cgroup, pid, mask, arg + 1);
        return 0;
}
