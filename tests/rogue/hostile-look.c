/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at a command as closely as the kernel lets anybody inside: rights, descriptors, program, directories. */
#include "tests/rogue/hostile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#endif
#define SEALS 0xf /* SEAL, SHRINK, GROW, WRITE */

static struct {
        int proc_fd; /* the real one, from before anybody faked it */
        uint64_t mounts[128];
        unsigned n;
} own;

/* UINT64_MAX: it is gone. The kernel's own mounts have numbers too, one of them 0. */
static uint64_t mount_of(int dir, const char *path) {
        struct statx s = {};

        return statx(dir, path, AT_EMPTY_PATH, STATX_MNT_ID, &s) == 0 ? s.stx_mnt_id : UINT64_MAX;
}

static void add_mount(uint64_t id) {
        if (own.n < sizeof(own.mounts) / sizeof(*own.mounts))
                own.mounts[own.n++] = id;
}

/* By the mount, not the device: the host keeps this root file system beside others on one device. */
static void add_own_mounts(void) {
        FILE *f = fopen("/proc/self/mountinfo", "r");
        char line[4096];

        while (f && fgets(line, sizeof(line), f))
                add_mount(strtoul(line, NULL, 10));
        if (f)
                fclose(f);
}

/* Where a command's descriptors may be: pipes, sockets without a file, and the container's own mounts. */
void look_setup(void) {
        int pair[2], sock = socket(AF_UNIX, SOCK_STREAM, 0);

        if (pipe(pair) < 0 || sock < 0)
                exit(1);
        add_mount(mount_of(pair[0], ""));
        add_mount(mount_of(sock, ""));
        close(pair[0]);
        close(pair[1]);
        close(sock);
        add_own_mounts();
        own.proc_fd = open("/proc", O_RDONLY | O_DIRECTORY);
}

static bool is_own(int dir, const char *path) {
        uint64_t id = mount_of(dir, path);

        for (unsigned i = 0; i < own.n; i++)
                if (own.mounts[i] == id)
                        return true;
        return id == UINT64_MAX;
}

static int read_status(pid_t pid, char *text, size_t size) {
        char name[64];
        ssize_t n;
        int fd;

        snprintf(name, sizeof(name), "%d/status", (int)pid);
        fd = openat(own.proc_fd, name, O_RDONLY);
        n = fd < 0 ? -1 : read(fd, text, size - 1);
        if (fd >= 0)
                close(fd);
        text[n > 0 ? n : 0] = 0;
        return n > 0 ? 0 : -1;
}

static const char *field(const char *text, const char *name) {
        const char *p = strstr(text, name);

        return p ? p + strlen(name) : "";
}

bool is_stranger(pid_t pid) {
        char text[4096];

        return pid != 1 && read_status(pid, text, sizeof(text)) == 0 && atoi(field(text, "\nPPid:")) == 0;
}

static void check_number(const char *text, const char *name, uint64_t wanted, pid_t pid, const char *what) {
        uint64_t n[4];

        if (wanted == HOSTILE_ANY || sscanf(field(text, name), " %lu %lu %lu %lu", &n[0], &n[1], &n[2], &n[3]) != 4)
                return;
        for (int i = 0; i < 4; i++)
                if (n[i] != wanted)
                        finding("%s: %d has %s %lu at %d, not %lu", what, (int)pid, name + 1, n[i], i, wanted);
}

static void check_groups(const char *text, pid_t pid, const char *what) {
        char line[256];

        if (page->group == HOSTILE_ANY || sscanf(field(text, "\nGroups:"), "%255[^\n]", line) != 1)
                return;
        if (strtoul(line, NULL, 10) != page->group || strcspn(line + 1, " ") + 2 < strlen(line))
                finding("%s: %d has groups %s", what, (int)pid, line);
}

static void check_caps(const char *text, pid_t pid, const char *what) {
        const struct {
                const char *name;
                const uint64_t *most;
        } sets[] = { { "\nCapInh:", NULL }, { "\nCapAmb:", NULL }, { "\nCapPrm:", &page->caps }, { "\nCapEff:", &page->caps }, { "\nCapBnd:", &page->bounding } };

        for (unsigned i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
                uint64_t v = strtoul(field(text, sets[i].name), NULL, 16);

                if (v & ~(sets[i].most ? *sets[i].most : 0))
                        finding("%s: %d has %s %lx", what, (int)pid, sets[i].name + 1, v);
        }
}

