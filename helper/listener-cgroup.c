/* SPDX-License-Identifier: Apache-2.0 */
/* The listener's own cgroup. CLONE_INTO_CGROUP kills the child at birth where the parent's cgroup has seen another
 * number of writes to cgroup.kill than the new one (Linux 6.18): so a fresh one, which counts 0, and a probe. */
#include "common/fd.h"
#include "helper/context.h"
#include "helper/listener.h"
#include "helper/steps.h"
#include "helper/target.h"
#include "helper/text.h"

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

static int join(int dir) {
        int fd = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        int r = fd >= 0 && write(fd, "0", 1) == 1 ? 0 : -errno;

        close_fd(fd);
        return r;
}

static bool probe(int own) {
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

static int make_own(const char *parent_path) {
        char name[64];
        int parent = cgroup_open(parent_path);
        int own, r;

        if (parent < 0)
                return parent;
        snprintf(name, sizeof(name), "airlock-listener-%s-%d", context.instance, (int)getpid());
        r = mkdirat(parent, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
        own = r == 0 ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
        close_fd(parent);
        if (own < 0)
                return r < 0 ? r : -errno;
        r = join(own);
        context.clone_into = r == 0 && probe(own);
        close_fd(own);
        return r;
}

int listener_own_cgroup(void) {
        static char text[4096];
        char *path;
        int r;

        if (text_read(context.proc_fd, "self/cgroup", text, sizeof(text)) < 0)
                return -EIO;
        path = (char *)text_field(text, "0::");
        if (!path)
                return -ENOENT;
        path[strcspn(path, "\n")] = 0;
        r = make_own(path[1] ? path + 1 : ".");
        if (text_read(context.proc_fd, "self/cgroup", context.own_cgroups, sizeof(context.own_cgroups)) < 0)
                return -EIO;
        return r;
}
