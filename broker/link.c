/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the helper. What the helper says is checked here for its frame only; who asked checks the kind. */
#include "broker/link.h"

#include "broker/loop.h"
#include "broker/spawn-helper.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "common/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define LINK_FDS 5 /* no report has more */
#define RETRY_US 3000
#define LINK_MESSAGE_MAX (sizeof(struct wire_facts) + 64)

struct links {
        struct loop *loop; /* outlives all links */
        sd_event *event;
        struct sockaddr_un address;
        socklen_t address_size;
        bool spawns; /* setuid mode: a helper for each, in place of the address */
        struct link *first;
        _Alignas(uint64_t) uint8_t buffer[LINK_MESSAGE_MAX];
};

/* A request that could not be sent at once, because the listener's backlog is full. */
struct unsent {
        sd_event_source *timer;
        size_t size;
        size_t n_fds;
        int fds[FDPASS_MAX];
        uint8_t message[];
};

struct link {
        struct links *links;
        struct link *previous;
        struct link *next;
        int fd;
        bool connected;
        sd_event_source *io;
        uint64_t deadline_us;
        struct unsent *unsent;
        struct spawned *spawned; /* its helper is being started */
        bool failed;             /* to start */
        bool ended;              /* the stream, before it was known how the start ended */
        struct link_handler handler;
};

int links_new(struct loop *loop, const char *path, struct links **ret) {
        struct links *links = calloc(1, sizeof *links);

        if (!links)
                return -ENOMEM;
        if (strlen(path) >= sizeof links->address.sun_path) {
                free(links);
                return -ENAMETOOLONG;
        }
        links->loop = loop;
        links->event = sd_event_ref(loop_event(loop));
        links->address.sun_family = AF_UNIX;
        memcpy(links->address.sun_path, path, strlen(path) + 1);
        links->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) +
                                          1);
        *ret = links;
        return 0;
}

int links_spawn(struct links *links) {
        links->spawns = true;
        return spawn_prepare();
}

struct links *links_free(struct links *links) {
        if (!links)
                return NULL;
        while (links->first)
                link_free(links->first);
        sd_event_unref(links->event);
        free(links);
        return NULL;
}

static struct unsent *unsent_free(struct unsent *unsent) {
        if (!unsent)
                return NULL;
        sd_event_source_disable_unref(unsent->timer);
        close_fds(unsent->fds, unsent->n_fds);
        free(unsent);
        return NULL;
}

struct link *link_free(struct link *link) {
        if (!link)
                return NULL;
        if (link->previous)
                link->previous->next = link->next;
        else if (link->links->first == link)
                link->links->first = link->next;
        if (link->next)
                link->next->previous = link->previous;
        unsent_free(link->unsent);
        spawned_forget(link->spawned);
        sd_event_source_disable_unref(link->io);
        close_fd(link->fd);
        free(link);
        return NULL;
}

int links_expire(struct links *links, uint64_t now) {
        struct link *next;
        int waiting = 0;

        for (struct link *link = links->first; link; link = next) {
                next = link->next;
                if (link->deadline_us == 0)
                        continue;
                waiting = 1;
                if (link->deadline_us <= now) {
                        link->deadline_us = 0;
                        link->handler.closed(link->handler.userdata, -ETIMEDOUT);
                        /* Anything may have been freed by that: the rest has its turn at the next tick. */
                        return 1;
                }
        }
        return waiting;
}

/* A helper that could not start is told from one that ended: for that its first process is waited for, which is ending. */
static void on_end(struct link *link, int r) {
        if (r == -ECONNRESET)
                r = 0;
        if (r == 0 && link->spawned) {
                link->ended = true;
                sd_event_source_set_enabled(link->io, SD_EVENT_OFF);
                return;
        }
        link->handler.closed(link->handler.userdata, r == 0 && link->failed ? -ENOEXEC : r);
}

static void on_spawned(void *userdata, bool well) {
        struct link *link = userdata;

        link->spawned = NULL;
        link->failed = !well;
        if (link->ended)
                on_end(link, 0);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct link *link = userdata;
        uint8_t *buffer = link->links->buffer;
        int fds[LINK_FDS] = { -1, -1, -1, -1 };
        size_t size = 0, n_fds = 0;
        int r;

        r = fdpass_recv(fd, buffer, LINK_MESSAGE_MAX, &size, fds, LINK_FDS, &n_fds, MSG_DONTWAIT);
        if (r == -EAGAIN || r == -EINTR)
                return 0;
        if (r == 0 && wire_check_head(buffer, size, n_fds) != 0)
                r = -EPROTO;
        if (r == 0)
                link->handler.message(link->handler.userdata, buffer, size, fds, n_fds);
        else
                on_end(link, r);
        close_fds(fds, n_fds);
        return 0;
}

