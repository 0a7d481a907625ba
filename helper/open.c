/* SPDX-License-Identifier: Apache-2.0 */
/* `list` and `open`: names and contents of the engines' state files, and of the target's passwd and group.
 * The broker gets a sealed copy, never a file of the host or of the container: nothing that it could reopen, wait
 * on or change. This file looks at no byte of what it copies. */
#include "common/fd.h"
#include "common/fdpass.h"
#include "common/memfd.h"
#include "helper/ceiling.h"
#include "helper/context.h"
#include "helper/ops.h"
#include "helper/target.h"
#include "helper/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char names_block[LIMIT_NAMES_BYTES];
static char file_block[LIMIT_FILE_BYTES];

struct kernel_dirent {
        uint64_t ino;
        int64_t off;
        uint16_t size;
        uint8_t type;
        char name[];
};

/* EAGAIN: a rename or a mount anywhere on the host while ".." was passed (openat2(2)), which a container can go on making. */
static int open_at(int dir, const char *path, int flags, uint64_t resolve) {
        struct open_how how = { .flags = (uint64_t)flags | O_CLOEXEC, .resolve = resolve | RESOLVE_NO_MAGICLINKS };
        int fd, tries = 0;

        do
                fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
        while (fd < 0 && errno == EAGAIN && ++tries < LIMIT_OPEN_TRIES);
        return fd < 0 ? -errno : fd;
}

/* One of the ceiling's own entries, compared whole: a name of the broker's is never opened. */
static int open_dir(const char *dir, size_t size, struct fail *f) {
        int fd;

        if (!memchr(dir, 0, size) || !ceiling_lists_dir(context.ceiling, dir))
                return refuse(f, REASON_DIR_UNKNOWN);
        fd = open_at(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
        return fd < 0 ? refuse_step(f, REASON_FILE_ABSENT, WIRE_STEP_NONE, -fd) : fd;
}

/* All names but . and .., each ended by NUL. How many, or -1 and *f. */
static int read_names(int dir, size_t *ret_size, struct fail *f) {
        char buf[8192];
        long n;
        int count = 0;

        *ret_size = 0;
        while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
                for (long at = 0; at < n;) {
                        const struct kernel_dirent *e = (const struct kernel_dirent *)(buf + at);
                        size_t length = strlen(e->name) + 1;

                        at += e->size;
                        if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0)
                                continue;
                        if ((unsigned)count == LIMIT_NAMES || *ret_size + length > sizeof(names_block))
                                return refuse(f, REASON_DIR_TOO_BIG);
                        memcpy(names_block + *ret_size, e->name, length);
                        *ret_size += length;
                        count++;
                }
        }
        return n < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_NONE, errno) : count;
}

static int send_copy(const struct request *q, const void *message, size_t size, void *data, size_t n, struct fail *f) {
        struct iovec part = { data, n };
        int fd = memfd_sealed("airlock-copy", &part, 1);
        int r = fd < 0 ? fd : fdpass_send(q->conn, message, size, &fd, 1, 0);

        close_fd(fd);
        return r < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_NONE, -r) : 0;
}

int op_list(const struct request *q, struct fail *f) {
        const struct wire_list *m = q->message;
        struct wire_names reply = { .head = WIRE_HEAD(WIRE_NAMES, struct wire_names, 1) };
        int dir = open_dir(m->dir, sizeof(m->dir), f);
        size_t size;
        int n;

        if (dir < 0)
                return -1;
        n = read_names(dir, &size, f);
        close_fd(dir);
        if (n < 0)
                return -1;
        reply.n_names = (uint32_t)n;
        reply.size = (uint32_t)size;
        return send_copy(q, &reply, sizeof(reply), names_block, size, f);
}

/* Handle first: a plain open would reach a device's driver, or wait for a FIFO's writer. */
static int open_regular(int path_fd, bool owned_by_root, struct fail *f) {
        struct stat st;
        char name[32];
        int fd;

        if (fstat(path_fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)LIMIT_FILE_BYTES ||
            (owned_by_root && (st.st_uid != 0 || st.st_mode & 022)))
                return refuse(f, REASON_FILE_KIND);
        snprintf(name, sizeof(name), "self/fd/%d", path_fd);
        fd = openat(context.proc_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        return fd < 0 ? refuse_step(f, REASON_FILE_KIND, WIRE_STEP_NONE, errno) : fd;
}

static int open_state(const struct wire_open *m, struct fail *f) {
        int dir, path;

        if (!memchr(m->path, 0, sizeof(m->path)) || !m->path[0] || m->path[0] == '/')
                return refuse(f, REASON_FILE_NAME);
        dir = open_dir(m->dir, sizeof(m->dir), f);
        if (dir < 0)
                return -1;
        path = open_at(dir, m->path, O_PATH, RESOLVE_BENEATH);
        close_fd(dir);
        if (path < 0)
                return refuse_step(f, path == -EXDEV || path == -ELOOP ? REASON_FILE_NAME : REASON_FILE_ABSENT, WIRE_STEP_NONE, -path);
        return path;
}

static int open_account_file(const struct request *q, const char *name, struct fail *f) {
        static struct target t;
        int root, path;

        if (target_read(q->fds[0], &t, f) < 0 || target_check(&t, f) < 0 || target_check_thawed(&t, f) < 0) {
                target_close(&t);
                return -1;
        }
        root = openat(t.proc_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
        target_close(&t);
        path = root < 0 ? -errno : open_at(root, name, O_PATH, RESOLVE_IN_ROOT);
        close_fd(root);
        return path < 0 ? refuse_step(f, REASON_FILE_ABSENT, WIRE_STEP_NONE, -path) : path;
}

int op_open(const struct request *q, struct fail *f) {
        const struct wire_open *m = q->message;
        struct wire_file reply = { .head = WIRE_HEAD(WIRE_FILE, struct wire_file, 1) };
        const bool state = m->what == WIRE_OPEN_STATE;
        int path, fd, n;

        if (m->reserved || m->what < WIRE_OPEN_STATE || m->what > WIRE_OPEN_GROUP)
                return refuse(f, REASON_MSG_RESERVED);
        if (q->n_fds != (state ? 0 : 1))
                return refuse(f, REASON_MSG_FDS);
        if (state)
                path = open_state(m, f);
        else
                path = open_account_file(q, m->what == WIRE_OPEN_PASSWD ? "etc/passwd" : "etc/group", f);
        if (path < 0)
                return -1;
        fd = open_regular(path, state, f);
        close_fd(path);
        if (fd < 0)
                return -1;
        n = text_pread_file(fd, file_block, sizeof(file_block));
        close_fd(fd);
        if (n < 0)
                return refuse_step(f, REASON_FILE_KIND, WIRE_STEP_NONE, -n);
        reply.size = (uint32_t)n;
        return send_copy(q, &reply, sizeof(reply), file_block, (size_t)n, f);
}
