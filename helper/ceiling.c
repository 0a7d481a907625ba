/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling's key=value lines: the one parser of text that the privileged side has. Strict: what it does not
 * know is an error, since a misspelt limit is no limit. */
#include "helper/ceiling.h"

#include "common/caps.h"
#include "config.h"
#include "helper/text.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From the root of the hierarchy, component by component: a cgroup that only ends like an engine's, deeper in
 * somebody's own subtree, matches none. */
static const char *const builtin_patterns[] = {
        "/system.slice/docker-*.scope", "/docker/*", "/machine.slice/libpod-*.scope", "/machine.slice/libpod-*.scope/container",
        "/libpod_parent/libpod-*", "/system.slice/cri-containerd-*.scope", "/kubepods.slice/kubepods-*.slice/*/cri-containerd-*.scope",
        "/kubepods.slice/kubepods-*.slice/*/crio-*.scope", "/kubepods/*/*/*", "/lxc.payload.*",
        "/machine.slice/machine-*.scope", "/machine.slice/machine-*.scope/payload", "/crun-*.scope", "/system.slice/crun-*.scope",
        "/system.slice/runc-*.scope",
        "/user.slice/user-*.slice/user@*.service/user.slice/libpod-*.scope",
        "/user.slice/user-*.slice/user@*.service/user.slice/libpod-*.scope/container",
};

static const char *const builtin_dirs[] = {
        "/run/crun", "/run/runc", "/run/docker/runtime-runc/moby", "/run/containerd/runc/default", "/run/containerd/runc/k8s.io",
        "/var/lib/docker/containers", "/run/containers/storage/overlay-containers", "/var/lib/containers/storage/overlay-containers",
};

#define N_ELEMENTS(a) (sizeof(a) / sizeof(*(a)))

static void set_builtin(struct ceiling *c) {
        c->n_patterns = N_ELEMENTS(builtin_patterns);
        memcpy(c->patterns, builtin_patterns, sizeof(builtin_patterns));
        c->n_dirs = N_ELEMENTS(builtin_dirs);
        memcpy(c->dirs, builtin_dirs, sizeof(builtin_dirs));
        c->plain_caps = CAPS_ALL;
        c->privileged_caps = 0;
        c->privileged_into_ptrace = false;
        c->allow_uid0 = true;
        c->allow_other_user = true;
        c->allow_unconfined = false;
        c->fd_kinds = FD_KIND_PIPE;
        c->sessions = LIMIT_SESSIONS;
        c->rate = LIMIT_RATE_PER_S;
}

/* The next word of a list, ended by NUL in place, or NULL. */
static char *next_word(char **cursor) {
        char *p = *cursor;
        char *start;

        p += strspn(p, " \t");
        if (!*p)
                return NULL;
        start = p;
        p += strcspn(p, " \t");
        if (*p)
                *p++ = 0;
        *cursor = p;
        return start;
}

static int parse_paths(char *value, const char **list, size_t max, size_t *n, bool *seen) {
        if (!*seen)
                *n = 0; /* the file's own list replaces the built-in one */
        *seen = true;
        for (char *w; (w = next_word(&value));) {
                if (*n == max || w[0] != '/')
                        return -EINVAL;
                list[(*n)++] = w;
        }
        return 0;
}

static int parse_caps(char *value, const char *whole, uint64_t *ret) {
        uint64_t set = 0;

        for (char *w; (w = next_word(&value));) {
                int cap = caps_from_name(w);

                if (strcmp(w, whole) == 0)
                        set = CAPS_ALL;
                else if (cap < 0)
                        return -EINVAL;
                else
                        set |= CAPS_BIT(cap);
        }
        *ret = set;
        return 0;
}

static int parse_bool(const char *value, bool *ret) {
        if (strcmp(value, "yes") == 0)
                *ret = true;
        else if (strcmp(value, "no") == 0)
                *ret = false;
        else
                return -EINVAL;
        return 0;
}

static int parse_fd_kinds(char *value, unsigned *ret) {
        static const char *const names[] = { "pipe", "inet", "inet-listen", "unix", "file" };

        *ret = FD_KIND_PIPE;
        for (char *w; (w = next_word(&value));) {
                size_t i = 0;

                while (i < N_ELEMENTS(names) && strcmp(w, names[i]) != 0)
                        i++;
                if (i == N_ELEMENTS(names))
                        return -EINVAL;
                *ret |= 1u << i;
        }
        return 0;
}

static int parse_number(const char *value, uint32_t max, uint32_t *ret) {
        uint64_t v;

        if (text_u64(&value, 10, &v) < 0 || *value || v < 1 || v > max)
                return -EINVAL;
        *ret = (uint32_t)v;
        return 0;
}

/* Which list keys were seen in this file: their first line replaces the built-in list. */
struct seen {
        bool patterns;
        bool dirs;
};

