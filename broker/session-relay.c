/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a session's output is held three times: by its relay, by its supervisor and, for the ring, by us. So a lost relay is
 * replaced, and what an ended command wrote can be read for as long as the session is remembered. */
#include "broker/session-relay.h"

#include "broker/audit.h"
#include "broker/detach-keys.h"
#include "broker/launch.h"
#include "broker/loop.h"
#include "common/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLACEMENTS 8 /* of one session: one that falls again and again is let go */

static const struct relay_handler handler;

static int begin(struct session *session) {
        struct relay_handler with = handler;

        with.userdata = session;
        return relay_new(session_event(session), session->id, &with, &session->relay);
}

int session_relay_prepare(struct session *session, const struct request *request) {
        session->ring_fd = relay_ring_new();
        if (session->ring_fd < 0)
                return session->ring_fd;
        session->may_detach = request->may_detach;
        session->idle_ms = request->limits.idle_ms;
        session->drain_ms = request->drain_ms ? request->drain_ms : LIMIT_DRAIN_MS;
        memcpy(session->keys, request->keys, sizeof session->keys);
        session->n_keys = request->n_keys;
        session->keys_given = request->keys_given;
        return begin(session);
}

static int make_pipe(struct session *session, unsigned i, int *ret_inner) {
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        *ret_inner = ends[i == 0 ? 0 : 1];
        session->outer[i] = ends[i == 0 ? 1 : 0];
        session->ends |= 1u << i;
        return 0;
}

int session_relay_streams(struct session *session, const struct request *request, int inner[3]) {
        int r = 0;

        if (request->tty)
                session->ends |= RELAY_STDIN;
        for (unsigned i = 0; i < 3 && r == 0; i++) {
                bool wanted = request->tty ? i == 2 && request->stderr_own
                            : i == 0       ? request->open_stdin
                                           : true;

                if (inner[i] < 0 && wanted)
                        r = make_pipe(session, i, &inner[i]);
        }
        return r;
}

static int set_up(struct session *session, const int ends[3]) {
        struct relay_setup setup = { .idle_ms = session->idle_ms, .drain_ms = session->drain_ms };

        if (session->tty)
                setup.flags |= RELAY_TTY;
        if (session->client_gone == POLICY_GONE_KEEP ||
            session->client_gone == POLICY_GONE_KEEP_FOR)
                setup.flags |= RELAY_KEPT;
        if (session_is_over(session))
                setup.flags |= RELAY_OVER;
        return relay_setup(session->relay, &setup, session->ring_fd, ends);
}

void session_relay_started(struct session *session, int master) {
        int ends[3], r = session->relay ? 0 : begin(session); /* NULL: it was lost before there was anything to keep */

        memcpy(ends, session->outer, sizeof ends);
        if (master >= 0)
                ends[0] = master;
        if (r == 0)
                r = set_up(session, ends);
        if (r < 0)
                audit_note("relay of session %.16s: %s", session->id, strerror(-r));
        close_fds(session->outer, 3);
}

/* ---- what a relay says ---- */

static void on_detached(void *userdata, enum relay_why why) {
        struct session *session = userdata;

        session->attached = false;
        if (why == RELAY_ABANDONED) {
                session_abandoned(session);
                return;
        }
        /* Who detaches wants it to go on, and was allowed to say so. */
        if (session->client_gone == POLICY_GONE_KILL || session->client_gone == POLICY_GONE_HUP)
                session->client_gone = POLICY_GONE_KEEP;
        session_detached(session, why);
}

static void on_stdin_ended(void *userdata) {
        struct session *session = userdata;

        session->stdin_ended = true;
        if (session->launch)
                launch_close_stdin(session->launch);
}

static void on_idle(void *userdata) {
        session_idle(userdata);
}

