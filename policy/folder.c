/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens each folder from the root on, by descriptor and without links, and believes a file only where nobody but root
 * can have written it or put it there. Never takes a part of the rules: one bad file and the caller keeps what it has.
 */
#include "policy/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/errors.h"
#include "policy/rule.h"

#define MAX_FILES 4096u

struct source {
        char *name; /* of the file, by which it is sorted and hidden */
        char *path; /* for people */
        int folder_fd;
        size_t strength; /* of its folder */
        bool masked, hidden;
};

struct loader {
        const struct policy_sources *sources;
        const char *suffix;
        struct policy_errors *errors;
        int fds[8];
        size_t n_fds;
        struct source *list;
        size_t n;
        int bad;
};

static int complain(struct loader *l, const char *path, const char *what) {
        int r = errors_add(l->errors, path, 0, 0, NULL, "%s", what);

        if (r < 0)
                return r;
        l->bad = 1;
        return 1;
}

/* NULL where only root can have written it. */
static const char *distrust(const struct loader *l, const struct stat *st) {
        if (l->sources->any_owner)
                return NULL;
        if (st->st_uid != 0)
                return "does not belong to root";
        if (st->st_mode & (S_IWGRP | S_IWOTH))
                return "may be written by others than root";
        return NULL;
}

/* One step down; the path up to here is only for the message. */
static int open_component(struct loader *l, int parent, const char *name, const char *path,
                          int *ret_fd) {
        struct stat st;
        const char *why;
        int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0) {
                if (errno == ELOOP || errno == ENOTDIR)
                        return complain(l, path, "is no folder, or is reached through a link");
                return -errno;
        }
        if (fstat(fd, &st) < 0) {
                int r = -errno;

                close(fd);
                return r;
        }
        why = distrust(l, &st);
        if (why) {
                close(fd);
                return complain(l, path, why);
        }
        *ret_fd = fd;
        return 0;
}

static int next_component(struct loader *l, int *fd, char *path, char *start) {
        char *end = strchrnul(start, '/'), after = *end;
        int next = -1, r;

        *end = '\0';
        r = open_component(l, *fd, start, path, &next);
        *end = after;
        if (r != 0)
                return r;
        close(*fd);
        *fd = next;
        return 0;
}

/* *ret_fd is an O_PATH descriptor of the last component. */
static int walk(struct loader *l, char *path, int *ret_fd) {
        int fd = -1, r = open_component(l, AT_FDCWD, "/", "/", &fd);

        for (char *at = path; r == 0 && *at;) {
                at += strspn(at, "/");
                if (!*at)
                        break;
                r = next_component(l, &fd, path, at);
                at = strchrnul(at, '/');
        }
        if (r != 0 && fd >= 0)
                close(fd);
        else
                *ret_fd = fd;
        return r;
}

static bool is_wanted(const struct loader *l, const char *name) {
        size_t len = strlen(name), n = strlen(l->suffix);

        return name[0] != '.' && len > n && strcmp(name + len - n, l->suffix) == 0;
}

/* A stronger folder comes later: the weaker one's file does not count any more. */
static int remember(struct loader *l, struct source *source) {
        struct source *list;

        for (size_t i = 0; i < l->n; i++)
                if (strcmp(l->list[i].name, source->name) == 0)
                        l->list[i].hidden = true;
        list = l->n < MAX_FILES ? reallocarray(l->list, l->n + 1, sizeof(*list)) : NULL;
        if (!list)
                return -ENOMEM;
        l->list = list;
        list[l->n++] = *source;
        return 0;
}

static bool is_mask(int folder_fd, const char *name) {
        char to[sizeof("/dev/null") + 1];
        ssize_t n = readlinkat(folder_fd, name, to, sizeof(to));

        return n == sizeof("/dev/null") - 1 && memcmp(to, "/dev/null", (size_t)n) == 0;
}

static int take_entry(struct loader *l, int folder_fd, const char *folder, const char *name) {
        struct source source = { .folder_fd = folder_fd,
                                 .strength = l->n_fds,
                                 .masked = is_mask(folder_fd, name) };
        int r = -ENOMEM;

        source.name = strdup(name);
        if (asprintf(&source.path, "%s/%s", folder, name) < 0)
                source.path = NULL;
        if (source.name && source.path)
                r = remember(l, &source);
        if (r < 0) {
                free(source.name);
                free(source.path);
        }
        return r;
}

