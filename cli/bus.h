/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to the system bus: as few round trips as it takes, descriptors both ways, nothing asynchronous but receiving. */
#pragma once

#include "cli/message.h"

#define AIRLOCK_NAME "org.airlock1"
#define AIRLOCK_PATH "/org/airlock1"
#define AIRLOCK_MANAGER "org.airlock1.Manager"
#define AIRLOCK_SESSION "org.airlock1.Session"
#define AIRLOCK_ERROR "org.airlock1.Error."

struct bus {
        int fd;
        uint32_t serial;
        uint8_t *bytes;
        size_t len, size, used;
        int fds[MESSAGE_FDS_MAX];
        unsigned n_fds;
};

/* 0, or -errno with a line on stderr. */
int bus_open(struct bus *bus);
void bus_close(struct bus *bus);
/* Gives @call its serial and sends it with @fds. */
int bus_send(struct bus *bus, struct call *call, const int *fds);
/* The next message: 1 is there, 0 none yet (never where @wait), <0 -errno: the connection has ended. What @ret points at lasts until
   the next call. Its descriptors are the caller's. */
int bus_next(struct bus *bus, bool wait, struct message *ret);
/* What happens while an answer is awaited, both may be NULL: @wait returns 0 once the socket can be read, or -errno; signals that arrive
 * go to @other. */
struct bus_hooks {
        int (*wait)(void *data, int fd);
        void (*other)(void *data, const struct message *message);
        void *data;
};

/* Sends and waits for the answer, without limit: somebody may be typing a password. */
int bus_call(struct bus *bus, struct call *call, const int *fds, const struct bus_hooks *hooks,
             struct message *ret);
