/* SPDX-License-Identifier: Apache-2.0 */
/* The relay of one session: the ends of its command, the ring, the clients, and the broker, who may come and go. One thread, one poll;
 * no memory but this. */
#pragma once

#include "common/relay.h"
#include "relay/keys.h"
#include "relay/ring.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define PENDING_BYTES 65536u
#define SLOTS (8u + 3u * LIMIT_RELAY_CLIENTS)

struct client {
        bool used;
        bool writes;    /* at most one */
        bool broken;    /* some stream was closed from its side */
        uint32_t ends;  /* RELAY_STDIN, RELAY_STDOUT, RELAY_STDERR */
        int in_fd;      /* -1: none, or it has ended */
        int out_fds[3]; /* 1 and 2; with a terminal 1 is the same as in_fd */
        uint64_t end;   /* of what it is given */
        struct cursor cursors[3];
        struct keys keys;
        uint64_t in_ended_ns; /* 0: has not */
        int in_slot;
        int out_slots[3];
};

struct relay {
        int listen_fd;
        int control_fd;
        uint32_t flags; /* RELAY_TTY, RELAY_KEPT, RELAY_OVER */
        bool set_up;
        bool awaits_client; /* started to serve one what an ended session wrote */
        bool said_done;
        bool heard; /* something new: the next round does not wait */
        bool quits;
        uint32_t said; /* RELAY_IS_*, for a broker that comes later */
        int ring_fd;
        struct ring *ring;
        int in_fd; /* to the command; with a terminal the same as out_fds[1] */
        int out_fds[3];
        uint64_t idle_ms;
        uint64_t moved_ns; /* when a byte last moved */
        uint64_t drain_ms;
        uint64_t drain_ns; /* until when the ended command's output is waited for */
        size_t pending_n;  /* on the way to the command */
        size_t pending_done;
        struct client clients[LIMIT_RELAY_CLIENTS];
        int listen_slot, control_slot, in_slot, out_slots[3];
        struct pollfd slots[SLOTS];
        unsigned n_slots;
        uint8_t pending[PENDING_BYTES + LIMIT_DETACH_KEYS];
};

uint64_t now_ns(void);
/* Adds to this round's poll; the slot. */
int slot_add(struct relay *relay, int fd, short events);
short slot_events(const struct relay *relay, int slot);

/* ---- control.c: the broker ---- */
void control_poll(struct relay *relay);
void control_run(struct relay *relay);
/* Tells whoever is there; what must not be lost stands in relay->said as well. */
void control_say(struct relay *relay, enum relay_kind kind, uint32_t value);

/* ---- client.c ---- */
/* 0 or an errno; the fds are the client's from then on, and closed where it is refused. */
int client_attach(struct relay *relay, const struct relay_attach *attach, int *fds, unsigned n_fds);
void client_detach(struct relay *relay, struct client *client, enum relay_why why);
struct client *client_writer(struct relay *relay);
/* What must not be overwritten yet; NULL: everything may be. */
const struct cursor *client_hold(struct relay *relay, struct cursor *buffer);
void clients_poll(struct relay *relay);
void clients_read(struct relay *relay);
void clients_write(struct relay *relay);
bool clients_any(const struct relay *relay);

/* ---- command.c: its ends ---- */
void command_poll(struct relay *relay);
void command_run(struct relay *relay);
void command_close_stdin(struct relay *relay);
/* Nothing more comes of that stream that a client would be kept waiting for. */
bool command_finished(const struct relay *relay, unsigned stream);
bool command_open(const struct relay *relay);

/* filter.c: 0 or -errno. */
int filter_load(void);
