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
#include <unistd.h>

#define SWEEP_DEPTH 12u /* of the hierarchy; deeper ones match no pattern */

/* A lock that a dead process left is gone with it: F_GETLK names only the living. */
static pid_t lock_holder(const char *path) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        int dir = cgroup_open(path);
        int fd = dir < 0 ? -1 : openat(dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);
        pid_t pid = 0;

        if (fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
                pid = lock.l_pid;
        close_fd(fd);
        close_fd(dir);
        return pid;
}

static bool may_be_ours(const char *path) {
        char parent[LIMIT_CGROUP_BYTES + 64];
        const char *slash = strrchr(path, '/');

        if (!cgroup_is_ours(path, NULL) || !slash || !context.ceiling)
                return false;
        snprintf(parent, sizeof(parent), "/%.*s", (int)(slash - path), path);
        return ceiling_allows_cgroup(context.ceiling, parent);
}

static void walk(const char *path, unsigned depth, void (*found)(const char *, pid_t)) {
        int fd = cgroup_open(*path ? path : ".");
        int readable = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = readable < 0 ? NULL : fdopendir(readable);

        close_fd(fd);
        if (!d)
                return;
        for (struct dirent *e; (e = readdir(d));) {
                char child[LIMIT_CGROUP_BYTES + 64];

                if (e->d_type != DT_DIR || e->d_name[0] == '.')
                        continue;
                if (snprintf(child, sizeof(child), "%s%s%s", path, *path ? "/" : "", e->d_name) >= (int)sizeof(child))
                        continue;
                if (may_be_ours(child))
                        found(child, lock_holder(child));
                else if (depth < SWEEP_DEPTH)
                        walk(child, depth + 1, found);
        }
        closedir(d);
}

void sweep(void (*found)(const char *path, pid_t holder)) {
        walk("", 0, found);
}
