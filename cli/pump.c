/* SPDX-License-Identifier: Apache-2.0 */
/* Moves bytes by splice where that is right, else by a buffer. It waits for one side, then for the other, and never blocks. */
#include "cli/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/text.h"

#define CHUNK (64u << 10)
#define SPLICE_CHUNK (1u << 20)
/* A terminal that says it has room takes this much without blocking us. */
#define TERMINAL_CHUNK 2048u

/*
 * Splice only from the command to a file or FIFO. Inward it would put pages of our file's cache into a pipe that a container reads
 * and may open again for writing, and a flaw such as CVE-2022-0847 would make that a way to the file. To a socket it would block.
 */
static enum pump_way way_of(const struct pump *p) {
        struct stat to;

        if (!p->outward || fstat(p->to, &to) < 0)
                return PUMP_COPY;
        if (S_ISSOCK(to.st_mode) || S_ISCHR(to.st_mode))
                return S_ISSOCK(to.st_mode) ? PUMP_SOCKET : PUMP_TERMINAL;
        return S_ISFIFO(p->from_mode) ? PUMP_SPLICE : PUMP_COPY;
}

void pump_add(struct pumps *pumps, const char *name, int from, int to, bool outward) {
        struct pump p = { .name = name, .from = from, .to = to, .outward = outward };
        int pipe_end = outward ? from : to;
        struct stat st;

        /* Each end of a pipe has flags of its own: the command's end stays as it is. */
        (void)fcntl(pipe_end, F_SETFL, fcntl(pipe_end, F_GETFL) | O_NONBLOCK);
        if (fstat(from, &st) == 0)
                p.from_mode = st.st_mode;
        p.way = way_of(&p);
        pumps->pump[pumps->n++] = p;
}

static void pump_end(struct pump *p) {
        close(p->outward ? p->from : p->to);
        free(p->buffer);
        p->buffer = NULL;
        p->ended = true;
}

/* A reader that went away is no failure, the command learns of it as it would without us. */
static void pump_broken(struct pump *p, int error) {
        if (error != EPIPE && error != ECONNRESET && !(error == EIO && p->way == PUMP_TERMINAL)) {
                complain(p->name, "%s; what was left of it is lost", strerror(error));
                p->failed = true;
        }
        pump_end(p);
}

static int slot(struct pollfd *table, unsigned *n, int fd, short events) {
        table[*n] = (struct pollfd){ .fd = fd, .events = events };
        return (int)(*n)++;
}

unsigned pumps_poll(struct pumps *pumps, struct pollfd *table, unsigned n) {
        for (struct pump *p = pumps->pump; p < pumps->pump + pumps->n; p++) {
                bool loaded = p->from_ready || p->have > p->done;

                p->slot_from = p->slot_to = -1;
                if (p->ended)
                        continue;
                if (!loaded)
                        p->slot_from = slot(table, &n, p->from, POLLIN);
                /* The command's stdin also when there is nothing for it: it may have closed it. */
                if (loaded || !p->outward)
                        p->slot_to = slot(table, &n, p->to, loaded ? POLLOUT : 0);
        }
        return n;
}

/* Counts what was delivered of the tail; in it, an empty pipe that others still hold open is an end for the caller to see. */
static void delivered(struct pump *p, size_t n) {
        p->left -= n < p->left ? n : p->left;
}

/* 1 progress, 0 wait again, <0 -errno: -ENOSYS means that this pair of files wants a buffer. */
static int move_by_splice(struct pump *p) {
        ssize_t n = splice(p->from, NULL, p->to, NULL, SPLICE_CHUNK,
                           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

        p->from_ready = false;
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : errno == EINVAL ? -ENOSYS : -errno;
        if (!n)
                pump_end(p);
        else if (n >= CHUNK && !p->grown)
                p->grown = fcntl(p->from, F_SETPIPE_SZ, SPLICE_CHUNK) !=
                           0; /* one try, whatever its answer */
        delivered(p, (size_t)n);
        return 1;
}

static int fill(struct pump *p) {
        ssize_t n = read(p->from, p->buffer, CHUNK);

        p->from_ready = false;
        if (n < 0 && errno == EIO && !S_ISREG(p->from_mode))
                n = 0; /* a terminal that was hung up, or that nobody has open any more */
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (!n)
                pump_end(p);
        p->have = (size_t)n;
        p->done = 0;
        return 1;
}

static int empty(struct pump *p) {
        const char *bytes = p->buffer + p->done;
        size_t n = p->have - p->done;
        ssize_t k;

        if (p->way == PUMP_TERMINAL && n > TERMINAL_CHUNK)
                n = TERMINAL_CHUNK;
        if (p->way == PUMP_SOCKET)
                k = send(p->to, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        else
                k = write(p->to, bytes, n);
        if (k < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        p->done += (size_t)k;
        delivered(p, (size_t)k);
        return 1;
}

static int move_by_copy(struct pump *p) {
        int r = 1;

        if (!p->buffer)
                p->buffer = must_realloc(NULL, CHUNK);
        if (p->have == p->done)
                r = fill(p);
        if (r > 0 && !p->ended)
                r = empty(p);
        return r;
}

static void pump_run(struct pump *p, short from, short to) {
        int r;

        if (to & (POLLERR | POLLNVAL)) {
                pump_broken(p, to & POLLNVAL ? EBADF : EPIPE);
                return;
        }
        if (from & POLLNVAL) {
                pump_broken(p, EBADF);
                return;
        }
        if (from)
                p->from_ready = true;
        if (!(to & POLLOUT))
                return;
        r = p->way == PUMP_SPLICE ? move_by_splice(p) : move_by_copy(p);
        if (r == -ENOSYS) { /* a file opened for appending */
                p->way = PUMP_COPY;
                r = move_by_copy(p);
        }
        if (r < 0)
                pump_broken(p, -r);
}

void pumps_run(struct pumps *pumps, const struct pollfd *table) {
        for (struct pump *p = pumps->pump; p < pumps->pump + pumps->n; p++)
                if (!p->ended)
                        pump_run(p, p->slot_from < 0 ? 0 : table[p->slot_from].revents,
                                 p->slot_to < 0 ? 0 : table[p->slot_to].revents);
}

void pumps_command_ended(struct pumps *pumps) {
        for (struct pump *p = pumps->pump; p < pumps->pump + pumps->n; p++) {
                int n = 0;

                if (p->ended)
                        continue;
                if (!p->outward) {
                        pump_end(p);
                        continue;
                }
                if (ioctl(p->from, FIONREAD, &n) < 0 || n < 0)
                        n = 0;
                p->tail = true;
                p->left = (size_t)n + p->have - p->done;
        }
}

bool pumps_delivered(const struct pumps *pumps) {
        for (const struct pump *p = pumps->pump; p < pumps->pump + pumps->n; p++)
                if (!p->ended && (!p->tail || p->left))
                        return false;
        return true;
}

bool pumps_finished(const struct pumps *pumps) {
        for (const struct pump *p = pumps->pump; p < pumps->pump + pumps->n; p++)
                if (!p->ended && p->outward)
                        return false;
        return true;
}

bool pumps_failed(const struct pumps *pumps) {
        for (const struct pump *p = pumps->pump; p < pumps->pump + pumps->n; p++)
                if (p->failed)
                        return true;
        return false;
}

void pumps_free(struct pumps *pumps) {
        for (struct pump *p = pumps->pump; p < pumps->pump + pumps->n; p++)
                if (!p->ended)
                        pump_end(p);
}
