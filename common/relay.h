/* SPDX-License-Identifier: Apache-2.0 */
/* What broker and relay say to each other: SOCK_SEQPACKET on the relay's own socket, fixed structs, sizes exact. Both run as the
 * same user, and a relay takes nobody else. A relay that has been set up greets each connection with its status; a new
 * connection takes the place of the one before it. */
#pragma once

#include "common/limits.h"

#include <stdint.h>

#define RELAY_MAGIC 0x314c5241u /* "ARL1" */
#define RELAY_FDS 4u            /* in one message */

enum relay_kind {
        RELAY_SETUP = 1,   /* struct relay_setup, once; fds: the ring, then those of `ends` */
        RELAY_ATTACH,      /* struct relay_attach; fds: the relay's sides of a client's streams */
        RELAY_CLOSE_STDIN, /* struct relay_head */
        RELAY_ENDED,       /* struct relay_head: the command has ended */
        RELAY_QUIT,        /* struct relay_head: the session is forgotten */
        RELAY_STATUS = 32, /* struct relay_status; fd: the ring */
        RELAY_ATTACHED,    /* struct relay_event: the answer to RELAY_ATTACH, in their order; value is an errno or 0 */
        RELAY_DETACHED,    /* struct relay_event: nobody who writes is there any more; value is enum relay_why */
        RELAY_STDIN_ENDED, /* struct relay_event: the client closed it, and what it wrote has been delivered */
        RELAY_DONE,        /* struct relay_event: nothing is left to do; it ends when the connection does */
        RELAY_IDLE,        /* struct relay_event: no byte either way for so long */
};

struct relay_head {
        uint32_t magic;
        uint32_t kind;
};

/* A bit for each stream that is there. With a terminal its one fd stands for 0 and 1. */
#define RELAY_STDIN (1u << 0)
#define RELAY_STDOUT (1u << 1)
#define RELAY_STDERR (1u << 2)

#define RELAY_TTY (1u << 0)
#define RELAY_KEPT (1u << 1) /* it lives on without a client */
#define RELAY_OVER (1u << 2) /* the command has ended: the ring alone is served */

struct relay_setup {
        struct relay_head head;
        uint32_t flags;
        uint32_t ends;
        uint64_t idle_ms; /* 0: without limit */
        uint64_t drain_ms;
};

#define RELAY_READ_ONLY (1u << 0)
#define RELAY_STEAL (1u << 1)  /* who is there is detached first */
#define RELAY_FOLLOW (1u << 2) /* else: what is there now, and no more */
#define RELAY_SINCE (1u << 3)  /* else: what no client that writes has seen yet */

struct relay_attach {
        struct relay_head head;
        uint32_t flags;
        uint32_t ends;
        uint64_t since;
        uint32_t n_keys; /* 0: no keys detach */
        uint8_t keys[LIMIT_DETACH_KEYS];
        uint32_t reserved;
};

#define RELAY_IS_ATTACHED (1u << 0)
#define RELAY_IS_KEPT (1u << 1)
#define RELAY_IS_ABANDONED (1u << 2) /* its client went without detaching, and nobody said keep */
#define RELAY_STDIN_IS_ENDED (1u << 3)
#define RELAY_IS_IDLE (1u << 4)

struct relay_status {
        struct relay_head head;
        uint32_t flags;
        uint32_t pid;
};

enum relay_why {
        RELAY_BY_KEYS = 1,
        RELAY_BY_OTHER, /* stolen */
        RELAY_BY_CLOSE, /* the client closed its streams; it had been kept before */
        RELAY_ABANDONED, /* the same, and it had not: the session ends as when a client leaves */
        RELAY_BY_LOSS    /* the broker's own: the relay itself is lost */
};

struct relay_event {
        struct relay_head head;
        uint32_t value;
        uint32_t reserved;
};

static inline struct relay_head relay_head(enum relay_kind kind) {
        return (struct relay_head){ RELAY_MAGIC, kind };
}

/* ---- the ring: a memfd that broker, relay and supervisor hold, so that none of them takes it along ---- */

#define RING_SEGMENTS 1024u
#define RING_HEAD_BYTES 32768u
#define RING_FILE_BYTES (RING_HEAD_BYTES + LIMIT_RING_BYTES)

/* Bytes of one stream in a row; it ends where the next one begins. */
struct ring_segment {
        uint64_t start; /* counted over all streams, from the session's beginning */
        uint32_t stream;
        uint32_t reserved;
};

struct ring_head {
        uint32_t magic;
        uint32_t reserved;
        uint64_t total;      /* bytes ever; what is older than LIMIT_RING_BYTES is overwritten */
        uint64_t n_segments; /* ever */
        uint64_t seen;       /* up to where clients that write have got it */
        struct ring_segment segments[RING_SEGMENTS];
};
_Static_assert(sizeof(struct ring_head) <= RING_HEAD_BYTES, "the ring's head does not fit");
