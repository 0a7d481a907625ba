/* SPDX-License-Identifier: Apache-2.0 */
/* Clients: one that writes and that nothing is kept from, and others that read along and may miss what is overwritten. */
#include "common/fd.h"
#include "relay/relay.h"

#include <errno.h>
#include <string.h>

/* A client that was killed closes everything, one stream after the other: only what still stands after this long was
 * its stdin's end alone. */
#define HALF_CLOSE_NS UINT64_C(20000000)

static bool is_tty(const struct relay *relay) {
        return relay->flags & RELAY_TTY;
}

static bool has_output(const struct client *client) {
        return client->out_fds[1] >= 0 || client->out_fds[2] >= 0;
}

static void close_output(struct relay *relay, struct client *client, unsigned stream) {
        if (is_tty(relay) && stream == 1)
                client->in_fd = -1;
        client->out_fds[stream] = close_fd(client->out_fds[stream]);
}

static void close_input(struct relay *relay, struct client *client) {
        if (!is_tty(relay))
                close_fd(client->in_fd);
        client->in_fd = -1;
}

static void forget(struct relay *relay, struct client *client) {
        uint64_t seen = client->cursors[1].offset;

        if (client->ends & RELAY_STDERR && client->cursors[2].offset < seen)
                seen = client->cursors[2].offset;
        if (client->writes && seen > ring_seen(relay->ring))
                ring_set_seen(relay->ring, seen);
        close_input(relay, client);
        close_fds(client->out_fds, 3);
        *client = (struct client){ .used = false };
}

void client_detach(struct relay *relay, struct client *client, enum relay_why why) {
        bool writes = client->writes;

        forget(relay, client);
        if (!writes)
                return;
        relay->said &= ~RELAY_IS_ATTACHED;
        if (why == RELAY_BY_KEYS || why == RELAY_BY_OTHER)
                relay->flags |= RELAY_KEPT;
        else if (!(relay->flags & RELAY_KEPT))
                why = RELAY_ABANDONED;
        if (why == RELAY_ABANDONED)
                relay->said |= RELAY_IS_ABANDONED;
        if (relay->flags & RELAY_KEPT)
                relay->said |= RELAY_IS_KEPT;
        control_say(relay, RELAY_DETACHED, why);
}

struct client *client_writer(struct relay *relay) {
        for (unsigned i = 0; i < LIMIT_RELAY_CLIENTS; i++)
                if (relay->clients[i].used && relay->clients[i].writes)
                        return &relay->clients[i];
        return NULL;
}

const struct cursor *client_hold(struct relay *relay, struct cursor *buffer) {
        const struct client *client = client_writer(relay);

        if (!client || !has_output(client))
                return NULL;
        *buffer = (struct cursor){ UINT64_MAX, UINT64_MAX };
        for (unsigned i = 1; i < 3; i++) {
                const struct cursor *cursor = &client->cursors[i];

                if (client->out_fds[i] < 0)
                        continue;
                if (cursor->offset < buffer->offset)
                        buffer->offset = cursor->offset;
                if (cursor->segment < buffer->segment)
                        buffer->segment = cursor->segment;
        }
        return buffer;
}

/* In the order of their streams. With a terminal one fd is 0 and 1. */
static int take_fds(const struct relay *relay, const struct relay_attach *attach, const int *fds,
                    unsigned n_fds, struct client *client) {
        unsigned n = 0;

        if (n_fds != (unsigned)__builtin_popcount(attach->ends) || attach->ends & ~7u)
                return EINVAL;
        for (unsigned i = 1; i < 3; i++)
                client->out_fds[i] = -1;
        client->in_fd = -1;
        client->ends = attach->ends;
        if (attach->ends & RELAY_STDIN)
                client->in_fd = fds[n++];
        if (attach->ends & RELAY_STDOUT)
                client->out_fds[1] = fds[n++];
        if (attach->ends & RELAY_STDERR)
                client->out_fds[2] = fds[n++];
        /* Who only reads a terminal has a pipe. */
        if (is_tty(relay) && client->in_fd >= 0)
                client->out_fds[1] = client->in_fd;
        client->out_fds[0] = -1;
        return 0;
}

static struct client *free_place(struct relay *relay) {
        for (unsigned i = 0; i < LIMIT_RELAY_CLIENTS; i++)
                if (!relay->clients[i].used)
                        return &relay->clients[i];
        return NULL;
}

static void place_cursors(const struct relay *relay, const struct relay_attach *attach,
                          struct client *client) {
        uint64_t since = attach->flags & RELAY_SINCE ? attach->since : ring_seen(relay->ring);

        client->cursors[1] = client->cursors[2] = ring_at(relay->ring, since);
        client->end = attach->flags & RELAY_FOLLOW ? UINT64_MAX : ring_total(relay->ring);
}

static int attach_client(struct relay *relay, const struct relay_attach *attach, const int *fds,
                         unsigned n_fds) {
        bool writes = !(attach->flags & RELAY_READ_ONLY);
        struct client *other = client_writer(relay), *client, new = { .used = true };
        int r = take_fds(relay, attach, fds, n_fds, &new);

        if (r || attach->n_keys > LIMIT_DETACH_KEYS)
                return EINVAL;
        if (writes && other && !(attach->flags & RELAY_STEAL))
                return EBUSY;
        if (writes && other)
                client_detach(relay, other, RELAY_BY_OTHER);
        client = free_place(relay);
        if (!client)
                return EUSERS;
        new.writes = writes;
        new.keys.n = attach->n_keys;
        memcpy(new.keys.sequence, attach->keys, attach->n_keys);
        place_cursors(relay, attach, &new);
        *client = new;
        if (writes)
                relay->said = (relay->said | RELAY_IS_ATTACHED) & ~RELAY_IS_ABANDONED;
        return 0;
}