static int parse_key(struct ceiling *c, const char *key, char *value, struct seen *seen) {
        if (strcmp(key, "CgroupPattern") == 0)
                return parse_paths(value, c->patterns, LIMIT_CEILING_PATTERNS, &c->n_patterns, &seen->patterns);
        if (strcmp(key, "OpenDirs") == 0)
                return parse_paths(value, c->dirs, LIMIT_CEILING_DIRS, &c->n_dirs, &seen->dirs);
        if (strcmp(key, "PlainCaps") == 0)
                return parse_caps(value, "target", &c->plain_caps);
        if (strcmp(key, "PrivilegedCaps") == 0)
                return parse_caps(value, "all", &c->privileged_caps);
        if (strcmp(key, "PrivilegedIntoPtrace") == 0)
                return parse_bool(value, &c->privileged_into_ptrace);
        if (strcmp(key, "AllowUid0") == 0)
                return parse_bool(value, &c->allow_uid0);
        if (strcmp(key, "AllowOtherUser") == 0)
                return parse_bool(value, &c->allow_other_user);
        if (strcmp(key, "AllowUnconfined") == 0)
                return parse_bool(value, &c->allow_unconfined);
        if (strcmp(key, "FdKinds") == 0)
                return parse_fd_kinds(value, &c->fd_kinds);
        if (strcmp(key, "Sessions") == 0)
                return parse_number(value, LIMIT_SESSIONS, &c->sessions);
        if (strcmp(key, "Rate") == 0)
                return parse_number(value, LIMIT_RATE_PER_S, &c->rate);
        return -ENOENT;
}

static int parse_line(struct ceiling *c, char *line, struct seen *seen, struct ceiling_error *error) {
        char *equals;
        size_t n;
        int r;

        line += strspn(line, " \t");
        n = strlen(line);
        while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r'))
                line[--n] = 0;
        if (!*line || *line == '#')
                return 0;
        equals = strchr(line, '=');
        if (!equals) {
                error->what = "expected KEY=value";
                return -EINVAL;
        }
        *equals = 0;
        r = parse_key(c, line, equals + 1 + strspn(equals + 1, " \t"), seen);
        if (r < 0)
                error->what = r == -ENOENT ? "unknown key" : "bad value";
        return r < 0 ? -EINVAL : 0;
}

int ceiling_parse(struct ceiling *c, struct ceiling_error *error) {
        struct seen seen = {};
        char *line = c->text;

        *error = (struct ceiling_error){};
        set_builtin(c);
        while (line) {
                char *eol = strchr(line, '\n');

                if (eol)
                        *eol++ = 0;
                error->line++;
                if (parse_line(c, line, &seen, error) < 0)
                        return -EINVAL;
                line = eol;
        }
        return 0;
}

/* Owned by root and writable by nobody else, the file and each directory above it. */
static int check_owner(int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        return st.st_uid == 0 && !(st.st_mode & 022) ? 0 : -EPERM;
}

/* Opens the file component by component, without following a link. */
static int open_trusted(const char *path) {
        struct open_how dir = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
        struct open_how file = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_NO_SYMLINKS };
        char part[256];
        int fd = -1, r = 0;

        for (const char *slash = path; slash && r == 0; slash = strchr(slash + 1, '/')) {
                size_t n = slash == path ? 1 : (size_t)(slash - path);

                if (n >= sizeof(part))
                        return -ENAMETOOLONG;
                memcpy(part, path, n);
                part[n] = 0;
                fd = (int)syscall(SYS_openat2, AT_FDCWD, part, &dir, sizeof(dir));
                if (fd < 0)
                        return -errno;
                r = check_owner(fd);
                close(fd);
        }
        if (r < 0)
                return r;
        fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &file, sizeof(file));
        if (fd < 0)
                return -errno;
        r = check_owner(fd);
        if (r < 0)
                close(fd);
        return r < 0 ? r : fd;
}

int ceiling_load(struct ceiling *c, struct ceiling_error *error) {
        int fd = open_trusted(AIRLOCK_CONF_DIR "/ceiling.conf");
        int n = 0;

        *error = (struct ceiling_error){};
        c->text[0] = 0;
        if (fd < 0 && fd != -ENOENT) {
                error->what = fd == -EPERM ? "the file or a directory above it is not root's alone to write" : "cannot be opened";
                return fd;
        }
        if (fd >= 0) {
                n = text_pread_file(fd, c->text, sizeof(c->text));
                close(fd);
        }
        if (n < 0 || strlen(c->text) != (size_t)n) {
                error->what = n < 0 ? "cannot be read, or is too long" : "holds a NUL byte";
                return n < 0 ? n : -EINVAL;
        }
        return ceiling_parse(c, error);
}

bool ceiling_allows_cgroup(const struct ceiling *c, const char *path) {
        for (size_t i = 0; i < c->n_patterns; i++)
                if (fnmatch(c->patterns[i], path, FNM_PATHNAME | FNM_NOESCAPE) == 0)
                        return true;
        return false;
}

/* The pattern's first components, as many as the path has. */
static bool leads_to(const char *pattern, const char *path) {
        char head[LIMIT_CGROUP_BYTES];
        const char *end = pattern;

        for (const char *p = path; *p && *end; p++)
                if (*p == '/')
                        end += 1 + strcspn(end + 1, "/");
        return (size_t)(end - pattern) < sizeof(head) && snprintf(head, sizeof(head), "%.*s", (int)(end - pattern), pattern) > 0 &&
               fnmatch(head, path, FNM_PATHNAME | FNM_NOESCAPE) == 0;
}

bool ceiling_leads_to(const struct ceiling *c, const char *path) {
        for (size_t i = 0; i < c->n_patterns; i++)
                if (leads_to(c->patterns[i], path))
                        return true;
        return false;
}

bool ceiling_lists_dir(const struct ceiling *c, const char *dir) {
        for (size_t i = 0; i < c->n_dirs; i++)
                if (strcmp(c->dirs[i], dir) == 0)
                        return true;
        return false;
}
