/* SPDX-License-Identifier: Apache-2.0 */
/* A session's cgroup. Never writes cgroup.subtree_control of a target, never moves a process. */
#include "helper/cgroup.h"

#include "config.h"
#include "helper/context.h"
#include "helper/session.h"
#include "helper/target.h"
#include "helper/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int instance_lock(bool exclusive) {
        struct flock lock = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
        int fd = open(AIRLOCK_RUN_DIR "/instance", O_RDWR | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0)
                return -errno;
        if (fcntl(fd, F_SETLKW, &lock) < 0) {
                close(fd);
                return -errno;
        }
        return fd;
}

bool cgroup_is_ours(const char *path, const char *token) {
        char prefix[32];
        const char *name = strrchr(path, '/');
        int n = snprintf(prefix, sizeof(prefix), "airlock-%s-", context.instance);

        name = name ? name + 1 : path;
        if (strncmp(name, prefix, (size_t)n) != 0 || strspn(name + n, "0123456789abcdef") != 16 || name[n + 16])
                return false;
        return !token || strcmp(name + n, token) == 0;
}

/* A link count of a cgroup directory is 2 and its children: cheaper than reading it, and never too small. */
static int check_room(int parent, struct cgroup *cg, struct fail *f) {
        struct stat st;

        if (fstat(parent, &st) < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_CGROUP, errno);
        cg->delegated = st.st_uid != 0;
        return st.st_nlink < LIMIT_SESSIONS_PER_TARGET + 2 ? 0 : refuse(f, REASON_SESSIONS);
}

static int name_it(const struct target *t, struct session_page *page) {
        int n = snprintf(page->cgroup, sizeof(page->cgroup), "%s/airlock-%s-%s", target_cgroup(t), context.instance, page->token);
        return n < (int)sizeof(page->cgroup) ? 0 : -ENAMETOOLONG;
}

int cgroup_open_rest(struct cgroup *cg) {
        cg->procs_fd = openat(cg->dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        cg->cpu_fd = openat(cg->dir_fd, "cpu.stat", O_RDONLY | O_CLOEXEC);
        return cg->procs_fd < 0 || cg->cpu_fd < 0 ? -errno : 0;
}

/* What ends a session is there before anything is in it. */
static int open_files(struct cgroup *cg) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

        cg->kill_fd = openat(cg->dir_fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
        cg->events_fd = openat(cg->dir_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
        if (cg->kill_fd < 0 || cg->events_fd < 0)
                return -errno;
        return fcntl(cg->kill_fd, F_SETLK, &lock) < 0 ? -errno : 0;
}

static int make_locked(int parent, const struct session_page *page, struct cgroup *cg) {
        const char *name = strrchr(page->cgroup, '/') + 1;
        int r;

        if (mkdirat(parent, name, 0755) < 0)
                return -errno;
        cg->dir_fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        r = cg->dir_fd < 0 ? -errno : open_files(cg);
        /* A listener that died meanwhile has no successor that would know of this session. */
        if (r == 0 && getppid() != context.listener)
                r = -ESRCH;
        if (r < 0)
                unlinkat(parent, name, AT_REMOVEDIR);
        return r;
}

int cgroup_make(const struct target *t, struct session_page *page, struct cgroup *cg, struct fail *f) {
        int lock, r = name_it(t, page);

        *cg = (struct cgroup){ -1, -1, -1, -1, -1, false };
        if (check_room(t->cgroup_fd, cg, f) < 0)
                return -1;
        lock = r < 0 ? r : instance_lock(false);
        r = lock < 0 ? lock : make_locked(t->cgroup_fd, page, cg);
        if (lock >= 0)
                close(lock);
        return r < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_CGROUP, -r) : 0;
}

int cgroup_kill(int kill_fd) {
        return pwrite(kill_fd, "1", 1, 0) == 1 ? 0 : -errno;
}

bool cgroup_is_populated(int events_fd) {
        char text[128];
        uint64_t v = 0;

        return text_pread(events_fd, text, sizeof(text)) > 0 && text_field_u64(text, "populated", 10, &v) == 0 && v;
}

bool cgroup_wait_empty(int events_fd, uint64_t deadline_ns) {
        while (cgroup_is_populated(events_fd)) {
                struct pollfd p = { .fd = events_fd, .events = POLLPRI };

                if (now_ns() >= deadline_ns)
                        return false;
                poll(&p, 1, 20); /* a missed edge costs one round */
        }
        return true;
}

uint64_t cgroup_cpu_us(int cpu_fd) {
        char text[1024];
        uint64_t v = 0;

        if (text_pread(cpu_fd, text, sizeof(text)) > 0)
                text_field_u64(text, "usage_usec", 10, &v);
        return v;
}

uint32_t cgroup_pids(int procs_fd, uint32_t *ret, uint32_t max) {
        static char text[64u << 10];
        const char *p = text;
        uint32_t n = 0;
        uint64_t v;

        if (text_pread_file(procs_fd, text, sizeof(text)) < 0)
                return 0;
        while (text_u64(&p, 10, &v) == 0 && *p == '\n') {
                if (n < max)
                        ret[n] = (uint32_t)v;
                n++;
                p++;
        }
        return n;
}
