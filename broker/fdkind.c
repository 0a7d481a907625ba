/* SPDX-License-Identifier: Apache-2.0 */
/* The kind of a passed file descriptor. It never reads, writes or ioctls one: that alone can do harm (SECURITY I21). */
#include "broker/fdkind.h"

#include "common/fdtype.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif
#ifndef PIPEFS_MAGIC
#define PIPEFS_MAGIC 0x50495045
#endif

struct file_system {
        unsigned long magic;
        const char *name;
};

static const struct file_system named[] = {
        { PROC_SUPER_MAGIC, "a file of procfs" },
        { SYSFS_MAGIC, "a file of sysfs" },
        { NSFS_MAGIC, "a namespace" },
        { PID_FS_MAGIC, "a pidfd" },
        { CGROUP2_SUPER_MAGIC, "a file of cgroup2" },
        { CGROUP_SUPER_MAGIC, "a file of a cgroup" },
        { BPF_FS_MAGIC, "a file of bpf" },
        { ANON_INODE_FS_MAGIC, "an anonymous inode" },
        { DEBUGFS_MAGIC, "a file of debugfs" },
        { TRACEFS_MAGIC, "a file of tracefs" },
        { SECURITYFS_MAGIC, "a file of securityfs" },
        { BINFMTFS_MAGIC, "a file of binfmt_misc" },
};

static const char *name_of_socket(int fd) {
        int domain = 0, type = 0, listening = 0;
        socklen_t size = sizeof domain;

        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
        size = sizeof type;
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
        size = sizeof listening;
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);
        if (domain == AF_UNIX)
                return listening ? "a listening unix socket" : "a unix socket";
        if (domain == AF_INET || domain == AF_INET6)
                return listening           ? "a listening inet socket"
                     : type == SOCK_STREAM ? "an inet socket"
                                           : "an inet socket that is no stream";
        return "a socket";
}

static const char *name_of_device(const struct stat *st) {
        unsigned int device = major(st->st_rdev);

        if (device == 1 && minor(st->st_rdev) == 3)
                return "the host's null device";
        /* 4 and 5: consoles and /dev/tty; 136 to 143: pseudo-terminals (Documentation/admin-guide/devices.txt). */
        if (device == 4 || device == 5 || (device >= 136 && device <= 143))
                return "a terminal";
        return "a character device";
}

static const char *name_of_file(int fd, const struct stat *st) {
        struct statfs fs;

        if (fstatfs(fd, &fs) == 0)
                for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
                        if ((unsigned long)fs.f_type == named[i].magic)
                                return named[i].name;
        switch (st->st_mode & S_IFMT) {
        case S_IFDIR: return "a directory";
        case S_IFBLK: return "a block device";
        case S_IFCHR: return name_of_device(st);
        case S_IFSOCK: return name_of_socket(fd);
        case S_IFIFO: return "a named FIFO";
        case S_IFREG: return "a file";
        default: return "an anonymous inode";
        }
}

/* pipefs is one mount of the kernel: its device number is the same for every anonymous pipe, and for nothing else. */
static bool is_anonymous_pipe(int fd, const struct stat *st) {
        static dev_t pipefs;
        struct statfs fs;

        if (!S_ISFIFO(st->st_mode))
                return false;
        if (pipefs != 0 && st->st_dev == pipefs)
                return true;
        if (fstatfs(fd, &fs) < 0 || (unsigned long)fs.f_type != PIPEFS_MAGIC)
                return false;
        pipefs = st->st_dev;
        return true;
}

static int refuse(struct error *error, unsigned number, const char *what) {
        return error_set(
                error, OUTCOME_BAD_FD,
                "fd %u: is %s; expected an anonymous pipe: pass a pipe and copy through it", number,
                what);
}

int fdkind_refuse(int fd, unsigned number, struct error *error) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        return refuse(error, number, name_of_file(fd, &st));
}

int fdkind_check(int fd, unsigned number, enum fdkind_use use, unsigned *ret, struct error *error) {
        struct stat st;
        unsigned kind;
        int flags;

        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (flags & O_PATH)
                return refuse(error, number, "an O_PATH descriptor");
        kind = is_anonymous_pipe(fd, &st) ? FD_KIND_PIPE : fdtype_of(fd);
        if (!kind)
                return refuse(error, number, name_of_file(fd, &st));
        if (use == FDKIND_INPUT && (flags & O_ACCMODE) == O_WRONLY)
                return refuse(error, number,
                              kind == FD_KIND_PIPE ? "the writing end of a pipe, for input"
                                                   : "open for writing alone, for input");
        if (use == FDKIND_OUTPUT && (flags & O_ACCMODE) == O_RDONLY)
                return refuse(error, number,
                              kind == FD_KIND_PIPE ? "the reading end of a pipe, for output"
                                                   : "open for reading alone, for output");
        *ret = kind;
        return 0;
}