int client_attach(struct relay *relay, const struct relay_attach *attach, int *fds,
                  unsigned n_fds) {
        int r = attach_client(relay, attach, fds, n_fds);

        if (r)
                close_fds(fds, n_fds);
        return r;
}

bool clients_any(const struct relay *relay) {
        for (unsigned i = 0; i < LIMIT_RELAY_CLIENTS; i++)
                if (relay->clients[i].used)
                        return true;
        return false;
}

/* ---- input ---- */

static bool wants_input(const struct relay *relay, const struct client *client) {
        return client->in_fd >= 0 && !client->in_ended_ns && relay->pending_n == 0;
}

static void input_ended(struct relay *relay, struct client *client) {
        if (!client->in_ended_ns)
                client->in_ended_ns = now_ns();
        if (!is_tty(relay))
                close_input(relay, client);
}

static void read_input(struct relay *relay, struct client *client) {
        uint8_t bytes[PENDING_BYTES];
        ssize_t n = read(client->in_fd, bytes, sizeof bytes);
        bool typed;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0) {
                input_ended(relay, client);
                return;
        }
        relay->moved_ns = now_ns();
        relay->pending_done = 0;
        typed = client->writes &&
                keys_filter(&client->keys, bytes, (size_t)n, relay->pending, &relay->pending_n);
        /* What comes after the command's end, or from who only reads, is nobody's. */
        if (!client->writes || relay->in_fd < 0)
                relay->pending_n = 0;
        if (typed)
                client_detach(relay, client, RELAY_BY_KEYS);
}

/* Its stdin has ended and it is still here: so has the command's. */
static void pass_half_close(struct relay *relay, const struct client *client) {
        if (is_tty(relay) || !client->writes || !client->in_ended_ns || relay->pending_n ||
            relay->said & RELAY_STDIN_IS_ENDED || now_ns() - client->in_ended_ns < HALF_CLOSE_NS)
                return;
        command_close_stdin(relay);
        relay->said |= RELAY_STDIN_IS_ENDED;
        control_say(relay, RELAY_STDIN_ENDED, 0);
}

/* ---- output ---- */

/* False: it is closed. */
static bool write_some(struct relay *relay, struct client *client, unsigned stream) {
        const void *from;
        size_t n;

        while ((n = ring_next(relay->ring, &client->cursors[stream], stream, client->end, &from)) >
               0) {
                ssize_t done = write(client->out_fds[stream], from, n);

                if (done < 0)
                        return errno == EAGAIN || errno == EINTR;
                client->cursors[stream].offset += (uint64_t)done;
        }
        return true;
}

static bool has_all(const struct relay *relay, struct client *client, unsigned stream) {
        const void *from;

        if (ring_next(relay->ring, &client->cursors[stream], stream, client->end, &from))
                return false;
        return client->end <= client->cursors[stream].offset || command_finished(relay, stream);
}

static void write_stream(struct relay *relay, struct client *client, unsigned stream) {
        if (!write_some(relay, client, stream)) {
                client->broken = true;
                close_output(relay, client, stream);
        } else if (has_all(relay, client, stream)) {
                close_output(relay, client, stream);
        }
}

void clients_poll(struct relay *relay) {
        const void *from;

        for (unsigned i = 0; i < LIMIT_RELAY_CLIENTS; i++) {
                struct client *client = &relay->clients[i];

                client->in_slot = client->out_slots[1] = client->out_slots[2] = -1;
                if (!client->used)
                        continue;
                if (wants_input(relay, client))
                        client->in_slot = slot_add(relay, client->in_fd, POLLIN);
                for (unsigned k = 1; k < 3; k++)
                        if (client->out_fds[k] >= 0)
                                client->out_slots[k] = slot_add(relay, client->out_fds[k],
                                                                ring_next(relay->ring,
                                                                          &client->cursors[k], k,
                                                                          client->end, &from)
                                                                        ? POLLOUT
                                                                        : 0);
        }
}

void clients_read(struct relay *relay) {
        for (unsigned i = 0; i < LIMIT_RELAY_CLIENTS; i++) {
                struct client *client = &relay->clients[i];

                if (client->used && wants_input(relay, client) &&
                    slot_events(relay, client->in_slot))
                        read_input(relay, client);
                if (client->used)
                        pass_half_close(relay, client);
        }
}

static void serve(struct relay *relay, struct client *client) {
        for (unsigned k = 1; k < 3; k++) {
                short events = slot_events(relay, client->out_slots[k]);

                if (client->out_fds[k] >= 0 &&
                    (events & (POLLERR | POLLNVAL) || (is_tty(relay) && events & POLLHUP))) {
                        client->broken = true;
                        close_output(relay, client, k);
                }
                if (client->out_fds[k] >= 0)
                        write_stream(relay, client, k);
        }
        if (has_output(client) || (client->in_fd >= 0 && !(relay->flags & RELAY_OVER)))
                return;
        if (client->broken && !(relay->flags & RELAY_OVER)) {
                client_detach(relay, client, RELAY_BY_CLOSE);
                return;
        }
        if (client->writes)
                relay->said &= ~RELAY_IS_ATTACHED;
        forget(relay, client);
}

void clients_write(struct relay *relay) {
        for (unsigned i = 0; i < LIMIT_RELAY_CLIENTS; i++)
                if (relay->clients[i].used)
                        serve(relay, &relay->clients[i]);
}
