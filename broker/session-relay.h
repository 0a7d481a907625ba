/* SPDX-License-Identifier: Apache-2.0 */
/* A session and its relay: who is attached, what its end means, and another relay where one was lost. */
#pragma once

#include "broker/relay.h"
#include "broker/request.h"
#include "broker/session.h"

/* Before the launch, so that what cannot be had refuses the start. 0 or -errno. */
int session_relay_prepare(struct session *session, const struct request *request);
/* The streams that the relay has to be given: the command's sides in inner, -1 where there is none. 0 or -errno. */
int session_relay_streams(struct session *session, const struct request *request, int inner[3]);
/* The command runs. master: of its terminal, or -1; stays the caller's. */
void session_relay_started(struct session *session, int master);
/* One that an earlier broker started, if it has a relay. */
void session_relay_adopt(struct session *session);
/* The command has ended. */
void session_relay_over(struct session *session);
/* It is forgotten: the relay ends. Else, where only we end, it goes on. */
void session_relay_forget(struct session *session);
void session_relay_free(struct session *session);

/* What the relay says to an attachment; NULL in place of it: nobody waits. */
struct session_relay_answer {
        relay_answer done;
        void *userdata;
};

/* A client's ends in ret. 0 and the answer comes; -errno; OUTCOME_BAD_STATE, OUTCOME_NOT_SUPPORTED, OUTCOME_INVALID_ARGS with a text. */
int session_relay_attach(struct session *session, const struct request_attach *attach, int ret[3],
                         const struct session_relay_answer *answer, struct error *error);
/* What the supervisor keeps for a new relay, as launch_handler's ends(). */
void session_relay_replace(struct session *session, int fds[5]);
/* It is: by whose unique name. */
void session_relay_attached(struct session *session, const char *name);
/* What was kept and how much was ever written, where it has a ring. */
bool session_relay_output(const struct session *session, uint64_t *ret_oldest, uint64_t *ret_total);
