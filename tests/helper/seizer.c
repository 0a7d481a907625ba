/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile container's first process: it tries to seize every new process of its pid namespace before that executes its first
 * instruction, and looks at whatever it gets. CAPS is what a command may have as root; another user's may have none. It writes what it
 * counted to /tmp/seized and each thing that it should not have seen to /tmp/sightings. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WINDOW 32 /* numbers ahead of the last one seen that are tried */

static uint64_t allowed;
static struct {
        unsigned seized, before_exec, missed, sightings;
} count;

static void write_count(void) {
        FILE *out = fopen("/tmp/seized.new", "w");

        if (!out)
                return;
        fprintf(out, "{\"seized\": %u, \"before_exec\": %u, \"missed\": %u, \"sightings\": %u}\n", count.seized, count.before_exec,
                count.missed, count.sightings);
        fclose(out);
        rename("/tmp/seized.new", "/tmp/seized");
}

__attribute__((format(printf, 2, 3))) static void saw(pid_t pid, const char *format, ...) {
        FILE *out = fopen("/tmp/sightings", "a");
        va_list args;

        count.sightings++;
        if (!out)
                return;
        fprintf(out, "%d: ", (int)pid);
        va_start(args, format);
        vfprintf(out, format, args);
        va_end(args);
        fputc('\n', out);
        fclose(out);
}

static void check_set(pid_t pid, const char *status, const char *name, uint64_t may) {
        const char *at = strstr(status, name);
        uint64_t set = at ? strtoull(at + strlen(name), NULL, 16) : 0;

        if (set & ~may)
                saw(pid, "%s %llx, allowed %llx", name, (unsigned long long)set, (unsigned long long)may);
}

static long number(const char *status, const char *name) {
        const char *at = strstr(status, name);

        return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

/* What it was not to have: a capability, or less than two filters, the floor and its own. */
static void check_status(pid_t pid) {
        char path[64], status[8192];
        int fd;
        ssize_t n;
        uint64_t may;

        snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, status, sizeof status - 1);
        if (fd >= 0)
                close(fd);
        if (n <= 0)
                return;
        status[n] = 0;
        if (strstr(status, "State:\tZ") || strstr(status, "State:\tX"))
                return; /* it has ended: no filters any more, and nothing to be had */
        may = number(status, "\nUid:\t") == 0 ? allowed : 0;
        check_set(pid, status, "\nCapInh:\t", 0);
        check_set(pid, status, "\nCapPrm:\t", may);
        check_set(pid, status, "\nCapEff:\t", may);
        check_set(pid, status, "\nCapBnd:\t", allowed);
        check_set(pid, status, "\nCapAmb:\t", 0);
        if (number(status, "\nSeccomp:\t") != 2 || number(status, "\nSeccomp_filters:\t") < 2)
                saw(pid, "filters: mode %ld, %ld of them", number(status, "\nSeccomp:\t"), number(status, "\nSeccomp_filters:\t"));
}

/* Streams are pipes, and before its exec it has one socket to report by. */
static void check_fds(pid_t pid) {
        unsigned sockets = 0;
        char path[320], name[256];
        struct dirent *entry;
        struct stat st;
        DIR *dir;

        snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
        dir = opendir(path);
        while (dir && (entry = readdir(dir))) {
                ssize_t n;

                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)pid, entry->d_name);
                n = readlink(path, name, sizeof name - 1);
                name[n > 0 ? n : 0] = 0;
                if (stat(path, &st) < 0)
                        continue;
                if (S_ISSOCK(st.st_mode) ? ++sockets > 1 : !S_ISFIFO(st.st_mode))
                        saw(pid, "fd %s: %s", entry->d_name, name);
        }
        if (dir)
                closedir(dir);
}

static void check_place(pid_t pid) {
        static const char *const links[] = { "ns/mnt", "ns/net", "ns/ipc", "ns/uts", "ns/user", "ns/cgroup", "ns/pid" };
        char path[64], own[64], theirs[64];
        struct stat root, st;

        for (unsigned i = 0; i < sizeof links / sizeof *links; i++) {
                ssize_t n, m;

                snprintf(path, sizeof path, "/proc/self/%s", links[i]);
                n = readlink(path, own, sizeof own - 1);
                snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, links[i]);
                m = readlink(path, theirs, sizeof theirs - 1);
                if (n > 0 && m > 0 && (n != m || memcmp(own, theirs, (size_t)n) != 0))
                        saw(pid, "%s: %.*s, not %.*s", links[i], (int)m, theirs, (int)n, own);
        }
        snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
        if (stat("/", &root) == 0 && stat(path, &st) == 0 && (root.st_dev != st.st_dev || root.st_ino != st.st_ino))
                saw(pid, "another root directory");
        snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
        if (stat(path, &st) == 0 && root.st_dev != st.st_dev)
                saw(pid, "a working directory of another file system");
}

/* It still runs the program that made it, which is nowhere in this container. */
static bool is_before_exec(pid_t pid) {
        char path[64], name[256];
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
        n = readlink(path, name, sizeof name - 1);
        name[n > 0 ? n : 0] = 0;
        return strstr(name, "memfd:") != NULL;
}

static void look(pid_t pid) {
        check_status(pid);
        check_fds(pid);
        check_place(pid);
}

/* Seized: looked at when it stops, at every call that it makes until its exec, and once more after that. */
static void hold(pid_t pid) {
        int status, calls = 0;

        count.seized++;
        count.before_exec += is_before_exec(pid);
        look(pid);
        ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
        while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
                int event = status >> 16, signal = WSTOPSIG(status);

                look(pid);
                if (event == PTRACE_EVENT_EXEC || ++calls > 200) {
                        ptrace(PTRACE_DETACH, pid, NULL, NULL);
                        break;
                }
                if (event || signal == SIGTRAP || signal == (SIGTRAP | 0x80))
                        signal = 0;
                ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)signal);
        }
        write_count();
}

/* The last number that was given out here. */
static pid_t last_pid(void) {
        char text[128];
        int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        const char *at;

        if (fd >= 0)
                close(fd);
        if (n <= 0)
                return 0;
        text[n] = 0;
        at = strrchr(text, ' ');
        return at ? atoi(at + 1) : 0;
}

int main(int argc, char **argv) {
        pid_t next;

        allowed = argc > 1 ? strtoull(argv[1], NULL, 16) : 0;
        umask(0);
        write_count();
        next = last_pid() + 1;
        for (unsigned long turn = 1;; turn++) {
                for (pid_t pid = next; pid < next + WINDOW; pid++)
                        if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)(PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD)) == 0) {
                                count.missed += (unsigned)(pid - next);
                                next = pid + 1;
                                hold(pid);
                        }
                /* Some were born and ended meanwhile, or may not be seized. */
                if (turn % 256 == 0) {
                        pid_t last = last_pid();

                        if (last >= next) {
                                look(last);
                                count.missed += (unsigned)(last - next + 1);
                                next = last + 1;
                                write_count();
                        }
                        while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
                                ;
                }
        }
}
