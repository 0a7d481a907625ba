/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of our descriptors go into the container. A passed descriptor is a way back for whoever is inside, so only anonymous pipes of
 * the right direction go; everything else stays here and is pumped. The service refuses what we would get wrong.
 */
#include "cli/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cli/text.h"

void streams_occupy(void) {
        for (int fd = 0; fd < 3; fd++)
                if (fcntl(fd, F_GETFD) < 0)
                        (void)!open("/dev/null", O_RDWR);
}

static bool is_anonymous_pipe(int fd, const struct stat *st) {
        struct statfs fs;

        return S_ISFIFO(st->st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

static bool is_null(const struct stat *st) {
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static void pass(struct streams *streams, int inside, int fd, bool ours) {
        streams->ours[streams->n] = ours;
        streams->stream[streams->n++] = (struct stream){ (uint32_t)inside, fd };
}

static int pump(struct streams *streams, const char *name, int fd, bool outward) {
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0) {
                int r = -errno;

                complain(name, "no pipe for it: %s", strerror(-r));
                return r;
        }
        pass(streams, fd, ends[outward], true);
        if (outward)
                pump_add(&streams->pumps, name, ends[0], fd, true);
        else
                pump_add(&streams->pumps, name, fd, ends[1], false);
        return 0;
}

/* stdin wants reading, the others writing; an extra one is what it was opened for. */
static int add(struct streams *streams, const char *name, int fd) {
        int mode = fcntl(fd, F_GETFL);
        bool outward = fd == 0 ? false : fd <= 2 ? true : (mode & O_ACCMODE) == O_WRONLY;
        struct stat st;

        if (mode < 0 || fstat(fd, &st) < 0 || (fd <= 2 && is_null(&st)))
                return 0; /* the target's own null stands in */
        if (is_anonymous_pipe(fd, &st) && (mode & O_ACCMODE) == (outward ? O_WRONLY : O_RDONLY)) {
                pass(streams, fd, fd, false);
                return 0;
        }
        if (fd > 2 && (mode & (O_ACCMODE | O_PATH)) != O_RDONLY &&
            (mode & (O_ACCMODE | O_PATH)) != O_WRONLY) {
                complain(
                        name,
                        "goes both ways or none; a pipe, or what is open for reading or for writing alone, was expected");
                return -EINVAL;
        }
        return pump(streams, name, fd, outward);
}

int streams_make(struct streams *streams, const struct request *request) {
        static const char *const names[] = { "stdin", "stdout", "stderr" };
        int r = 0;

        *streams = (struct streams){ 0 };
        for (int fd = 0; r >= 0 && fd < 3; fd++)
                if (!request->tty && !request->detach && (fd || request->interactive))
                        r = add(streams, names[fd], fd);
        for (unsigned i = 0; r >= 0 && i < request->n_preserve; i++)
                r = add(streams, "extra descriptor", request->preserve[i]);
        return r;
}

void streams_sent(struct streams *streams) {
        for (unsigned i = 0; i < streams->n; i++)
                if (streams->ours[i])
                        close(streams->stream[i].fd);
}
