/* SPDX-License-Identifier: Apache-2.0 */
/* What a process sees of itself: every attribute that fork and exec hand down. */
#include "tests/helper/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66
#endif
#define FDS_MAX 4096

/* A small file of /proc, or NULL. */
static const char *read_file(const char *path) {
        static char text[16384];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

        if (fd >= 0)
                close(fd);
        if (n < 0)
                return NULL;
        text[n] = 0;
        if (n > 0 && text[n - 1] == '\n')
                text[n - 1] = 0;
        return text;
}

static void see_ids(void) {
        uid_t u[3];
        gid_t g[3], groups[256];
        int n = getgroups(256, groups);

        getresuid(&u[0], &u[1], &u[2]);
        getresgid(&g[0], &g[1], &g[2]);
        json_open("uids", '[');
        for (int i = 0; i < 3; i++)
                json_int(NULL, u[i]);
        json_int(NULL, syscall(SYS_setfsuid, -1));
        json_close(']');
        json_open("gids", '[');
        for (int i = 0; i < 3; i++)
                json_int(NULL, g[i]);
        json_int(NULL, syscall(SYS_setfsgid, -1));
        json_close(']');
        json_open("groups", '[');
        for (int i = 0; i < n; i++)
                json_int(NULL, groups[i]);
        json_close(']');
}

static void see_caps(void) {
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct d[2] = {};
        uint64_t bounding = 0, ambient = 0;

        syscall(SYS_capget, &head, d);
        for (unsigned cap = 0; cap < 64; cap++) {
                if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
                        bounding |= UINT64_C(1) << cap;
                if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
                        ambient |= UINT64_C(1) << cap;
        }
        json_open("caps", '{');
        json_hex("bounding", bounding);
        json_hex("permitted", d[0].permitted | (uint64_t)d[1].permitted << 32);
        json_hex("effective", d[0].effective | (uint64_t)d[1].effective << 32);
        json_hex("inheritable", d[0].inheritable | (uint64_t)d[1].inheritable << 32);
        json_hex("ambient", ambient);
        json_close('}');
}

/* A line of /proc/self/status: a decimal number, or -1. */
static int64_t status_number(const char *key) {
        const char *text = read_file("/proc/self/status");
        const char *p = text ? strstr(text, key) : NULL;

        return p ? strtoll(p + strlen(key), NULL, 10) : -1;
}