static int list_folder(struct loader *l, int folder_fd, const char *folder) {
        int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;
        int r = 0;

        if (!dir) {
                r = -errno;
                if (fd >= 0)
                        close(fd);
                return r;
        }
        while (r == 0 && (errno = 0, entry = readdir(dir)))
                if (is_wanted(l, entry->d_name))
                        r = take_entry(l, folder_fd, folder, entry->d_name);
        if (r == 0 && errno)
                r = -errno;
        closedir(dir);
        return r;
}

static int take_folder(struct loader *l, const char *folder) {
        char *path = strdup(folder);
        int fd = -1, r;

        if (!path || l->n_fds == sizeof(l->fds) / sizeof(*l->fds)) {
                free(path);
                return path ? -E2BIG : -ENOMEM;
        }
        r = walk(l, path, &fd);
        free(path);
        if (r == -ENOENT)
                return 0;
        if (r == 0) {
                l->fds[l->n_fds++] = fd;
                r = list_folder(l, fd, folder);
        }
        return r > 0 ? 0 : r;
}

static int read_all(int fd, char *buf, size_t size, size_t *ret) {
        size_t n = 0;

        while (n < size) {
                ssize_t got = read(fd, buf + n, size - n);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0)
                        break;
                n += (size_t)got;
        }
        *ret = n;
        return 0;
}

static int take_text(struct loader *l, const struct source *source, int fd, folder_take *take,
                     void *data) {
        char *buf = malloc(POLICY_FILE_BYTES + 1);
        size_t n = 0;
        int r = buf ? read_all(fd, buf, POLICY_FILE_BYTES + 1, &n) : -ENOMEM;

        if (r == 0)
                r = take(data, source->path, buf, n, l->errors);
        free(buf);
        return r;
}

static int take_fd(struct loader *l, const struct source *source, int fd, folder_take *take,
                   void *data) {
        struct stat st;
        const char *why;

        if (fstat(fd, &st) < 0)
                return -errno;
        why = S_ISREG(st.st_mode) ? distrust(l, &st) : "is no regular file";
        return why ? complain(l, source->path, why) : take_text(l, source, fd, take, data);
}

/* O_NONBLOCK: a FIFO must not hang the broker before fstat has told that it is one. */
static int take_file(struct loader *l, const struct source *source, folder_take *take, void *data) {
        int fd, r;

        if (source->masked || source->hidden)
                return 0;
        fd = openat(source->folder_fd, source->name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return complain(l, source->path,
                                errno == ELOOP ? "is a link, and not one to /dev/null"
                                               : strerrordesc_np(errno));
        r = take_fd(l, source, fd, take, data);
        close(fd);
        return r;
}

static int by_name(const void *a, const void *b) {
        const struct source *p = a, *q = b;
        int r = strcmp(p->name, q->name);

        return r ? r : (p->strength > q->strength) - (p->strength < q->strength);
}

static int find_all(struct loader *l) {
        int r = 0;

        for (size_t i = 0; i < l->sources->n_folders && r == 0; i++)
                r = take_folder(l, l->sources->folders[i]);
        if (l->n)
                qsort(l->list, l->n, sizeof(*l->list), by_name);
        return r;
}

static int take_all(struct loader *l, folder_take *take, void *data) {
        int r = find_all(l);

        if (r < 0)
                return r;
        for (size_t i = 0; i < l->n; i++) {
                r = take_file(l, &l->list[i], take, data);
                if (r < 0)
                        return r;
                l->bad |= r;
        }
        return l->bad;
}

static void loader_end(struct loader *l) {
        for (size_t i = 0; i < l->n; i++) {
                free(l->list[i].name);
                free(l->list[i].path);
        }
        free(l->list);
        for (size_t i = 0; i < l->n_fds; i++)
                close(l->fds[i]);
}

int folder_read(const struct policy_sources *sources, const char *suffix, folder_take *take,
                void *data, struct policy_errors *errors) {
        struct loader l = { .sources = sources, .suffix = suffix, .errors = errors };
        int r = take_all(&l, take, data);

        loader_end(&l);
        return r;
}

/* Of one name the last one, from the strongest folder, counts. */
static const char *hider(const struct loader *l, size_t i) {
        if (!l->list[i].hidden)
                return NULL;
        while (l->list[i].hidden)
                i++;
        return l->list[i].path;
}

int folder_list(const struct policy_sources *sources, const char *suffix, folder_saw *saw,
                void *data, struct policy_errors *errors) {
        struct loader l = { .sources = sources, .suffix = suffix, .errors = errors };
        int r = find_all(&l);

        for (size_t i = 0; i < l.n && r == 0; i++)
                r = saw(data, &(struct folder_file){ .path = l.list[i].path,
                                                     .hidden_by = hider(&l, i),
                                                     .masked = l.list[i].masked });
        loader_end(&l);
        return r ? r : l.bad;
}
