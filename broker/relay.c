/* SPDX-License-Identifier: Apache-2.0 */
/* Relays. One is started with a socket that listens already, so that nothing has to be waited for: what is said to it stands in the
 * socket until it reads. It gets no other fd, no argument and no variable, and is nobody's child that would have to end with us. */
#include "broker/relay.h"

#include "broker/audit.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RELAY AIRLOCK_LIBEXEC_DIR "/airlock-relay"
#define SOCKETS AIRLOCK_RUN_DIR "/relay/"
#define LISTEN_FD 3
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* An answer that has not come yet; they come in the order of the questions. */
struct question {
        struct question *next;
        relay_answer done;
        void *userdata;
};

struct relay {
        int fd;
        sd_event_source *io;
        struct question *first;
        struct relay_handler handler;
};

/* ---- start ---- */

static int address_of(const char *id, struct sockaddr_un *ret) {
        *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
        return snprintf(ret->sun_path, sizeof ret->sun_path, SOCKETS "%s", id) <
                               (int)sizeof ret->sun_path
                     ? 0
                     : -ENAMETOOLONG;
}

void relay_unlink(const char *id) {
        struct sockaddr_un address;

        if (address_of(id, &address) == 0)
                unlink(address.sun_path);
}

static int listen_at(const struct sockaddr_un *address) {
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return -errno;
        unlink(address->sun_path); /* of one that is lost */
        if (bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 || listen(fd, 4) < 0) {
                int r = -errno;

                close_fd(fd);
                return r;
        }
        return fd;
}

static int connect_to(const struct sockaddr_un *address) {
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0) {
                int r = -errno;

                close_fd(fd);
                return r;
        }
        return fd;
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata) {
        if (info->si_code != CLD_EXITED || info->si_status != 0)
                audit_note("relay: ended with %s %d",
                           info->si_code == CLD_EXITED ? "status" : "signal", info->si_status);
        sd_event_source_set_floating(source, false);
        return 0;
}

static int watch(sd_event *event, pid_t pid) {
        sd_event_source *source = NULL;
        int r = sd_event_add_child(event, &source, pid, WEXITED, on_child, NULL);

        if (r >= 0)
                r = sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
        return r < 0 ? r : 0;
}

static int add_files(posix_spawn_file_actions_t *files, int fd) {
        int e = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

        if (e == 0)
                e = posix_spawn_file_actions_addopen(files, 1, "/dev/null", O_WRONLY, 0);
        if (e == 0)
                e = posix_spawn_file_actions_adddup2(files, fd, LISTEN_FD);
        if (e == 0)
                e = posix_spawn_file_actions_addclosefrom_np(files, LISTEN_FD + 1);
        return -e;
}