static int connect_and_send(struct links *links, int fd, const struct link_request *request) {
        if (connect(fd, (const struct sockaddr *)&links->address, links->address_size) < 0)
                return -errno;
        return fdpass_send(fd, request->message, request->size, request->fds, request->n_fds,
                           MSG_DONTWAIT);
}

static int on_retry(sd_event_source *source, uint64_t now, void *userdata) {
        struct link *link = userdata;
        struct unsent *unsent = link->unsent;
        struct link_request request = { .message = unsent->message,
                                        .size = unsent->size,
                                        .fds = unsent->fds,
                                        .n_fds = unsent->n_fds };
        int r = connect_and_send(link->links, link->fd, &request);

        if (r == -EAGAIN) {
                sd_event_source_set_time_relative(source, RETRY_US);
                sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
                return 0;
        }
        link->unsent = unsent_free(unsent);
        if (r == 0)
                r = sd_event_add_io(link->links->event, &link->io, link->fd, EPOLLIN, on_io, link);
        if (r < 0)
                link->handler.closed(link->handler.userdata, r);
        return 0;
}

/* Keeps the request, with duplicates of its fds, for the next try. */
static int send_later(struct link *link, const struct link_request *request) {
        struct unsent *unsent = calloc(1, sizeof *unsent + request->size);

        if (!unsent)
                return -ENOMEM;
        link->unsent = unsent;
        memcpy(unsent->message, request->message, request->size);
        unsent->size = request->size;
        for (size_t i = 0; i < request->n_fds; i++) {
                int copy = fcntl(request->fds[i], F_DUPFD_CLOEXEC, 3);

                if (copy < 0)
                        return -errno;
                unsent->fds[unsent->n_fds++] = copy;
        }
        return sd_event_add_time_relative(link->links->event, &unsent->timer, CLOCK_MONOTONIC,
                                          RETRY_US, 0, on_retry, link);
}

static struct link *link_new(struct links *links, const struct link_handler *handler) {
        struct link *link = calloc(1, sizeof *link);

        if (!link)
                return NULL;
        link->links = links;
        link->fd = -1;
        link->handler = *handler;
        link->next = links->first;
        if (links->first)
                links->first->previous = link;
        links->first = link;
        return link;
}

static int start(struct link *link) {
        const struct links *links = link->links;

        if (links->spawns) {
                link->connected = true;
                return spawn_helper(links->event, on_spawned, link, &link->fd, &link->spawned);
        }
        link->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (link->fd < 0)
                return -errno;
        if (connect(link->fd, (const struct sockaddr *)&links->address, links->address_size) == 0)
                link->connected = true;
        else if (errno != EAGAIN)
                return -errno;
        return 0;
}

int link_connect(struct links *links, const struct link_handler *handler, struct link **ret) {
        struct link *link = link_new(links, handler);
        int r;

        if (!link)
                return -ENOMEM;
        r = start(link);
        if (r < 0) {
                link_free(link);
                return r;
        }
        *ret = link;
        return 0;
}

int link_request(struct link *link, const struct link_request *request) {
        int r;

        link_set_deadline(link, request->deadline_us);
        if (!link->connected)
                return send_later(link, request);
        r = fdpass_send(link->fd, request->message, request->size, request->fds, request->n_fds,
                        MSG_DONTWAIT);
        /* One that was refused before it could ask is about to read why. */
        if (r < 0 && r != -EPIPE && r != -ECONNRESET)
                return r;
        return sd_event_add_io(link->links->event, &link->io, link->fd, EPOLLIN, on_io, link);
}

int link_open(struct links *links, const struct link_request *request,
              const struct link_handler *handler, struct link **ret) {
        struct link *link = NULL;
        int r = link_connect(links, handler, &link);

        if (r == 0)
                r = link_request(link, request);
        if (r < 0) {
                link_free(link);
                return r;
        }
        *ret = link;
        return 0;
}

int link_adopt(struct links *links, int fd, const struct link_handler *handler, struct link **ret) {
        struct link *link = link_new(links, handler);
        int r;

        if (!link) {
                close_fd(fd);
                return -ENOMEM;
        }
        link->fd = fd;
        link->connected = true;
        r = sd_event_add_io(links->event, &link->io, fd, EPOLLIN, on_io, link);
        if (r < 0) {
                link_free(link);
                return r;
        }
        *ret = link;
        return 0;
}

int link_send(struct link *link, const void *message, size_t size) {
        return fdpass_send(link->fd, message, size, NULL, 0, MSG_DONTWAIT);
}

void link_set_deadline(struct link *link, uint64_t deadline_us) {
        link->deadline_us = deadline_us;
        /* Without a tick a helper that never answers would be waited for until something else happens. */
        if (deadline_us)
                loop_need_tick(link->links->loop);
}

void link_set_handler(struct link *link, const struct link_handler *handler) {
        link->handler = *handler;
}
