/* SPDX-License-Identifier: Apache-2.0 */
/* The broker: who it is is the kernel's word; what it says is exact or ends the connection. */
#include "common/fd.h"
#include "common/fdpass.h"
#include "relay/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

void control_say(struct relay *relay, enum relay_kind kind, uint32_t value) {
        struct relay_event event = { .head = relay_head(kind), .value = value };

        if (relay->control_fd >= 0)
                fdpass_send(relay->control_fd, &event, sizeof event, NULL, 0, MSG_DONTWAIT);
}

static void greet(struct relay *relay) {
        struct relay_status status = { .head = relay_head(RELAY_STATUS), .flags = relay->said };

        if (relay->flags & RELAY_KEPT)
                status.flags |= RELAY_IS_KEPT;
        status.pid = (uint32_t)getpid();
        fdpass_send(relay->control_fd, &status, sizeof status, &relay->ring_fd, 1, MSG_DONTWAIT);
}

static bool is_ours(int fd) {
        struct ucred peer;
        socklen_t size = sizeof peer;

        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == getuid();
}

static void accept_broker(struct relay *relay) {
        int fd = accept4(relay->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0)
                return;
        if (!is_ours(fd)) {
                close_fd(fd);
                return;
        }
        close_fd(relay->control_fd);
        relay->control_fd = fd;
        if (relay->set_up)
                greet(relay);
}

static void set_nonblocking(int fd) {
        if (fd >= 0)
                fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void take_ends(struct relay *relay, uint32_t ends, int *fds) {
        unsigned n = 0;

        if (relay->flags & RELAY_TTY && ends & RELAY_STDIN) {
                relay->in_fd = relay->out_fds[1] = take_fd(&fds[n++]);
        } else {
                if (ends & RELAY_STDIN)
                        relay->in_fd = take_fd(&fds[n++]);
                if (ends & RELAY_STDOUT)
                        relay->out_fds[1] = take_fd(&fds[n++]);
        }
        if (ends & RELAY_STDERR)
                relay->out_fds[2] = take_fd(&fds[n++]);
        set_nonblocking(relay->in_fd);
        set_nonblocking(relay->out_fds[1]);
        set_nonblocking(relay->out_fds[2]);
}

static int take_setup(struct relay *relay, const struct relay_setup *setup, int *fds,
                      size_t n_fds) {
        int r;

        if (relay->set_up || setup->ends & ~7u ||
            n_fds != 1 + (size_t)__builtin_popcount(setup->ends))
                return -EPROTO;
        r = ring_map(fds[0], &relay->ring);
        if (r < 0)
                return r;
        relay->ring_fd = take_fd(&fds[0]);
        relay->flags = setup->flags;
        relay->idle_ms = setup->idle_ms;
        relay->drain_ms = setup->drain_ms;
        relay->moved_ns = now_ns();
        take_ends(relay, setup->ends, fds + 1);
        relay->set_up = true;
        relay->awaits_client = setup->flags & RELAY_OVER;
        greet(relay);
        return 0;
}

static void command_has_ended(struct relay *relay) {
        if (relay->flags & RELAY_OVER)
                return;
        relay->flags |= RELAY_OVER;
        relay->drain_ns = now_ns() + relay->drain_ms * UINT64_C(1000000);
        command_close_stdin(relay);
}

static int obey(struct relay *relay, const struct relay_head *head, size_t size, int *fds,
                size_t n_fds) {
        if (size < sizeof *head || head->magic != RELAY_MAGIC)
                return -EPROTO;
        if (head->kind == RELAY_SETUP && size == sizeof(struct relay_setup))
                return take_setup(relay, (const void *)head, fds, n_fds);
        if (!relay->set_up)
                return -EPROTO;
        if (head->kind == RELAY_ATTACH && size == sizeof(struct relay_attach)) {
                int taken[RELAY_FDS], r;

                for (unsigned i = 0; i < n_fds; i++) {
                        set_nonblocking(fds[i]);
                        taken[i] = take_fd(&fds[i]);
                }
                r = client_attach(relay, (const void *)head, taken, (unsigned)n_fds);
                control_say(relay, RELAY_ATTACHED, (uint32_t)r);
                relay->awaits_client = relay->said_done = false;
                return 0;
        }
        if (size != sizeof *head)
                return -EPROTO;
        if (head->kind == RELAY_CLOSE_STDIN)
                command_close_stdin(relay);
        else if (head->kind == RELAY_ENDED)
                command_has_ended(relay);
        else if (head->kind == RELAY_QUIT)
                relay->quits = true;
        return 0;
}

/* One message. */
static void hear(struct relay *relay) {
        union {
                struct relay_head head;
                struct relay_setup setup;
                struct relay_attach attach;
        } message;
        int fds[RELAY_FDS] = { -1, -1, -1, -1 };
        size_t size = 0, n_fds = 0;
        int r = fdpass_recv(relay->control_fd, &message, sizeof message, &size, fds, RELAY_FDS,
                            &n_fds, MSG_DONTWAIT);

        if (r == -EAGAIN || r == -EINTR)
                return;
        if (r == 0)
                r = obey(relay, &message.head, size, fds, n_fds);
        close_fds(fds, RELAY_FDS);
        if (r < 0)
                relay->control_fd = close_fd(relay->control_fd);
        /* Nobody who could still say what this relay is for. */
        if (relay->control_fd < 0 && (!relay->set_up || relay->awaits_client))
                relay->quits = true;
}

void control_poll(struct relay *relay) {
        relay->listen_slot = slot_add(relay, relay->listen_fd, POLLIN);
        relay->control_slot = -1;
        if (relay->control_fd >= 0)
                relay->control_slot = slot_add(relay, relay->control_fd, POLLIN);
}

void control_run(struct relay *relay) {
        relay->heard = slot_events(relay, relay->control_slot);
        if (slot_events(relay, relay->control_slot))
                hear(relay);
        if (slot_events(relay, relay->listen_slot))
                accept_broker(relay);
}
