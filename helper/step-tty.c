/* SPDX-License-Identifier: Apache-2.0 */
/* A terminal of the target's own devpts, made with the command's identity. */
#include "common/fdpass.h"
#include "helper/reopen.h"
#include "helper/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Handle first; devpts by its magic number and ptmx by its device number: /dev of a container is its own to fake. */
static int open_ptmx(const struct run *r) {
        struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
        struct statfs fs;
        struct stat st;
        int fd, path = (int)syscall(SYS_openat2, AT_FDCWD, "/dev/pts/ptmx", &how, sizeof(how));

        if (path < 0)
                return -errno;
        if (fstatfs(path, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC || fstat(path, &st) < 0 || !S_ISCHR(st.st_mode) ||
            st.st_rdev != makedev(5, 2))
                fd = -ENODEV;
        else
                fd = reopen(r, path, O_RDWR);
        close(path);
        return fd;
}

/* The other end by TIOCGPTPEER, never by its name. */
static int open_peer(int master, const struct wire_plan *p) {
        struct winsize size = { .ws_row = (unsigned short)p->rows, .ws_col = (unsigned short)p->cols };
        int unlock = 0, fd;

        if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
                return -errno;
        if ((p->rows || p->cols) && ioctl(master, TIOCSWINSZ, &size) < 0)
                return -errno;
        fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int step_tty(struct run *r, struct fail *f) {
        const struct wire_plan *p = r->job->plan;
        const struct fail hand_over = {};
        int master, e;

        if (!(p->flags & WIRE_PLAN_TTY))
                return 0;
        master = open_ptmx(r);
        if (master < 0)
                return refuse_step(f, REASON_TTY, WIRE_STEP_TTY, -master);
        r->tty_fd = open_peer(master, p);
        if (r->tty_fd < 0)
                return refuse_step(f, REASON_TTY, WIRE_STEP_TTY, -r->tty_fd);
        e = fdpass_send(r->report_fd, &hand_over, sizeof(hand_over), &master, 1, MSG_DONTWAIT);
        close(master);
        return e < 0 ? refuse_step(f, REASON_TTY, WIRE_STEP_TTY, -e) : 0;
}
