/* SPDX-License-Identifier: Apache-2.0 */
/* Which of our descriptors go into the container as they are, which are pumped, and which stay out. */
#pragma once

#include "cli/pump.h"
#include "cli/request.h"

#define STREAMS_MAX 15

struct streams {
        struct stream stream[STREAMS_MAX]; /* what is passed */
        bool ours[STREAMS_MAX]; /* a pipe that we made: to be closed once it has been sent */
        unsigned n;
        struct pumps pumps;
};

/* 0, or -errno with a line on stderr. With a terminal inside, none of 0 to 2 is passed. */
int streams_make(struct streams *streams, const struct request *request);
/* The ends that are the command's now. */
void streams_sent(struct streams *streams);
/* Descriptors 0 to 2 that are closed become null, so that nothing of ours takes their number. */
void streams_occupy(void);