static void on_status(void *userdata, const struct relay_status *status, int ring) {
        struct session *session = userdata;

        if (session->ring_fd < 0)
                session->ring_fd = take_fd(&ring);
        close_fd(ring);
        if (session_is_over(session))
                return;
        if (status->flags & RELAY_STDIN_IS_ENDED)
                on_stdin_ended(session);
        if (status->flags & RELAY_IS_IDLE)
                session_idle(session);
        if (status->flags & RELAY_IS_ABANDONED)
                session_abandoned(session);
        else if (status->flags & RELAY_IS_ATTACHED)
                session->attached = true;
        else if (!session->attached)
                session_detached(session, 0);
}

static void on_lost(void *userdata) {
        struct session *session = userdata;

        session->relay = relay_free(session->relay);
        if (session_is_over(session) || !session->launch)
                return;
        audit_note("relay of session %.16s is lost", session->id);
        if (session->attached) {
                session->attached = false;
                session_detached(session, RELAY_BY_LOSS);
        }
        if (session->replacements++ < REPLACEMENTS)
                launch_fetch(session->launch);
}

static const struct relay_handler handler = { .detached = on_detached,
                                              .stdin_ended = on_stdin_ended,
                                              .idle = on_idle,
                                              .status = on_status,
                                              .lost = on_lost };

/* ---- another relay ---- */

/* In the order of WIRE_ENDS: the master, stdin, stdout, stderr, the ring. */
void session_relay_replace(struct session *session, int fds[LAUNCH_ENDS]) {
        int ends[3] = { fds[0] >= 0 ? fds[0] : fds[1], fds[2], fds[3] };
        int r;

        if (fds[4] < 0 || session_is_over(session))
                return;
        if (session->ring_fd < 0)
                session->ring_fd = take_fd(&fds[4]);
        session->ends = (ends[0] >= 0 ? RELAY_STDIN : 0) | (ends[1] >= 0 ? RELAY_STDOUT : 0) |
                        (ends[2] >= 0 ? RELAY_STDERR : 0);
        if (session->relay) /* it lives: this was to learn what it has */
                return;
        r = begin(session);
        if (r == 0)
                r = set_up(session, ends);
        audit_note("relay of session %.16s: replaced: %s", session->id, r ? strerror(-r) : "ok");
}

void session_relay_adopt(struct session *session) {
        struct relay_handler with = handler;
        int r;

        with.userdata = session;
        session->drain_ms = LIMIT_DRAIN_MS;
        /* No socket: it never had one. What its ends are its supervisor knows, whether the relay lives or not. */
        r = relay_find(session_event(session), session->id, &with, &session->relay);
        if (r != -ENOENT)
                launch_fetch(session->launch);
}

void session_relay_over(struct session *session) {
        if (!session->relay)
                return;
        relay_tell(session->relay, RELAY_ENDED);
        relay_unlink(session->id);
}

void session_relay_forget(struct session *session) {
        if (session->relay)
                relay_tell(session->relay, RELAY_QUIT);
        if (session->ring_fd >= 0)
                relay_unlink(session->id);
}

void session_relay_free(struct session *session) {
        session->relay = relay_free(session->relay);
        session->ring_fd = close_fd(session->ring_fd);
        close_fds(session->outer, 3);
        free(session->attached_name);
}

/* ---- clients ---- */

/* Their sides in theirs, the relay's in ours. A terminal is one socket for both ways. */
static int make_ends(const struct session *session, bool read_only, int ours[3], int theirs[3]) {
        uint32_t ends = session->ends;
        int r = 0;

        if (session->tty && read_only)
                ends |= RELAY_STDOUT;
        if (read_only || (session->stdin_ended && !session->tty))
                ends &= ~RELAY_STDIN;
        for (unsigned i = 0; i < 3 && r == 0; i++) {
                int pair[2];

                if (!(ends & 1u << i))
                        continue;
                r = i == 0 && session->tty
                          ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)
                          : pipe2(pair, O_CLOEXEC);
                if (r < 0)
                        return -errno;
                ours[i] = pair[i == 0 ? 0 : 1];
                theirs[i] = pair[i == 0 ? 1 : 0];
        }
        return 0;
}