/* A session of its own, and no signal blocked that is for us. */
static int add_attributes(posix_spawnattr_t *attributes) {
        sigset_t none;
        int e;

        sigemptyset(&none);
        e = posix_spawnattr_setsigmask(attributes, &none);
        if (e == 0)
                e = posix_spawnattr_setflags(attributes,
                                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
        return -e;
}

static int execute(int fd, pid_t *ret) {
        char name[] = "airlock-relay", *argv[] = { name, NULL }, *none[] = { NULL };
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        int r;

        r = -posix_spawn_file_actions_init(&files);
        if (r < 0)
                return r;
        r = -posix_spawnattr_init(&attributes);
        if (r == 0) {
                r = add_files(&files, fd);
                if (r == 0)
                        r = add_attributes(&attributes);
                if (r == 0)
                        r = -posix_spawn(ret, RELAY, &files, &attributes, argv, none);
                posix_spawnattr_destroy(&attributes);
        }
        posix_spawn_file_actions_destroy(&files);
        return r;
}

static int start(sd_event *event, int listening) {
        pid_t pid = 0;
        int r = execute(listening, &pid);

        return r < 0 ? r : watch(event, pid);
}

/* ---- messages ---- */

static void answer_first(struct relay *relay, int error) {
        struct question *question = relay->first;

        if (!question)
                return;
        relay->first = question->next;
        if (question->done)
                question->done(question->userdata, error);
        free(question);
}

static void hear_event(struct relay *relay, const struct relay_event *event) {
        const struct relay_handler *handler = &relay->handler;

        if (event->head.kind == RELAY_ATTACHED)
                answer_first(relay, (int)event->value);
        else if (event->head.kind == RELAY_DETACHED)
                handler->detached(handler->userdata, (enum relay_why)event->value);
        else if (event->head.kind == RELAY_STDIN_ENDED)
                handler->stdin_ended(handler->userdata);
        else if (event->head.kind == RELAY_DONE && !relay->first)
                handler->lost(handler->userdata);
        else if (event->head.kind == RELAY_IDLE)
                handler->idle(handler->userdata);
}

static int on_message(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct relay *relay = userdata;
        const struct relay_handler *handler = &relay->handler;
        union {
                struct relay_head head;
                struct relay_event event;
                struct relay_status status;
        } message;
        int ring = -1, r;
        size_t size, n_fds = 0;

        r = fdpass_recv(fd, &message, sizeof message, &size, &ring, 1, &n_fds, MSG_DONTWAIT);
        if (r == -EAGAIN)
                return 0;
        if (r < 0 || size < sizeof message.head || message.head.magic != RELAY_MAGIC) {
                sd_event_source_set_enabled(relay->io, SD_EVENT_OFF);
                close_fds(&ring, n_fds);
                while (relay->first)
                        answer_first(relay, EPIPE);
                handler->lost(handler->userdata);
                return 0;
        }
        if (message.head.kind == RELAY_STATUS && size == sizeof message.status && n_fds == 1)
                handler->status(handler->userdata, &message.status, take_fd(&ring));
        else if (size == sizeof message.event)
                hear_event(relay, &message.event);
        close_fd(ring);
        return 0;
}

static int make(sd_event *event, int fd, const struct relay_handler *handler, struct relay **ret) {
        struct relay *relay = calloc(1, sizeof *relay);
        int r;

        if (!relay) {
                close_fd(fd);
                return -ENOMEM;
        }
        relay->fd = fd;
        relay->handler = *handler;
        r = sd_event_add_io(event, &relay->io, fd, EPOLLIN, on_message, relay);
        if (r < 0) {
                relay_free(relay);
                return r;
        }
        *ret = relay;
        return 0;
}

int relay_new(sd_event *event, const char *id, const struct relay_handler *handler,
              struct relay **ret) {
        struct sockaddr_un address;
        int listening, fd, r = address_of(id, &address);

        if (r < 0)
                return r;
        listening = listen_at(&address);
        if (listening < 0)
                return listening;
        fd = connect_to(&address);
        r = fd < 0 ? fd : start(event, listening);
        close_fd(listening);
        if (r < 0) {
                close_fd(fd);
                unlink(address.sun_path);
                return r;
        }
        return make(event, fd, handler, ret);
}

int relay_find(sd_event *event, const char *id, const struct relay_handler *handler,
               struct relay **ret) {
        struct sockaddr_un address;
        int fd, r = address_of(id, &address);

        if (r < 0)
                return r;
        fd = connect_to(&address);
        return fd < 0 ? fd : make(event, fd, handler, ret);
}

struct relay *relay_free(struct relay *relay) {
        if (!relay)
                return NULL;
        while (relay->first)
                answer_first(relay, EPIPE);
        sd_event_source_disable_unref(relay->io);
        close_fd(relay->fd);
        free(relay);
        return NULL;
}

/* ---- what it is told ---- */

static unsigned collect(const int fds[3], int *ret, uint32_t *ret_ends) {
        unsigned n = 0;

        for (unsigned i = 0; i < 3; i++)
                if (fds[i] >= 0) {
                        ret[n++] = fds[i];
                        *ret_ends |= 1u << i;
                }
        return n;
}

int relay_setup(struct relay *relay, const struct relay_setup *setup, int ring, const int ends[3]) {
        struct relay_setup message = *setup;
        int fds[RELAY_FDS] = { ring };
        unsigned n;

        message.head = relay_head(RELAY_SETUP);
        message.ends = 0;
        n = 1 + collect(ends, fds + 1, &message.ends);
        return fdpass_send(relay->fd, &message, sizeof message, fds, n, MSG_DONTWAIT);
}

static int ask(struct relay *relay, relay_answer done, void *userdata) {
        struct question *question = calloc(1, sizeof *question), **last = &relay->first;

        if (!question)
                return -ENOMEM;
        while (*last)
                last = &(*last)->next;
        *question = (struct question){ .done = done, .userdata = userdata };
        *last = question;
        return 0;
}

int relay_attach(struct relay *relay, const struct relay_attach *attach, const int fds[3],
                 relay_answer done, void *userdata) {
        struct relay_attach message = *attach;
        int list[RELAY_FDS];
        unsigned n;
        int r;

        message.head = relay_head(RELAY_ATTACH);
        message.ends = 0;
        n = collect(fds, list, &message.ends);
        r = fdpass_send(relay->fd, &message, sizeof message, list, n, MSG_DONTWAIT);
        return r < 0 ? r : ask(relay, done, userdata);
}

int relay_tell(struct relay *relay, enum relay_kind kind) {
        struct relay_head message = relay_head(kind);

        return fdpass_send(relay->fd, &message, sizeof message, NULL, 0, MSG_DONTWAIT);
}

void relay_forget_answer(struct relay *relay, const void *userdata) {
        for (struct question *question = relay ? relay->first : NULL; question;
             question = question->next)
                if (question->userdata == userdata)
                        question->done = NULL;
}

const char *relay_why_name(enum relay_why why) {
        return why == RELAY_BY_KEYS  ? "keys"
             : why == RELAY_BY_OTHER ? "stolen"
             : why == RELAY_BY_LOSS  ? "relay-lost"
                                     : "closed";
}

/* ---- rings ---- */

int relay_ring_new(void) {
        int fd = memfd_create("airlock-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
        int r = 0;

        if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
                fd = memfd_create("airlock-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;
        if (ftruncate(fd, RING_FILE_BYTES) < 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
                r = -errno;
        if (r < 0) {
                close_fd(fd);
                return r;
        }
        return fd;
}

int relay_ring_look(int ring, uint64_t *ret_oldest, uint64_t *ret_total) {
        _Alignas(struct ring_head) static char bytes[sizeof(struct ring_head)];
        const struct ring_head *head = (const void *)bytes;
        uint64_t first, kept;

        if (pread(ring, bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
                return -EIO;
        first = head->n_segments > RING_SEGMENTS ? head->n_segments - RING_SEGMENTS : 0;
        kept = head->total > LIMIT_RING_BYTES ? head->total - LIMIT_RING_BYTES : 0;
        *ret_oldest = 0;
        if (head->total)
                *ret_oldest = head->segments[first % RING_SEGMENTS].start;
        if (*ret_oldest < kept)
                *ret_oldest = kept;
        *ret_total = head->total;
        return 0;
}
