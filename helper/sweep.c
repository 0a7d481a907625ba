/* SPDX-License-Identifier: Apache-2.0 */
/* The walk of a new listener. The lock's holder is the living supervisor; no holder means that nobody waits any more. */
#include "helper/sweep.h"

#include "common/fd.h"
#include "helper/ceiling.h"
#include "helper/cgroup.h"
#include "helper/context.h"
#include "helper/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* F_GETLK names only the living. */
static pid_t lock_pid(int fd) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

        return fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

/* One of our supervisors by what the kernel says of it: a container that can write its cgroup's files can take such
 * locks as well. */
static bool is_supervisor(pid_t pid) {
        char number[16];
        struct stat st;
        int dir;
        bool r;

        snprintf(number, sizeof(number), "%d", (int)pid);
        dir = openat(context.proc_fd, number, O_PATH | O_DIRECTORY | O_CLOEXEC);
        r = dir >= 0 && ns_inode(dir, "pid") == context.own_ns[WIRE_NS_PID] && fstatat(dir, "stat", &st, 0) == 0 &&
            (st.st_uid == 0 || st.st_uid == context.session_uid);
        close_fd(dir);
        return r;
}

static int lock_holder(const char *path, pid_t *ret_pid) {
        int dir = cgroup_open(path);
        int fd = dir < 0 ? -1 : openat(dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);
        pid_t pid = lock_pid(fd);
        int pidfd = pid > 0 && is_supervisor(pid) ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

        if (pidfd >= 0 && lock_pid(fd) != pid) /* the number was another's by then */
                pidfd = close_fd(pidfd);
        close_fd(fd);
        close_fd(dir);
        *ret_pid = pidfd >= 0 ? pid : 0;
        return pidfd;
}

static bool may_be_ours(const char *path) {
        char parent[LIMIT_CGROUP_BYTES + 64];
        const char *slash = strrchr(path, '/');
        struct stat st;
        int dir;
        bool r;

        if (!cgroup_is_ours(path, NULL) || !slash)
                return false;
        snprintf(parent, sizeof(parent), "/%.*s", (int)(slash - path), path);
        if (!ceiling_allows_cgroup(context.ceiling, parent))
                return false;
        dir = cgroup_open(path);
        r = dir >= 0 && fstat(dir, &st) == 0 && st.st_uid == 0;
        close_fd(dir);
        return r;
}

/* Only where an allowed pattern leads: what containers make below their own is theirs, and has no end. */
static void walk(const char *path, void (*found)(const char *, pid_t, int)) {
        int fd = cgroup_open(*path ? path + 1 : ".");
        int readable = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = readable < 0 ? NULL : fdopendir(readable);

        close_fd(fd);
        if (!d)
                return;
        for (struct dirent *e; (e = readdir(d));) {
                char child[LIMIT_CGROUP_BYTES + 64];
                pid_t pid;
                int pidfd;

                if (e->d_type != DT_DIR || e->d_name[0] == '.')
                        continue;
                if (snprintf(child, sizeof(child), "%s/%s", path, e->d_name) >= (int)sizeof(child))
                        continue;
                if (may_be_ours(child + 1)) {
                        pidfd = lock_holder(child + 1, &pid);
                        found(child + 1, pid, pidfd);
                } else if (ceiling_leads_to(context.ceiling, child)) {
                        walk(child, found);
                }
        }
        closedir(d);
}

void sweep(void (*found)(const char *path, pid_t pid, int pidfd)) {
        if (context.ceiling)
                walk("", found);
}
