/* SPDX-License-Identifier: Apache-2.0 */
/* Leaving the helper's own company and joining the target's cgroup v1 hierarchies. */
#include "helper/context.h"
#include "helper/session.h"
#include "helper/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

int step_alone(struct run *r, struct fail *f) {
        const struct job *job = r->job;
        bool reopens = job->plan->flags & WIRE_PLAN_TTY;
        int keep[32] = { 0, 1, 2, r->report_fd, r->join_fd };
        unsigned n = 5;

        for (unsigned i = WIRE_SLOT_STDIN; i <= WIRE_SLOT_STDERR; i++)
                reopens |= job->fds[i] < 0;
        r->ns_fd = openat(context.proc_fd, "self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
        r->self_fd_fd = reopens ? openat(context.proc_fd, "self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        r->attr_fd = target_needs_label(&job->target) ? openat(context.proc_fd, "self/attr/exec", O_RDWR | O_CLOEXEC) : -1;
        if (setpgid(0, 0) < 0 || r->ns_fd < 0 || (reopens && r->self_fd_fd < 0))
                return refuse_step(f, REASON_STEP, WIRE_STEP_SESSION, errno);
        if (r->join_fd >= 0 && write(r->join_fd, "0", 1) != 1)
                return refuse_step(f, REASON_STEP, WIRE_STEP_CGROUP, errno);
        keep[n++] = r->ns_fd;
        keep[n++] = r->self_fd_fd;
        keep[n++] = r->attr_fd;
        keep[n++] = context.proc_fd;
        keep[n++] = job->target.pidfd;
        for (unsigned i = WIRE_SLOT_STDIN; i < WIRE_SLOT_EXTRA + job->n_extra; i++)
                keep[n++] = job->fds[i];
        close_all_but(keep, n);
        return 0;
}

/* "N:controllers:/path" → where the hierarchy is mounted: named ones and joint ones have their folders by custom. */
static int v1_mount(const char *controllers, size_t n, char *buf, size_t size) {
        static const char prefix[] = "name=";
        struct statfs fs;

        if (n >= sizeof(prefix) && strncmp(controllers, prefix, sizeof(prefix) - 1) == 0) {
                controllers += sizeof(prefix) - 1;
                n -= sizeof(prefix) - 1;
        }
        if (snprintf(buf, size, "/sys/fs/cgroup/%.*s", (int)n, controllers) >= (int)size)
                return -ENAMETOOLONG;
        if (statfs(buf, &fs) < 0)
                return -errno;
        return fs.f_type == CGROUP_SUPER_MAGIC ? 0 : -ENODEV;
}

static int v1_join(const char *controllers, size_t n_controllers, const char *path, size_t n_path) {
        char name[LIMIT_CGROUP_BYTES + 128];
        int fd, n, r = v1_mount(controllers, n_controllers, name, sizeof(name) / 2);

        if (r < 0)
                return r;
        n = (int)strlen(name);
        if (snprintf(name + n, sizeof(name) - (size_t)n, "%.*s/cgroup.procs", (int)n_path, path) >= (int)sizeof(name) - n)
                return -ENAMETOOLONG;
        fd = open(name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        r = write(fd, "0", 1) == 1 ? 0 : -errno;
        close(fd);
        return r;
}

/* The helper is in the same cgroup of this hierarchy: nothing to join. */
static bool is_own_line(const char *line, size_t n) {
        const char *p = context.own_cgroups;

        for (; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
                if (strncmp(p, line, n) == 0 && (p[n] == '\n' || !p[n]))
                        return true;
        return false;
}

static int v1_pass(const char *cgroups, bool freezer, struct fail *f) {
        for (const char *line = cgroups; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
                size_t n = strcspn(line, "\n");
                const char *controllers = strchr(line, ':');
                const char *path = controllers ? memchr(controllers + 1, ':', n) : NULL;
                size_t n_controllers;
                int r;

                if (!path || path >= line + n)
                        return refuse_step(f, REASON_TARGET_V1, WIRE_STEP_V1, EINVAL);
                controllers++;
                n_controllers = (size_t)(path - controllers);
                path++;
                if (n_controllers == 0 || is_own_line(line, n)) /* 0 is cgroup2: entered by birth */
                        continue;
                if ((n_controllers == 7 && strncmp(controllers, "freezer", 7) == 0) != freezer)
                        continue;
                r = v1_join(controllers, n_controllers, path, (size_t)(line + n - path));
                if (r < 0)
                        return refuse_step(f, REASON_TARGET_V1, WIRE_STEP_V1, -r);
        }
        return 0;
}

int step_v1(struct run *r, struct fail *f) {
        const char *cgroups = r->job->target.cgroups;

        return v1_pass(cgroups, false, f) < 0 ? -1 : v1_pass(cgroups, true, f);
}
