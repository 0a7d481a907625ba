/* SPDX-License-Identifier: Apache-2.0 */
/* The listener's own cgroup. CLONE_INTO_CGROUP kills the child at birth where the parent's cgroup has seen another
 * number of writes to cgroup.kill than the new one (Linux 6.18): so a fresh one, which counts 0, and a probe. */
#include "common/fd.h"
#include "helper/context.h"
#include "helper/listener.h"
#include "helper/steps.h"
#include "helper/target.h"
#include "helper/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int listener_join(int dir) {
        int fd = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        int r = fd >= 0 && write(fd, "0", 1) == 1 ? 0 : -errno;

        close_fd(fd);
        return r;
}

bool listener_probe(int own) {
        struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
        int status = -1, dir;
        pid_t pid;

        if (mkdirat(own, "probe", 0755) < 0 && errno != EEXIST)
                return false;
        dir = openat(own, "probe", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        args.cgroup = (uint64_t)dir;
        pid = dir < 0 ? -1 : (pid_t)syscall(SYS_clone3, &args, sizeof(args));
        if (pid == 0)
                end_now(0);
        if (pid > 0)
                waitpid(pid, &status, __WALL);
        close_fd(dir);
        unlinkat(own, "probe", AT_REMOVEDIR);
        return status == 0;
}

/* The folders of earlier listeners are empty, or their supervisors still live: then this fails, and it is right. */
static void remove_old(int parent) {
        int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        char prefix[32];
        int n = snprintf(prefix, sizeof(prefix), "airlock-listener-%s-", context.instance);

        for (struct dirent *e; d && (e = readdir(d));)
                if (strncmp(e->d_name, prefix, (size_t)n) == 0)
                        unlinkat(parent, e->d_name, AT_REMOVEDIR);
        if (d)
                closedir(d);
}

int listener_make_dir(int parent, const char *name) {
        int fd;

        if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return fd < 0 ? -errno : fd;
}

static int make_own(const char *parent_path) {
        char name[64];
        int parent = cgroup_open(parent_path);
        int own, r;

        if (parent < 0)
                return parent;
        remove_old(parent);
        snprintf(name, sizeof(name), "airlock-listener-%s-%d", context.instance, (int)getpid());
        own = listener_make_dir(parent, name);
        close_fd(parent);
        if (own < 0)
                return own;
        r = listener_join(own);
        context.clone_into = r == 0 && listener_probe(own);
        close_fd(own);
        return r;
}

int listener_read_cgroups(void) {
        int n = text_read(context.proc_fd, "self/cgroup", context.own_cgroups, sizeof(context.own_cgroups));

        return n < 0 ? n : 0;
}

int listener_own_cgroup(void) {
        char path[LIMIT_CGROUP_BYTES];
        const char *line = text_field(context.own_cgroups, "0::");
        int r;

        if (!line)
                return -ENOENT;
        snprintf(path, sizeof(path), "%.*s", (int)strcspn(line, "\n"), line);
        r = make_own(path[1] ? path + 1 : ".");
        return r < 0 ? r : listener_read_cgroups();
}