static void see_confinement(void) {
        json_int("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
        json_int("seccomp", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
        json_int("seccomp_filters", status_number("\nSeccomp_filters:"));
        json_int("tracer", status_number("\nTracerPid:"));
        json_text("label", read_file("/proc/self/attr/current"));
        json_int("securebits", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
        json_int("keepcaps", prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
        json_int("dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
        json_int("mdwe", prctl(PR_GET_MDWE, 0, 0, 0, 0));
        json_int("speculation_store_bypass", prctl(PR_GET_SPECULATION_CTRL, 0, 0, 0, 0));
        json_int("speculation_indirect_branch", prctl(PR_GET_SPECULATION_CTRL, 1, 0, 0, 0));
}

static void see_namespaces(void) {
        static const char *const names[] = {
                "user", "mnt",    "pid",  "pid_for_children", "net", "ipc",
                "uts",  "cgroup", "time", "time_for_children"
        };

        json_open("namespaces", '{');
        for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
                char path[64];
                struct stat st;

                snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
                json_int(names[i], stat(path, &st) == 0 ? (int64_t)st.st_ino : -1);
        }
        json_close('}');
}

static void see_lines(const char *key, const char *path) {
        const char *text = read_file(path);

        json_open(key, '[');
        while (text && *text) {
                size_t n = strcspn(text, "\n");

                json_bytes(NULL, text, n);
                text += n + (text[n] == '\n');
        }
        json_close(']');
}

static const char *kind_of(const struct stat *st) {
        switch (st->st_mode & S_IFMT) {
        case S_IFREG: return "file";
        case S_IFDIR: return "directory";
        case S_IFCHR: return "character";
        case S_IFBLK: return "block";
        case S_IFIFO: return "fifo";
        case S_IFSOCK: return "socket";
        case S_IFLNK: return "link";
        default: return "anonymous";
        }
}

static void see_fd(int fd, int flags) {
        char path[64], name[4096];
        struct stat st = {};
        struct statfs fs = {};
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        n = readlink(path, name, sizeof(name));
        fstat(fd, &st);
        fstatfs(fd, &fs);
        json_open(NULL, '{');
        json_int("fd", fd);
        json_text("kind", kind_of(&st));
        json_hex("magic", (uint64_t)fs.f_type);
        json_int("rdev_major", major(st.st_rdev));
        json_int("rdev_minor", minor(st.st_rdev));
        json_int("dev", (int64_t)st.st_dev);
        json_int("ino", (int64_t)st.st_ino);
        json_int("mode", st.st_mode & 07777);
        json_int("uid", st.st_uid);
        json_int("gid", st.st_gid);
        json_int("access", flags & O_ACCMODE);
        json_int("o_path", flags & O_PATH ? 1 : 0);
        json_int("cloexec", fcntl(fd, F_GETFD) & FD_CLOEXEC ? 1 : 0);
        json_bytes("name", name, n < 0 ? 0 : (size_t)n);
        json_close('}');
}

/* By number, so that nothing is hidden by a /proc that lies or is not there. */
void see_fds(void) {
        json_open("fds", '[');
        for (int fd = 0; fd < FDS_MAX; fd++) {
                int flags = fcntl(fd, F_GETFL);

                if (flags >= 0)
                        see_fd(fd, flags);
        }
        json_close(']');
}

static void see_limits(void) {
        json_open("rlimits", '[');
        for (int i = 0; i < 16; i++) {
                struct rlimit limit = {};

                getrlimit(i, &limit);
                json_open(NULL, '[');
                json_hex(NULL, limit.rlim_cur);
                json_hex(NULL, limit.rlim_max);
                json_close(']');
        }
        json_close(']');
}

/* The kernel's own struct and call: glibc hides signals 32 and 33. */
struct kernel_sigaction {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        uint64_t mask;
};

static void see_signals(void) {
        uint64_t blocked = 0, pending = 0, ignored = 0, handled = 0;

        syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof(blocked));
        syscall(SYS_rt_sigpending, &pending, sizeof(pending));
        for (int sig = 1; sig <= 64; sig++) {
                struct kernel_sigaction a = {};

                syscall(SYS_rt_sigaction, sig, NULL, &a, sizeof(uint64_t));
                if (a.handler == SIG_IGN)
                        ignored |= UINT64_C(1) << (sig - 1);
                else if (a.handler != SIG_DFL)
                        handled |= UINT64_C(1) << (sig - 1);
        }
        json_open("signals", '{');
        json_hex("blocked", blocked);
        json_hex("pending", pending);
        json_hex("ignored", ignored);
        json_hex("handled", handled);
        json_close('}');
}

/* The floor forbids keyctl in a plain exec: then `error` says so. */
void see_keyring(void) {
        char text[512];
        long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
        long n;

        json_open("keyring", '{');
        if (id < 0) {
                json_int("error", errno);
        } else {
                n = syscall(SYS_keyctl, KEYCTL_DESCRIBE, id, text, sizeof(text));
                json_bytes("description", text, n > 0 ? strnlen(text, sizeof(text)) : 0);
                json_int("serial", id);
                json_int("bytes", syscall(SYS_keyctl, KEYCTL_READ, id, NULL, 0));
        }
        json_close('}');
}

void see_tty(void) {
        struct winsize size = {};
        struct stat st;
        const char *text = read_file("/proc/self/stat");
        const char *p = text ? strrchr(text, ')') : NULL;
        int tty_nr = -1, fd;

        if (p)
                sscanf(p, ") %*c %*d %*d %*d %d", &tty_nr);
        json_open("tty", '{');
        json_int("number", tty_nr);
        json_int("isatty", isatty(0));
        fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
        json_int("dev_tty_errno", fd < 0 ? errno : 0);
        if (fd >= 0)
                close(fd);
        if (isatty(0) && ioctl(0, TIOCGWINSZ, &size) == 0 && fstat(0, &st) == 0) {
                json_int("rows", size.ws_row);
                json_int("cols", size.ws_col);
                json_int("session", tcgetsid(0));
                json_int("foreground", tcgetpgrp(0));
                json_int("owner", st.st_uid);
                json_int("mode", st.st_mode & 07777);
        }
        json_close('}');
}

static void see_schedule(void) {
        struct sched_param param = {};
        cpu_set_t set;
        char text[sizeof(set) * 2 + 1] = "";
        int policy = 0;
        unsigned long nodes[16] = {};

        CPU_ZERO(&set);
        sched_getaffinity(0, sizeof(set), &set);
        for (int i = 0, n = 0; i < CPU_SETSIZE && n < 200; i++)
                if (CPU_ISSET(i, &set))
                        n += snprintf(text + n, sizeof(text) - (size_t)n, "%d ", i);
        sched_getparam(0, &param);
        json_int("nice", getpriority(PRIO_PROCESS, 0));
        json_int("ioprio", syscall(SYS_ioprio_get, 1, 0));
        json_int("sched_policy", sched_getscheduler(0));
        json_int("sched_priority", param.sched_priority);
        json_text("affinity", text);
        json_int("timer_slack", prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
        json_int("mempolicy",
                 syscall(SYS_get_mempolicy, &policy, nodes, 1024, NULL, 0) < 0 ? -1 : policy);
        json_text("autogroup", read_file("/proc/self/autogroup"));
        json_int("io_flusher", prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0));
}

static int64_t timer_left(int which) {
        struct itimerval v = {};

        getitimer(which, &v);
        return v.it_value.tv_sec * 1000000 + v.it_value.tv_usec;
}

static void see_flags(void) {
        int subreaper = -1, death = -1, tsc = -1;
        mode_t mask = umask(0);

        umask(mask);
        prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0);
        prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0);
        prctl(PR_GET_TSC, &tsc, 0, 0, 0);
        json_int("umask", mask);
        json_int("oom_score_adj", atoi(read_file("/proc/self/oom_score_adj") ?: "-9999"));
        json_text("coredump_filter", read_file("/proc/self/coredump_filter"));
        json_text("loginuid", read_file("/proc/self/loginuid"));
        json_text("sessionid", read_file("/proc/self/sessionid"));
        json_int("personality", personality(0xffffffff));
        json_int("subreaper", subreaper);
        json_int("parent_death_signal", death);
        json_int("tsc", tsc);
        json_int("thp_disable", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
        json_int("mce_kill", prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
        json_int("timer_real", timer_left(ITIMER_REAL));
        json_int("timer_virtual", timer_left(ITIMER_VIRTUAL));
        json_int("timer_prof", timer_left(ITIMER_PROF));
}

static void see_place(void) {
        char name[8192];
        struct stat st = {};
        long n = syscall(SYS_getcwd, name, sizeof(name));

        json_text("cwd", n < 0 ? NULL : name);
        stat("/", &st);
        json_int("root_dev", (int64_t)st.st_dev);
        json_int("root_ino", (int64_t)st.st_ino);
        n = readlink("/proc/self/exe", name, sizeof(name));
        json_bytes("exe", name, n < 0 ? 0 : (size_t)n);
        json_int("pid", getpid());
        json_int("ppid", getppid());
        json_int("sid", getsid(0));
        json_int("pgid", getpgrp());
}

static void see_strings(const char *key, char **list) {
        json_open(key, '[');
        for (; *list; list++)
                json_text(NULL, *list);
        json_close(']');
}

void see_all(FILE *out, int argc, char **argv) {
        json_to(out);
        json_open(NULL, '{');
        see_fds(); /* first: what follows opens files */
        see_ids();
        see_caps();
        see_confinement();
        see_namespaces();
        see_lines("cgroups", "/proc/self/cgroup");
        see_limits();
        see_signals();
        see_keyring();
        see_tty();
        see_schedule();
        see_flags();
        see_place();
        see_strings("environment", environ);
        see_strings("argv", argv);
        json_close('}');
        fputc('\n', out);
        fflush(out);
}
