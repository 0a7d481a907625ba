/* SPDX-License-Identifier: Apache-2.0 */
/* As the command's own identity: null device, terminal, working directory, program, streams; then filters and birth. */
#include "common/caps.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "helper/context.h"
#include "helper/ident.h"
#include "helper/reopen.h"
#include "helper/session.h"
#include "helper/step-filter.h"
#include "helper/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FD_PARKED 16 /* fds are parked here while 0 to 2 and the extra ones are put in place */

static int open_beneath(const char *path, int flags, uint64_t resolve) {
        struct open_how how = { .flags = (uint64_t)flags | O_CLOEXEC, .resolve = resolve };
        int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

        return fd < 0 ? -errno : fd;
}

/* Through the host's /proc/self/fd: the container's proc does not know this process, and may be anything. */
int reopen(const struct run *r, int fd, int flags) {
        char name[16];
        int n;

        snprintf(name, sizeof(name), "%d", fd);
        n = openat(r->self_fd_fd, name, flags | O_CLOEXEC | O_NOCTTY);
        return n < 0 ? -errno : n;
}

/* The target's /dev/null, handle first: what is not device 1:3 is never opened for real. -ENODEV where there is none. */
static int open_null(const struct run *r, int flags) {
        struct stat st;
        int path = open_beneath("/dev/null", O_PATH, RESOLVE_NO_SYMLINKS);
        int fd;

        if (path < 0)
                return -ENODEV;
        if (fstat(path, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
                fd = -ENODEV;
        else
                fd = reopen(r, path, flags);
        close(path);
        return fd;
}

static int empty_pipe(void) {
        int p[2];

        if (pipe2(p, O_CLOEXEC) < 0)
                return -errno;
        close(p[1]);
        return p[0];
}

int step_null(struct run *r, struct fail *f) {
        for (unsigned i = 0; i < 3; i++) {
                r->streams[i] = r->job->fds[WIRE_SLOT_STDIN + i];
                if (r->tty_fd >= 0 && r->streams[i] < 0)
                        r->streams[i] = r->tty_fd;
                if (r->streams[i] >= 0)
                        continue;
                r->streams[i] = open_null(r, i == 0 ? O_RDONLY : O_WRONLY);
                if (r->streams[i] < 0 && i == 0)
                        r->streams[i] = empty_pipe();
                if (r->streams[i] < 0)
                        return refuse_step(f, REASON_STREAM_MISSING, WIRE_STEP_NULL, -r->streams[i]);
        }
        r->self_fd_fd = close_fd(r->self_fd_fd);
        return 0;
}

/* Twice, by independent means: the kernel's name of where we are begins with a slash (outside the root it says
 * "(unreachable)"), and that name, resolved from the root without any link, is this directory. Not RESOLVE_IN_ROOT:
 * with AT_FDCWD it would take the working directory itself for the root. */
static int check_cwd(void) {
        char name[LIMIT_CWD_BYTES + 1];
        struct stat here, there;
        long n = syscall(SYS_getcwd, name, sizeof(name));
        int fd, r;

        if (n < 0)
                return -errno;
        if (name[0] != '/')
                return -EXDEV;
        fd = open_beneath(name, O_PATH | O_DIRECTORY, RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);
        if (fd < 0)
                return fd;
        r = fstat(fd, &there) < 0 || stat(".", &here) < 0 ? -errno : 0;
        close(fd);
        return r < 0 ? r : here.st_dev == there.st_dev && here.st_ino == there.st_ino ? 0 : -EXDEV;
}

int step_cwd(struct run *r, struct fail *f) {
        int e;

        if (chdir(r->job->strings.cwd) < 0)
                return refuse_step(f, REASON_CWD, WIRE_STEP_CWD, errno);
        e = check_cwd();
        return e < 0 ? refuse_step(f, e == -EXDEV ? REASON_CWD_OUTSIDE : REASON_CWD, WIRE_STEP_CWD, -e) : 0;
}

/* 0, or -errno: -EACCES for what is there but may not be executed, or is no file. */
static int check_program(const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EACCES;
        return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static const char *path_of(const char *const *envv) {
        for (; *envv; envv++)
                if (strncmp(*envv, "PATH=", 5) == 0)
                        return *envv + 5;
        return "";
}

/* Only absolute entries: an empty or relative one means the working directory, which somebody else may have filled. */
static int search_path(struct run *r, const char *name) {
        const char *entry = path_of(r->job->strings.envv);
        int result = -ENOENT;

        for (size_t n; *entry; entry += n + (entry[n] == ':')) {
                int e;

                n = strcspn(entry, ":");
                if (entry[0] != '/' || n + strlen(name) + 2 > sizeof(r->path))
                        continue;
                snprintf(r->path, sizeof(r->path), "%.*s/%s", (int)n, entry, name);
                e = check_program(r->path);
                if (e == 0)
                        return 0;
                if (e == -EACCES)
                        result = -EACCES;
        }
        return result;
}

static uint32_t program_reason(int err) {
        return err == ENOENT || err == ENOTDIR ? REASON_NOT_FOUND : REASON_NOT_EXECUTABLE;
}

int step_path(struct run *r, struct fail *f) {
        const char *name = r->job->strings.argv[0];
        int e;

        if (strchr(name, '/')) {
                r->program = name;
                e = check_program(name);
        } else {
                r->program = r->path;
                e = search_path(r, name);
        }
        return e < 0 ? refuse_step(f, program_reason(-e), WIRE_STEP_PATH, -e) : 0;
}

static int park(int *fd) {
        int high = fcntl(*fd, F_DUPFD_CLOEXEC, FD_PARKED);

        if (high < 0)
                return -errno;
        *fd = high;
        return 0;
}

int step_streams(struct run *r, struct fail *f) {
        const struct job *job = r->job;
        int high[3 + LIMIT_EXTRA_FDS];
        unsigned n = 3 + (unsigned)job->n_extra;
        int e = park(&r->report_fd);

        memcpy(high, r->streams, sizeof(r->streams));
        memcpy(high + 3, job->fds + WIRE_SLOT_EXTRA, job->n_extra * sizeof(int));
        for (unsigned i = 0; i < n && e == 0; i++)
                e = park(&high[i]);
        for (unsigned i = 0; i < n && e == 0; i++)
                e = dup2(high[i], (int)i) < 0 ? -errno : 0;
        if (e < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_STREAMS, -e);
        close_range(n, (unsigned)r->report_fd - 1, 0);
        close_range((unsigned)r->report_fd + 1, ~0u, 0);
        return 0;
}

/* Where no_new_privs is off, the right to load goes up for these calls alone. The last act on capabilities is
 * always their final value, read back. */
int step_filters(struct run *r, struct fail *f) {
        const struct job *job = r->job;
        const struct wire_plan *p = job->plan;
        const uint64_t *c = p->caps;
        const bool nnp = p->flags & WIRE_PLAN_NNP;
        int e;

        madvise(r->page, sizeof(*r->page), MADV_DONTFORK); /* here, since the filter need not allow it */
        if (nnp) {
                e = caps_write(c[CAPS_EFFECTIVE], c[CAPS_PERMITTED], c[CAPS_INHERITABLE]);
                if (e == 0)
                        e = caps_compare(c[CAPS_EFFECTIVE], c[CAPS_PERMITTED], c[CAPS_INHERITABLE]);
                if (e == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1))
                        e = -EPERM;
        } else {
                e = caps_write(c[CAPS_EFFECTIVE] | CAPS_BIT(CAP_SYS_ADMIN), c[CAPS_PERMITTED] | CAPS_BIT(CAP_SYS_ADMIN),
                               c[CAPS_INHERITABLE]);
        }
        if (e < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_CAPS_FINAL, -e);
        /* A uid that is not 0 and has no right to change it must not be able to go back. */
        if (p->uid != 0 && !(c[CAPS_PERMITTED] & CAPS_BIT(CAP_SETUID)) && syscall(SYS_setresuid, -1, 0, -1) == 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_CAPS_FINAL, EPERM);
        e = filter_load(floor_get(job->floor, p->flags & WIRE_PLAN_LISTED32), job->filter, job->n_filter);
        if (e < 0)
                return refuse_step(f, REASON_FILTER_LOAD, WIRE_STEP_FILTER, -e);
        if (nnp)
                return 0;
        e = caps_write(c[CAPS_EFFECTIVE], c[CAPS_PERMITTED], c[CAPS_INHERITABLE]);
        if (e == 0)
                e = caps_compare(c[CAPS_EFFECTIVE], c[CAPS_PERMITTED], c[CAPS_INHERITABLE]);
        return e < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_CAPS_FINAL, -e) : 0;
}

/* The command: born finished. What is left needs no right and no lookup. */
static _Noreturn void command(const struct run *r) {
        struct fail f = { .step = WIRE_STEP_SESSION };

        if (setsid() < 0 || (r->tty_fd >= 0 && ioctl(0, TIOCSCTTY, 0) < 0)) {
                f.reason = REASON_STEP;
        } else {
                execve(r->program, (char *const *)r->job->strings.argv, (char *const *)r->job->strings.envv);
                f.reason = program_reason(errno);
                f.step = WIRE_STEP_EXEC;
        }
        f.err = errno;
        if (write(r->report_fd, &f, sizeof(f)) < 0)
                end_now(126);
        end_now(127);
}

int step_birth(struct run *r, struct fail *f) {
        long pid = syscall(SYS_clone, FILTER_CLONE_FLAGS, NULL, &r->page->c_pid, NULL, 0);

        if (pid == 0)
                command(r);
        return pid < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_BIRTH, errno) : 0;
}
