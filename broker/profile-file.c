/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named profiles: NAME.json in one of the seccomp.d folders. Only root's files count, and a name
 * can reach nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/profile-rule.h"
#include "broker/profile.h"
#include "common/fd.h"

bool profile_name_is_valid(const char *name) {
        static const char alnum[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        size_t n = strlen(name);

        if (n == 0 || n > 64 || !strchr(alnum, name[0]))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!strchr(alnum, name[i]) && !strchr("._-", name[i]))
                        return false;
        return true;
}

static void textp_free(char **text) {
        free(*text);
}

/* Who can write the file decides what commands may do. */
static int check_file(const struct profile_place *place, int fd, size_t *ret_size) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return profile_refuse(place, "is no regular file");
        if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
                return profile_refuse(place, "can be written by others than root");
        if (st.st_size < 1 || st.st_size > PROFILE_MAX_BYTES)
                return profile_refuse(place, "size is not from 1 byte to 1 MiB");
        *ret_size = (size_t)st.st_size;
        return 0;
}

static int read_all(int fd, char *text, size_t size) {
        size_t done = 0;

        while (done < size) {
                ssize_t n = pread(fd, text + done, size - done, (off_t)done);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        return -EIO; /* shorter than a moment ago */
                if (n > 0)
                        done += (size_t)n;
        }
        return 0;
}

static int load_from(const struct profile_place *place, int fd, struct profile **ret) {
        _cleanup_(textp_free) char *text = NULL;
        size_t size = 0;
        int r;

        r = check_file(place, fd, &size);
        if (r != 0)
                return r;
        text = malloc(size + 1);
        if (!text)
                return -ENOMEM;
        text[size] = 0;
        r = read_all(fd, text, size);
        return r < 0 ? r : profile_parse(text, size, place->origin, ret, place->err);
}

/* -ENOENT is the only error after which the next folder is looked at: a broken file in a stronger
 * folder is an error, not a reason to take the weaker one. */
static int open_in(const char *folder, const char *file) {
        _cleanup_close_ int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int fd;

        if (dir < 0)
                return -errno;
        fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int profile_load(const char *const *folders, const char *name, struct profile **ret,
                 struct profile_error *err) {
        struct profile_place place = { name, "", err };
        char file[80];

        if (!profile_name_is_valid(name)) {
                place.origin = "seccomp profile";
                return profile_refuse(
                        &place,
                        "the name is not letters, digits and ._- beginning with a letter or digit");
        }
        snprintf(file, sizeof(file), "%s.json", name);
        for (size_t i = 0; folders[i]; i++) {
                _cleanup_close_ int fd = open_in(folders[i], file);

                if (fd == -ELOOP)
                        return profile_refuse(&place, "is no regular file");
                if (fd >= 0)
                        return load_from(&place, fd, ret);
                if (fd != -ENOENT)
                        return fd;
        }
        return -ENOENT;
}
