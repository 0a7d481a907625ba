/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's end of a relay: starts it, finds it again, says what it is to do. Its messages are common/relay.h. */
#pragma once

#include "common/relay.h"

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct relay;

struct relay_handler {
        /* Nobody who writes is there any more. */
        void (*detached)(void *userdata, enum relay_why why);
        void (*stdin_ended)(void *userdata);
        void (*idle)(void *userdata);
        /* What one that was found says of itself; ring: the handler's from now on. */
        void (*status)(void *userdata, const struct relay_status *status, int ring);
        /* It has ended; it is to be freed. */
        void (*lost)(void *userdata);
        void *userdata;
};

/* Starts one, which waits for relay_setup(). 0 or -errno. */
int relay_new(sd_event *event, const char *id, const struct relay_handler *handler,
              struct relay **ret);
/* The one that an earlier broker started. 0; -ENOENT: there was none; -ECONNREFUSED: it is lost; -errno. */
int relay_find(sd_event *event, const char *id, const struct relay_handler *handler,
               struct relay **ret);
/* It goes on; no callback comes any more. Takes and returns NULL. */
struct relay *relay_free(struct relay *relay);
/* Its socket is nobody's way to it any more. */
void relay_unlink(const char *id);

/* All fds stay the caller's; ends: -1 where there is none, a terminal's master is the first. 0 or -errno. */
int relay_setup(struct relay *relay, const struct relay_setup *setup, int ring, const int ends[3]);
/* Its answer: 0, or an errno (EBUSY: somebody is attached; EUSERS: too many are; EPIPE: it is lost). */
typedef void (*relay_answer)(void *userdata, int error);
/* done NULL: nobody waits for the answer. 0 or -errno. */
int relay_attach(struct relay *relay, const struct relay_attach *attach, const int fds[3],
                 relay_answer done, void *userdata);
int relay_tell(struct relay *relay, enum relay_kind kind);
/* The answer is not wanted any more. */
void relay_forget_answer(struct relay *relay, const void *userdata);

/* As signals say it: keys, stolen, closed, relay-lost. */
const char *relay_why_name(enum relay_why why);

/* A new ring, or -errno. */
int relay_ring_new(void);
/* The first byte that is there, and how many there were ever. 0 or -errno. */
int relay_ring_look(int ring, uint64_t *ret_oldest, uint64_t *ret_total);