static void look_rights(pid_t pid, const char *what) {
        char text[4096];

        if (read_status(pid, text, sizeof(text)) < 0 || strchr("ZX", field(text, "\nState:\t")[0]))
                return;
        check_caps(text, pid, what);
        check_number(text, "\nUid:", page->uid, pid, what);
        check_number(text, "\nGid:", page->gid, pid, what);
        check_groups(text, pid, what);
        if (page->seccomp != HOSTILE_ANY && strtoul(field(text, "\nSeccomp_filters:"), NULL, 10) < page->seccomp)
                finding("%s: %d has fewer filters than %lu", what, (int)pid, page->seccomp);
}

/* Tries to write where a file of the host might be; the container's own files are its own. */
static void look_program(pid_t pid, const char *what) {
        char name[64], where[PATH_MAX] = "";
        int fd, again;

        snprintf(name, sizeof(name), "%d/exe", (int)pid);
        fd = openat(own.proc_fd, name, O_RDONLY | O_NONBLOCK);
        if (fd < 0 || is_own(fd, "")) {
                if (fd >= 0)
                        close(fd);
                return;
        }
        page->early++;
        if ((fcntl(fd, F_GET_SEALS) & SEALS) != SEALS) {
                if (readlinkat(own.proc_fd, name, where, sizeof(where) - 1) < 0)
                        where[0] = 0;
                finding("%s: the program of %d is a file of somebody else's: %s", what, (int)pid, where);
        }
        snprintf(name, sizeof(name), "self/fd/%d", fd);
        again = openat(own.proc_fd, name, O_RDWR | O_NONBLOCK);
        if (again >= 0 && write(again, "x", 1) == 1)
                finding("%s: the program of %d can be written", what, (int)pid);
        page->refused++;
        if (again >= 0)
                close(again);
        close(fd);
}

static void look_directory(pid_t pid, const char *link, const char *what) {
        char name[64];

        snprintf(name, sizeof(name), "%d/%s", (int)pid, link);
        if (!is_own(own.proc_fd, name))
                finding("%s: %s of %d is outside", what, link, (int)pid);
}

/* A socket cannot be opened by its link, but taken: whatever waits in it is seen without taking it away. */
static void look_socket(int fd, pid_t pid, const char *what) {
        char data[64], control[256];
        struct iovec iov = { data, sizeof(data) };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

        if (recvmsg(fd, &m, MSG_PEEK | MSG_DONTWAIT) >= 0 && m.msg_controllen > 0)
                finding("%s: a socket of %d brings descriptors", what, (int)pid);
        for (int i = 0; page->forge && i < 4; i++) /* forged words to the supervisor; it must believe none of them */
                send(fd, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void take(pid_t pid, int number, const char *what) {
        int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        int fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
        struct stat s;

        if (fd >= 0 && fstat(fd, &s) == 0) {
                page->opened++;
                if (!is_own(fd, ""))
                        finding("%s: descriptor %d of %d, taken, is of the host", what, number, (int)pid);
                if (S_ISSOCK(s.st_mode))
                        look_socket(fd, pid, what);
        }
        if (fd >= 0)
                close(fd);
        if (pidfd >= 0)
                close(pidfd);
}

static void look_fd(pid_t pid, int dir, const char *number, const char *what) {
        char where[PATH_MAX] = "";

        page->fds++;
        if (!is_own(dir, number)) {
                if (readlinkat(dir, number, where, sizeof(where) - 1) < 0)
                        where[0] = 0;
                finding("%s: descriptor %s of %d is of the host: %s", what, number, (int)pid, where);
        }
        take(pid, atoi(number), what);
}

static void look_fds(pid_t pid, const char *what) {
        char name[64];
        struct dirent *e;
        DIR *dir;
        int fd;

        snprintf(name, sizeof(name), "%d/fd", (int)pid);
        fd = openat(own.proc_fd, name, O_RDONLY | O_DIRECTORY);
        dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir)
                return;
        while ((e = readdir(dir)))
                if (e->d_name[0] != '.')
                        look_fd(pid, fd, e->d_name, what);
        closedir(dir);
}

void look_at(pid_t pid, const char *what) {
        page->strangers++;
        look_fds(pid, what);
        look_program(pid, what);
        look_directory(pid, "cwd", what);
        look_directory(pid, "root", what);
        look_rights(pid, what);
}

/* The same of one that is stopped, so nothing of it can be missed. */
void look_held(pid_t pid) {
        page->seized++;
        look_at(pid, "held");
}
