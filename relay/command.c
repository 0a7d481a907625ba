/* SPDX-License-Identifier: Apache-2.0 */
/* The command's ends: its output into the ring, what a client wrote to its input. */
#include "common/fd.h"
#include "relay/relay.h"

#include <errno.h>
#include <sys/uio.h>

/* With a terminal input and output are one descriptor, closed with the output. */
void command_close_stdin(struct relay *relay) {
        relay->pending_n = relay->pending_done = 0;
        if (!(relay->flags & RELAY_TTY))
                close_fd(relay->in_fd);
        relay->in_fd = -1;
}

static void close_output(struct relay *relay, unsigned stream) {
        if (relay->flags & RELAY_TTY && stream == 1)
                command_close_stdin(relay);
        relay->out_fds[stream] = close_fd(relay->out_fds[stream]);
}

bool command_finished(const struct relay *relay, unsigned stream) {
        return relay->out_fds[stream] < 0 ||
               (relay->flags & RELAY_OVER && now_ns() >= relay->drain_ns);
}

bool command_open(const struct relay *relay) {
        return relay->out_fds[1] >= 0 || relay->out_fds[2] >= 0;
}

void command_poll(struct relay *relay) {
        struct cursor buffer;
        const struct cursor *hold = client_hold(relay, &buffer);
        void *to;

        for (unsigned i = 1; i < 3; i++) {
                relay->out_slots[i] = -1;
                if (relay->out_fds[i] >= 0 && ring_space(relay->ring, hold, i, &to))
                        relay->out_slots[i] = slot_add(relay, relay->out_fds[i], POLLIN);
        }
        /* A terminal's hang-up comes with its output; alone it would wake us for ever. */
        relay->in_slot = -1;
        if (relay->in_fd >= 0 && (relay->pending_n || !(relay->flags & RELAY_TTY)))
                relay->in_slot = slot_add(relay, relay->in_fd, relay->pending_n ? POLLOUT : 0);
}

/* EIO: nobody has the terminal open any more. */
static void read_output(struct relay *relay, unsigned stream) {
        struct cursor buffer;
        void *to;
        size_t room = ring_space(relay->ring, client_hold(relay, &buffer), stream, &to);
        ssize_t n = room ? read(relay->out_fds[stream], to, room) : -1;

        if (!room || (n < 0 && (errno == EAGAIN || errno == EINTR)))
                return;
        if (n <= 0) {
                close_output(relay, stream);
                return;
        }
        ring_commit(relay->ring, stream, (size_t)n);
        relay->moved_ns = now_ns();
}

static void write_input(struct relay *relay) {
        ssize_t n = write(relay->in_fd, relay->pending + relay->pending_done,
                          relay->pending_n - relay->pending_done);

        if (n < 0 && errno != EAGAIN && errno != EINTR)
                command_close_stdin(relay);
        if (n <= 0)
                return;
        relay->pending_done += (size_t)n;
        if (relay->pending_done == relay->pending_n)
                relay->pending_n = relay->pending_done = 0;
}

void command_run(struct relay *relay) {
        for (unsigned i = 1; i < 3; i++)
                if (slot_events(relay, relay->out_slots[i]))
                        read_output(relay, i);
        if (relay->in_fd < 0)
                return;
        if (relay->pending_n > relay->pending_done)
                write_input(relay);
        else if (!(relay->flags & RELAY_TTY) && slot_events(relay, relay->in_slot) & POLLERR)
                command_close_stdin(relay); /* the command has closed its side */
}
