/* SPDX-License-Identifier: Apache-2.0 */
/* What a file descriptor is, by the kernel's word. It never reads, writes or ioctls one: that alone can do harm, and on a FUSE
 * file it can block for ever (SECURITY I21, F8). Whatever is not exactly one of the kinds is none. */
#include "common/fdtype.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#ifndef PIPEFS_MAGIC
#define PIPEFS_MAGIC 0x50495045
#endif
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef EROFS_SUPER_MAGIC_V1
#define EROFS_SUPER_MAGIC_V1 0xe0f5e1e2
#endif

/* File systems that hold data and nothing else. A list of what is forbidden would always be one short; FUSE and those of the
 * network are not in it, since whoever serves them can let a reader wait. */
static const unsigned long data_file_systems[] = {
        EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC,
        RAMFS_MAGIC, OVERLAYFS_SUPER_MAGIC, SQUASHFS_MAGIC, EROFS_SUPER_MAGIC_V1,
};

static bool holds_data(unsigned long magic) {
        for (size_t i = 0; i < sizeof(data_file_systems) / sizeof(*data_file_systems); i++)
                if (data_file_systems[i] == magic)
                        return true;
        return false;
}

static int option(int fd, int name) {
        int value = -1;
        socklen_t size = sizeof(value);

        return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -1 : value;
}

/* A socket without a peer could be bound, connected or made to listen anywhere by whoever gets it. */
static bool is_connected(int fd) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof(peer);

        return getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
}

/* Streams alone, and of IP only TCP: datagram sockets reach anybody, others bring their own ways to pass things on. */
static unsigned kind_of_socket(int fd) {
        const int domain = option(fd, SO_DOMAIN), listening = option(fd, SO_ACCEPTCONN);

        if (option(fd, SO_TYPE) != SOCK_STREAM || listening < 0)
                return 0;
        if (domain == AF_UNIX)
                return !listening && is_connected(fd) ? FD_KIND_UNIX : 0;
        if ((domain != AF_INET && domain != AF_INET6) || option(fd, SO_PROTOCOL) != IPPROTO_TCP)
                return 0;
        return listening ? FD_KIND_INET_LISTEN : is_connected(fd) ? FD_KIND_INET : 0;
}

/* A pipe is anonymous by the kind of its file system: a named FIFO is a file of the host. O_PATH is a handle to a file, whatever
 * its type. DONT_SYNC: the type is known without asking whoever serves a file system. */
unsigned fdtype_of(int fd) {
        struct statx st;
        struct statfs fs;
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0 || flags & O_PATH || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) < 0)
                return 0;
        if (S_ISSOCK(st.stx_mode))
                return kind_of_socket(fd);
        if ((!S_ISFIFO(st.stx_mode) && !S_ISREG(st.stx_mode)) || fstatfs(fd, &fs) < 0)
                return 0;
        if (S_ISFIFO(st.stx_mode))
                return fs.f_type == PIPEFS_MAGIC ? FD_KIND_PIPE : 0;
        return holds_data((unsigned long)fs.f_type) ? FD_KIND_FILE : 0;
}
