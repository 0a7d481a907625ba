/* SPDX-License-Identifier: Apache-2.0 */
/* What is true of this host for as long as the listener runs. */
#include "helper/context.h"

#include "config.h"
#include "helper/log.h"
#include "helper/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

const struct ns_kind ns_kinds[WIRE_NS_KINDS] = {
        [WIRE_NS_USER] = { "user", CLONE_NEWUSER }, [WIRE_NS_MNT] = { "mnt", CLONE_NEWNS },
        [WIRE_NS_PID] = { "pid", CLONE_NEWPID },    [WIRE_NS_NET] = { "net", CLONE_NEWNET },
        [WIRE_NS_IPC] = { "ipc", CLONE_NEWIPC },    [WIRE_NS_UTS] = { "uts", CLONE_NEWUTS },
        [WIRE_NS_CGROUP] = { "cgroup", CLONE_NEWCGROUP }, [WIRE_NS_TIME] = { "time", CLONE_NEWTIME },
};

struct context context = { .proc_fd = -1, .cgroup_fd = -1, .log_fd = -1, .listen_fd = -1 };

uint64_t now_ns(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t now_real_us(void) {
        struct timespec ts;

        clock_gettime(CLOCK_REALTIME, &ts);
        return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* The link's text, "mnt:[4026531840]": following the link would make an inode of the namespace for each look. */
uint64_t ns_link_inode(int dir, const char *name) {
        char text[64];
        const char *p;
        uint64_t v;
        ssize_t n = readlinkat(dir, name, text, sizeof(text) - 1);

        if (n <= 0)
                return 0;
        text[n] = 0;
        p = strchr(text, '[');
        return p && (p++, text_u64(&p, 10, &v) == 0) && *p == ']' ? v : 0;
}

uint64_t ns_inode(int pid_fd, const char *name) {
        char path[32];

        snprintf(path, sizeof(path), "ns/%s", name);
        return ns_link_inode(pid_fd, path);
}

static int complain(const char *what, int err) {
        dprintf(STDERR_FILENO, "airlock-helper: %s: %s\n", what, strerror(err));
        return -1;
}

static int open_cgroup2(void) {
        static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

        for (unsigned i = 0; i < 2; i++) {
                struct statfs fs;
                int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

                if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
                        return fd;
                if (fd >= 0)
                        close(fd);
        }
        return -ENOENT;
}

/* The helper resolves no names: who owns the two folders that tmpfiles.d made are the two accounts. */
static int read_accounts(void) {
        struct stat broker, session;

        if (stat(AIRLOCK_RUN_DIR "/broker", &broker) < 0)
                return complain(AIRLOCK_RUN_DIR "/broker", errno);
        if (stat(AIRLOCK_RUN_DIR "/session", &session) < 0)
                return complain(AIRLOCK_RUN_DIR "/session", errno);
        if (broker.st_uid == 0 || session.st_uid == 0 || broker.st_uid == session.st_uid)
                return complain("owners of " AIRLOCK_RUN_DIR "/{broker,session}: two accounts other than root expected", EINVAL);
        context.broker_uid = broker.st_uid;
        context.session_uid = session.st_uid;
        context.session_gid = session.st_gid;
        return 0;
}

static int read_namespaces(void) {
        int self = openat(context.proc_fd, "self", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int init = openat(context.proc_fd, "1", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = 0;

        for (unsigned i = 0; i < WIRE_NS_KINDS && r == 0; i++) {
                context.own_ns[i] = ns_inode(self, ns_kinds[i].name);
                context.init_ns[i] = ns_inode(init, ns_kinds[i].name);
                if (i != WIRE_NS_TIME && (!context.own_ns[i] || !context.init_ns[i]))
                        r = complain("namespaces of process 1 cannot be read, so no target can be told from the host", EPERM);
        }
        close(self);
        close(init);
        return r;
}

static int make_instance(int fd) {
        uint32_t n;

        if (getrandom(&n, sizeof(n), 0) != sizeof(n))
                return -EIO;
        snprintf(context.instance, sizeof(context.instance), "%08x", n);
        return write(fd, context.instance, 8) == 8 ? 0 : -EIO;
}

/* Two installations on one hierarchy (tests side by side) must not sweep each other's sessions. */
static int read_instance(void) {
        int fd = open(AIRLOCK_RUN_DIR "/instance", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET }; /* two first starts at once */
        ssize_t n;

        if (fd < 0 || fcntl(fd, F_SETLKW, &lock) < 0)
                return complain(AIRLOCK_RUN_DIR "/instance", errno);
        n = pread(fd, context.instance, 8, 0);
        if (n == 0 && make_instance(fd) == 0)
                n = 8;
        close(fd);
        if (n != 8 || strspn(context.instance, "0123456789abcdef") != 8)
                return complain(AIRLOCK_RUN_DIR "/instance: 8 hexadecimal digits expected", EINVAL);
        return 0;
}

static int read_kernel(void) {
        char buf[64];
        uint64_t v;
        const char *p = buf;

        if (text_read(context.proc_fd, "sys/fs/suid_dumpable", buf, sizeof(buf)) < 0)
                return complain("/proc/sys/fs/suid_dumpable", errno);
        if (buf[0] == '1')
                return complain("fs.suid_dumpable is 1: a changed uid would make us dumpable; 0 or 2 expected", EPERM);
        if (text_read(context.proc_fd, "sys/kernel/cap_last_cap", buf, sizeof(buf)) < 0 || text_u64(&p, 10, &v) < 0 || v > 63)
                return complain("/proc/sys/kernel/cap_last_cap", EINVAL);
        context.cap_last = (unsigned)v;
        if (text_read(context.proc_fd, "self/cgroup", context.own_cgroups, sizeof(context.own_cgroups)) < 0)
                return complain("/proc/self/cgroup", EINVAL);
        return 0;
}

int context_init(void) {
        struct statfs fs;

        context.listener = getpid();
        context.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (context.proc_fd < 0 || fstatfs(context.proc_fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
                return complain("/proc is not procfs", EINVAL);
        context.cgroup_fd = open_cgroup2();
        if (context.cgroup_fd < 0)
                return complain("no cgroup2 hierarchy at /sys/fs/cgroup or /sys/fs/cgroup/unified", ENOENT);
        context.log_fd = log_open();
        if (context.log_fd < 0)
                return complain(AIRLOCK_LOG_DIR "/helper.log", -context.log_fd);
        context.counters = mmap(NULL, COUNTERS * sizeof(*context.counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (context.counters == MAP_FAILED)
                return complain("memory", errno);
        if (read_accounts() < 0 || read_namespaces() < 0 || read_instance() < 0)
                return -1;
        return read_kernel();
}