static int check_attach(struct session *session, const struct request_attach *attach,
                        struct error *error) {
        uint64_t oldest, total;

        if (session->ring_fd < 0)
                return error_set(
                        error, OUTCOME_NOT_SUPPORTED,
                        "session %s: its streams were handed out; only one with output=ring can be attached to",
                        session->id);
        if (!session->ends)
                return error_set(error, OUTCOME_BAD_STATE,
                                 "session %s: is being taken over; try again", session->id);
        if (!attach->read_only && !session_is_running(session))
                return error_set(error, OUTCOME_BAD_STATE, "session %s: is %s, not running",
                                 session->id, session_state_name(session));
        if (attach->n_keys && !session->may_detach)
                return error_set(error, OUTCOME_INVALID_ARGS,
                                 "option detach-keys: this session ends with its client");
        if (attach->n_keys && !session->tty)
                return error_set(error, OUTCOME_INVALID_ARGS,
                                 "option detach-keys: only a terminal has them");
        if (attach->since_given && session_relay_output(session, &oldest, &total) &&
            attach->since > total)
                return error_set(error, OUTCOME_INVALID_ARGS,
                                 "option since: %llu is beyond the %llu bytes that there are",
                                 (unsigned long long)attach->since, (unsigned long long)total);
        return 0;
}

static void fill(const struct session *session, const struct request_attach *attach,
                 struct relay_attach *ret) {
        struct error ignored;

        *ret = (struct relay_attach){ .flags = (attach->read_only ? RELAY_READ_ONLY : 0) |
                                               (attach->steal ? RELAY_STEAL : 0) |
                                               (attach->follow ? RELAY_FOLLOW : 0) |
                                               (attach->since_given ? RELAY_SINCE : 0),
                                      .since = attach->since };
        if (attach->read_only || !session->tty || !session->may_detach)
                return;
        if (attach->keys_given) {
                memcpy(ret->keys, attach->keys, sizeof ret->keys);
                ret->n_keys = attach->n_keys;
        } else if (session->keys_given) {
                memcpy(ret->keys, session->keys, sizeof ret->keys);
                ret->n_keys = session->n_keys;
        } else {
                detach_keys_parse(DETACH_KEYS_DEFAULT, ret->keys, &ret->n_keys, &ignored);
        }
}

/* What an ended session wrote is served by a relay of its own, for this client. */
static int revive(struct session *session) {
        static const int none[3] = { -1, -1, -1 };
        int r = 0;

        if (session->relay)
                return 0;
        r = begin(session);
        if (r < 0)
                return r;
        relay_unlink(session->id);
        return set_up(session, none);
}

int session_relay_attach(struct session *session, const struct request_attach *attach, int ret[3],
                         const struct session_relay_answer *answer, struct error *error) {
        struct relay_attach message;
        int ours[3] = { -1, -1, -1 }, theirs[3] = { -1, -1, -1 };
        int r = check_attach(session, attach, error);

        if (r)
                return r;
        r = session_is_over(session) ? revive(session) : 0;
        if (r == 0 && !session->relay)
                return error_set(error, OUTCOME_BAD_STATE,
                                 "session %s: its relay is being replaced; try again", session->id);
        fill(session, attach, &message);
        if (r == 0)
                r = make_ends(session, attach->read_only, ours, theirs);
        if (r == 0)
                r = relay_attach(session->relay, &message, ours, answer ? answer->done : NULL,
                                 answer ? answer->userdata : NULL);
        close_fds(ours, 3);
        if (r < 0) {
                close_fds(theirs, 3);
                return r;
        }
        memcpy(ret, theirs, sizeof theirs);
        return 0;
}

void session_relay_attached(struct session *session, const char *name) {
        session->attached = true;
        free(session->attached_name);
        session->attached_name = name ? strdup(name) : NULL;
        session->deadline_us = 0;
}

bool session_relay_output(const struct session *session, uint64_t *ret_oldest,
                          uint64_t *ret_total) {
        return session->ring_fd >= 0 &&
               relay_ring_look(session->ring_fd, ret_oldest, ret_total) == 0;
}
