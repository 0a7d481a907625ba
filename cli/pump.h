/* SPDX-License-Identifier: Apache-2.0 */
/* Moves bytes between what may not enter a container (terminals, files, sockets, FIFOs) and the pipes that may. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PUMPS_MAX 16

struct pollfd;

enum pump_way { PUMP_SPLICE, PUMP_COPY, PUMP_SOCKET, PUMP_TERMINAL };

struct pump {
        const char *name;
        int from, to;
        bool outward; /* from the command to us */
        enum pump_way way;
        mode_t from_mode;
        bool from_ready, ended, failed, grown;
        bool tail;   /* the command has ended: what is left is known */
        size_t left; /* of that */
        char *buffer;
        size_t have, done;
        int slot_from, slot_to; /* in the poll table of this round, or -1 */
};

struct pumps {
        struct pump pump[PUMPS_MAX];
        unsigned n;
};

/* The pipe's end of a pump is closed with it, the other one is the caller's. */
void pump_add(struct pumps *pumps, const char *name, int from, int to, bool outward);
/* Appends what is to be polled; the number of entries used, at most 2 a pump. */
unsigned pumps_poll(struct pumps *pumps, struct pollfd *table, unsigned n);
void pumps_run(struct pumps *pumps, const struct pollfd *table);
/* The command has ended: no more input; of the output what is in the pipes now must still be delivered. */
void pumps_command_ended(struct pumps *pumps);
/* What the command wrote has been delivered. */
bool pumps_delivered(const struct pumps *pumps);
/* No writer is left either. */
bool pumps_finished(const struct pumps *pumps);
/* Output was lost on our side; a line on stderr has said so. */
bool pumps_failed(const struct pumps *pumps);
void pumps_free(struct pumps *pumps);
