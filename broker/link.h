/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to the helper: one request out, reports in. Never waits: a full backlog is tried again by the loop. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct loop;
struct links; /* all connections of one broker */
struct link;

struct link_handler {
        /* A message with a head that was checked. fds that are still there afterwards are closed. */
        void (*message)(void *userdata, const void *message, size_t size, int *fds, size_t n_fds);
        /* Nothing comes any more: 0 end of stream, -errno, -ETIMEDOUT the deadline, -ENOEXEC a helper that does not start (setuid
         * mode). The link is to be freed. */
        void (*closed)(void *userdata, int error);
        void *userdata;
};

/* path: of the helper's socket. It is not connected before somebody asks. */
int links_new(struct loop *loop, const char *path, struct links **ret);
/* From here on each connection is to a helper of its own, started for it (setuid mode). 0 or -errno. */
int links_spawn(struct links *links);
struct links *links_free(struct links *links);
/* Closes what is over its deadline; now as loop_now(). Whether any has a deadline. */
int links_expire(struct links *links, uint64_t now);

struct link_request {
        const void *message;
        size_t size;
        const int *fds;
        size_t n_fds;
        uint64_t deadline_us; /* loop_now() time after which closed() comes; 0: never */
};

/* Connects, for a request that follows: the helper prepares while it is being made. 0 and *ret, or -errno. */
int link_connect(struct links *links, const struct link_handler *handler, struct link **ret);
/* Sends it, once. 0 (fds were sent, or were duplicated to be sent soon), or -errno: nothing was sent. */
int link_request(struct link *link, const struct link_request *request);
/* Both. */
int link_open(struct links *links, const struct link_request *request,
              const struct link_handler *handler, struct link **ret);
/* The connection of a supervisor that came to us; takes over fd, in every case. */
int link_adopt(struct links *links, int fd, const struct link_handler *handler, struct link **ret);
struct link *link_free(struct link *link); /* takes and returns NULL; no callback comes any more */
/* A command without fds. 0 or -errno; -EAGAIN where the supervisor does not read. */
int link_send(struct link *link, const void *message, size_t size);
void link_set_deadline(struct link *link, uint64_t deadline_us);
/* Who hears of it from the next message on. */
void link_set_handler(struct link *link, const struct link_handler *handler);
