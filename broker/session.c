/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and their states. Whoever may see or end one was decided before it is called here. */
#include "broker/session.h"

#include "broker/dict.h"
#include "broker/ending.h"
#include "broker/launch.h"
#include "broker/loop.h"
#include "broker/quota.h"
#include "broker/record.h"
#include "broker/request.h"
#include "broker/run.h"
#include "broker/session-relay.h"
#include "broker/trace.h"
#include "common/sha256.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PATH_PREFIX "/org/airlock1/session/"

#define BUCKETS 1024

struct sessions {
        struct loop *loop;
        struct session *first;
        struct session *last;
        struct session *buckets[BUCKETS];
        unsigned n_running;
        unsigned n;
        struct ending_oom oom;
        struct sessions_handler handler;
};

static const char *const state_names[] = {
        [SESSION_CREATED] = "created",   [SESSION_STARTING] = "starting",
        [SESSION_RUNNING] = "running",   [SESSION_DETACHED] = "detached",
        [SESSION_STOPPING] = "stopping", [SESSION_EXITED] = "exited",
        [SESSION_FAILED] = "failed",     [SESSION_LOST] = "lost",
};

#define TO(state) (1u << SESSION_##state)

/* What may follow a state: a bit for each. A start that the target's state forbids today may be tried again. */
static const unsigned may_follow[] = {
        [SESSION_CREATED] = TO(STARTING) | TO(FAILED) | TO(LOST),
        [SESSION_STARTING] = TO(CREATED) | TO(RUNNING) | TO(DETACHED) | TO(FAILED) | TO(EXITED) |
                             TO(LOST),
        [SESSION_RUNNING] = TO(DETACHED) | TO(STOPPING) | TO(EXITED) | TO(LOST),
        [SESSION_DETACHED] = TO(RUNNING) | TO(STOPPING) | TO(EXITED) | TO(LOST),
        [SESSION_STOPPING] = TO(EXITED) | TO(LOST),
        [SESSION_EXITED] = 0,
        [SESSION_FAILED] = 0,
        [SESSION_LOST] = 0,
};

int sessions_new(struct loop *loop, const struct sessions_handler *handler, struct sessions **ret) {
        struct sessions *sessions = calloc(1, sizeof *sessions);

        if (!sessions)
                return -ENOMEM;
        sessions->loop = loop;
        sessions->handler = *handler;
        ending_oom_look(&sessions->oom, loop_now(loop));
        *ret = sessions;
        return 0;
}

struct sessions *sessions_free(struct sessions *sessions) {
        if (!sessions)
                return NULL;
        while (sessions->first)
                session_discard(sessions->first);
        free(sessions);
        return NULL;
}

bool sessions_is_id(const char *text) {
        return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* Of an id as text: its first three digits, or some bucket where it is none. */
static struct session **bucket_of(struct sessions *sessions, const char *id) {
        unsigned bucket = 0;

        for (unsigned i = 0; i < 3 && id[i]; i++)
                bucket = bucket << 4 | (unsigned)(id[i] <= '9' ? id[i] - '0' : id[i] - 'a' + 10);
        return &sessions->buckets[bucket % BUCKETS];
}

static void link_in(struct sessions *sessions, struct session *session) {
        struct session **bucket = bucket_of(sessions, session->id);

        session->registry = sessions;
        session->same_bucket = *bucket;
        *bucket = session;
        session->next = sessions->first;
        if (sessions->first)
                sessions->first->previous = session;
        else
                sessions->last = session;
        sessions->first = session;
        sessions->n++;
        sessions->n_running++;
        session->quota->sessions++;
}

/* What a caller sized of it. */
static uint64_t size_of(const struct session *session) {
        return session->plan_size +
               (session->request ? session->request->argv.size + session->request->env.size : 0);
}

/* It has started, or never will. */
static void end_start(struct session *session) {
        if (session->state == SESSION_STARTING)
                session->quota->starting--;
}

static void link_out(struct sessions *sessions, struct session *session) {
        struct session **slot = bucket_of(sessions, session->id);

        while (*slot != session)
                slot = &(*slot)->same_bucket;
        *slot = session->same_bucket;
        if (session->previous)
                session->previous->next = session->next;
        else
                sessions->first = session->next;
        if (session->next)
                session->next->previous = session->previous;
        else
                sessions->last = session->previous;
        end_start(session);
        sessions->n--;
        if (session_is_over(session)) {
                session->quota->kept--;
                session->quota->kept_bytes -= size_of(session);
        } else {
                sessions->n_running--;
                session->quota->sessions--;
        }
}

static int make(struct sessions *sessions, struct quota *quota, const uint8_t id[32],
                struct session **ret) {
        struct session *session = calloc(1, sizeof *session);
        struct timespec now;

        if (!session)
                return -ENOMEM;
        memcpy(session->id_bytes, id, sizeof session->id_bytes);
        sha256_hex(session->id_bytes, session->id);
        snprintf(session->path, sizeof session->path, PATH_PREFIX "%s", session->id);
        clock_gettime(CLOCK_REALTIME, &now);
        session->created_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
        session->stopped_by = "caller";
        session->quota = quota;
        session->state = SESSION_STARTING;
        session->ring_fd = -1;
        session->outer[0] = session->outer[1] = session->outer[2] = -1;
        link_in(sessions, session);
        *ret = session;
        return 0;
}

int session_new(struct sessions *sessions, struct quota *quota, struct session **ret) {
        uint8_t id[32];
        int r;

        if (getrandom(id, sizeof id, 0) != sizeof id)
                return -EIO;
        r = make(sessions, quota, id, ret);
        if (r == 0)
                quota->starting++;
        return r;
}

struct session *sessions_find_any(struct sessions *sessions, const uint8_t id[32]) {
        struct session *session;
        char text[65];

        sha256_hex(id, text);
        session = *bucket_of(sessions, text);
        while (session && strcmp(session->id, text) != 0)
                session = session->same_bucket;
        return session;
}

int session_adopt(struct sessions *sessions, struct quota *quota, const uint8_t id[32],
                  struct session **ret) {
        int r;

        if (sessions_find_any(sessions, id))
                return -EEXIST;
        r = make(sessions, quota, id, ret);
        if (r == 0)
                (*ret)->state = SESSION_RUNNING;
        return r;
}

bool session_is_over(const struct session *session) {
        return session->state == SESSION_EXITED || session->state == SESSION_FAILED ||
               session->state == SESSION_LOST;
}

bool session_is_running(const struct session *session) {
        return session->state == SESSION_RUNNING || session->state == SESSION_DETACHED ||
               session->state == SESSION_STOPPING;
}

struct sd_event *session_event(const struct session *session) {
        return loop_event(session->registry->loop);
}

void session_clear(struct session *session) {
        session_relay_free(session);
        launch_free(session->launch);
        ack_send(session->ack);
        run_free(session->run);
        request_free(session->request);
        trace_free(session->trace);
        free(session->owner_name);
        free(session->target);
        free(session->rule);
        free(session->cgroup);
        free(session->plan);
        free(session->seccomp);
}

void session_discard(struct session *session) {
        link_out(session->registry, session);
        if (session->state == SESSION_STARTING) /* it never did: nobody will look for its relay */
                session_relay_forget(session);
        session_clear(session);
        free(session);
}

static void forget(struct session *session) {
        session_relay_forget(session);
        session->registry->handler.removed(session->registry->handler.userdata, session);
        session_discard(session);
}

/* The first thing that is said of it has all of its properties. */
static bool announce(struct session *session) {
        if (session->announced)
                return false;
        session->announced = true;
        session->registry->handler.announce(session->registry->handler.userdata, session);
        return true;
}

bool session_become(struct session *session, enum session_state state) {
        struct sessions_handler *handler = &session->registry->handler;
        bool begins = session->state == SESSION_STARTING && !session->announced;

        if (!(may_follow[session->state] & 1u << state))
                return false;
        session->state = state;
        /* A start is announced a moment later: most commands have ended by then, and it is said once. */
        if (begins && (state == SESSION_RUNNING || state == SESSION_DETACHED))
                return true;
        if (!announce(session))
                handler->changed(handler->userdata, session);
        if (state == SESSION_STOPPING)
                handler->stopping(handler->userdata, session);
        return true;
}

void session_started(struct session *session, const struct wire_started *started) {
        end_start(session);
        session->pid = (int32_t)started->pid;
        session->started_us = started->started_us;
        session->cgroup = strdup(started->cgroup); /* without it less is known of its end */
        session_become(session, session->ring_fd >= 0 && !session->attached ? SESSION_DETACHED
                                                                            : SESSION_RUNNING);
        session->registry->handler.started(session->registry->handler.userdata, session);
}

void session_detached(struct session *session, unsigned why) {
        struct sessions *sessions = session->registry;

        session_become(session, SESSION_DETACHED);
        if (why && session->visible && sessions->handler.detached)
                sessions->handler.detached(sessions->handler.userdata, session, why);
}

void session_was_attached(struct session *session) {
        struct sessions *sessions = session->registry;

        session_become(session, SESSION_RUNNING);
        if (sessions->handler.attached)
                sessions->handler.attached(sessions->handler.userdata, session);
}

/* A user's finished sessions are bounded in number: one that starts a thousand a second would fill the memory of us all. */
static struct session *oldest_of(struct sessions *sessions, struct quota *quota) {
        struct session *session = sessions->last;

        while (session && (session->quota != quota || !session_is_over(session)))
                session = session->previous;
        return session;
}

static void forget_oldest(struct sessions *sessions, struct quota *quota) {
        struct session *session = oldest_of(sessions, quota);

        if (session)
                forget(session);
}

void sessions_make_room(struct sessions *sessions, struct quota *quota) {
        struct session *session;

        while (quota->kept >= QUOTA_KEPT && (session = oldest_of(sessions, quota)))
                session_discard(session);
}

/* What can still be found out, before anybody is told. */
static void look_around(struct session *session) {
        struct sessions *sessions = session->registry;

        if (!session->known_end)
                return;
        session->by_target = ending_by_target(&session->exited, session->target_pid,
                                              session->target_ticks);
        session->oom = session->by_target
                             ? "no"
                             : ending_oom_word(&sessions->oom, loop_now(sessions->loop),
                                               &session->exited, session->cgroup);
}

/* From running to over: in everybody's counts. */
static void count_end(struct session *session) {
        session->registry->n_running--;
        session->quota->sessions--;
        session->quota->kept++;
        session->quota->kept_bytes += size_of(session);
}

void session_ended(struct session *session, const struct wire_exited *exited) {
        if (session_is_over(session))
                return;
        end_start(session);
        if (!session->ack)
                session->ack = launch_take_ack(session->launch);
        session->launch = launch_free(session->launch);
        trace_mark(session->trace, "exit-report");
        session->known_end = exited && !(exited->flags & WIRE_EXIT_STATUS_LOST);
        if (exited)
                session->exited = *exited;
        session->state = session->known_end ? SESSION_EXITED : SESSION_LOST;
        look_around(session);
        session_relay_over(session);
        session->ended_at_us = loop_now(session->registry->loop);
        session->deadline_us = 0;
        count_end(session);
        charge_drop(&session->request->charge);
        if (session->run)
                run_session_ended(session->run);
        session->run = NULL;
        session->registry->handler.ended(session->registry->handler.userdata, session);
        if (!announce(session))
                session->registry->handler.changed(session->registry->handler.userdata, session);
        loop_need_tick(session->registry->loop);
        if (session->quota->kept > QUOTA_KEPT || session->quota->kept_bytes > QUOTA_KEPT_BYTES)
                forget_oldest(session->registry, session->quota);
}

void session_found(struct session *session, const struct wire_exited *exited) {
        if (session->state != SESSION_LOST || exited->flags & WIRE_EXIT_STATUS_LOST)
                return;
        session->known_end = true;
        session->exited = *exited;
        session->state = SESSION_EXITED;
        look_around(session);
        session->registry->handler.ended(session->registry->handler.userdata, session);
        session->registry->handler.changed(session->registry->handler.userdata, session);
}

void session_restore_state(struct session *session, const char *state) {
        session->state = SESSION_LOST;
        for (unsigned i = 0; i < sizeof state_names / sizeof state_names[0]; i++)
                if (strcmp(state_names[i], state) == 0)
                        session->state = i;
}

void session_restored(struct session *session, const char *state, uint64_t age_us) {
        uint64_t now = loop_now(session->registry->loop);

        session_restore_state(session, state);
        if (!session_is_over(session))
                session->state = SESSION_LOST;
        session->ended_at_us = now > age_us ? now - age_us : 0;
        session->visible = session->announced = true;
        count_end(session);
        loop_need_tick(session->registry->loop);
}

struct record session_record_facts(const struct session *session) {
        return (struct record){
                .exited = session->state == SESSION_EXITED ? &session->exited : NULL,
                .stopped_by = session->stopped_by,
                .signals = session->signals,
                .signaled_by = session->signaled_by,
                .oom = session->oom,
                .by_target = session->by_target,
                .rule_timeouts = session->rule_timeouts,
                .failed = strcmp(session_state_name(session), "failed") == 0,
                .stage = session->stage,
                .err = session->err,
        };
}

struct dict *session_record(const struct session *session) {
        struct dict *record, *trace;
        struct record facts;

        if (!session_is_over(session))
                return NULL;
        facts = session_record_facts(session);
        record = record_make(&facts);
        trace = record ? trace_dict(session->trace, &session->exited) : NULL;
        if (trace)
                dict_dict(record, "trace", trace);
        return record;
}

const char *session_state_name(const struct session *session) {
        return state_names[session->state];
}

struct session *sessions_find(struct sessions *sessions, const char *id) {
        struct session *session = *bucket_of(sessions, id);

        while (session && (!session->visible || strcmp(session->id, id) != 0))
                session = session->same_bucket;
        return session;
}

struct session *sessions_find_path(struct sessions *sessions, const char *path) {
        if (strncmp(path, PATH_PREFIX, strlen(PATH_PREFIX)) != 0)
                return NULL;
        return sessions_find(sessions, path + strlen(PATH_PREFIX));
}

struct session *sessions_find_name(struct sessions *sessions, const char *name, uint32_t owner) {
        for (struct session *session = sessions->first; session; session = session->next)
                if (session->visible && session->owner == owner && session->request->name &&
                    strcmp(session->request->name, name) == 0)
                        return session;
        return NULL;
}

struct session *sessions_first(struct sessions *sessions) {
        struct session *session = sessions->first;

        while (session && !session->visible)
                session = session->next;
        return session;
}

bool session_matches(const struct session *session, const struct request_filter *filter) {
        if (filter->by_user && filter->user != session->owner)
                return false;
        if (filter->since_us > session->created_us)
                return false;
        if (filter->target && strcmp(filter->target, session->target) != 0 &&
            strcmp(filter->target, session->request->target) != 0)
                return false;
        if (filter->rule && strcmp(filter->rule, session->rule) != 0)
                return false;
        if (filter->state && strcmp(filter->state, session_state_name(session)) != 0)
                return false;
        return !filter->name ||
               (session->request->name && strcmp(filter->name, session->request->name) == 0);
}

unsigned sessions_running(const struct sessions *sessions) {
        return sessions->n_running;
}

unsigned sessions_kept(const struct sessions *sessions) {
        return sessions->n - sessions->n_running;
}

static int check_running(const struct session *session, struct error *error) {
        if (session_is_running(session))
                return 0;
        return error_set(error, OUTCOME_BAD_STATE, "session %s: is %s, not running", session->id,
                         session_state_name(session));
}

static int sent(int r, struct error *error) {
        /* A supervisor that has gone is about to be reported as ended: for the caller it has ended. */
        if (r == -EPIPE || r == -ECONNRESET)
                return error_set(error, OUTCOME_BAD_STATE, "session: is ending, not running");
        return r < 0 ? error_set(error, OUTCOME_HELPER_FAILED, "supervisor: %s", strerror(-r)) : 0;
}

int session_signal(struct session *session, int signal, const char *scope, bool by_owner,
                   struct error *error) {
        static const char *const scopes[] = { [WIRE_SCOPE_LEADER] = "leader",
                                              [WIRE_SCOPE_GROUP] = "group",
                                              [WIRE_SCOPE_ALL] = "all" };
        unsigned i = 0;
        int r;

        if (signal < 1 || signal > SIGRTMAX)
                return error_set(error, OUTCOME_INVALID_ARGS, "signal %d: expected 1 to %d", signal,
                                 SIGRTMAX);
        while (i < 3 && strcmp(scopes[i], scope) != 0)
                i++;
        if (i == 3)
                return error_set(error, OUTCOME_INVALID_ARGS,
                                 "scope '%s': expected leader, group or all", scope);
        r = check_running(session, error);
        if (r == 0)
                r = sent(launch_signal(session->launch, signal, i), error);
        if (r)
                return r;
        session->signals |= UINT64_C(1) << (signal - 1);
        session->signaled_by = by_owner ? "caller" : "user";
        return 0;
}

int session_stop(struct session *session, uint32_t grace_ms, bool by_owner, struct error *error) {
        int r;

        if (grace_ms > LIMIT_GRACE_MS)
                return error_set(error, OUTCOME_INVALID_ARGS, "grace %u ms: at most %u", grace_ms,
                                 LIMIT_GRACE_MS);
        r = check_running(session, error);
        if (r == 0)
                r = sent(launch_stop(session->launch, grace_ms ? SIGTERM : SIGKILL, grace_ms,
                                     WIRE_BY_STOP),
                         error);
        if (r)
                return r;
        session->stopped_by = by_owner ? "caller" : "user";
        session->grace_ms = grace_ms;
        if (session->state != SESSION_STOPPING)
                session_become(session, SESSION_STOPPING);
        return 0;
}

int session_resize(struct session *session, uint16_t rows, uint16_t cols, struct error *error) {
        int r = check_running(session, error);

        if (r)
                return r;
        if (!session->tty)
                return error_set(error, OUTCOME_BAD_STATE, "session %s: has no terminal",
                                 session->id);
        if (rows == 0 || cols == 0)
                return error_set(error, OUTCOME_INVALID_ARGS,
                                 "size %u x %u: expected 1 to 65535 each", rows, cols);
        return sent(launch_resize(session->launch, rows, cols), error);
}

/* Without a relay, what keeps stdin open is in the caller's own hands. */
int session_close_stdin(struct session *session, struct error *error) {
        int r = check_running(session, error);

        if (r)
                return r;
        if (session->relay && !session->tty && session->ends & RELAY_STDIN) {
                session->stdin_ended = true;
                relay_tell(session->relay, RELAY_CLOSE_STDIN);
                return sent(launch_close_stdin(session->launch), error);
        }
        return error_set(error, OUTCOME_BAD_STATE, "session %s: %s", session->id,
                         session->tty
                                 ? "its input is a terminal; write an end-of-file character to it"
                         : session->ring_fd >= 0
                                 ? "its stdin was not kept open"
                                 : "the other end of its stdin is with who started it; close that");
}

int session_remove(struct session *session, struct error *error) {
        if (!session_is_over(session))
                return error_set(error, OUTCOME_BAD_STATE,
                                 "session %s: is %s; stop it first or force", session->id,
                                 session_state_name(session));
        forget(session);
        return 0;
}

/* kill: at once and everything. hup: what a terminal does that is closed, and what does not listen goes after the grace. */
static void stop_for_owner(struct session *session) {
        bool hup = session->client_gone == POLICY_GONE_HUP;

        session->deadline_us = 0;
        /* One that is just being started is stopped by who starts it, once it has. */
        if (!session->launch || !session_is_running(session))
                return;
        session->grace_ms = hup ? LIMIT_GRACE_DEFAULT_MS : 0;
        launch_stop(session->launch, hup ? SIGHUP : SIGKILL, hup ? LIMIT_GRACE_DEFAULT_MS : 0,
                    WIRE_BY_CLIENT_GONE);
        if (session->state != SESSION_STOPPING)
                session_become(session, SESSION_STOPPING);
}

void session_abandoned(struct session *session) {
        if (session->client_gone == POLICY_GONE_KEEP ||
            session->client_gone == POLICY_GONE_KEEP_FOR)
                session->client_gone = POLICY_GONE_KILL;
        stop_for_owner(session);
}

void session_idle(struct session *session) {
        if (!session->launch || !session_is_running(session))
                return;
        launch_stop(session->launch, SIGTERM, LIMIT_GRACE_DEFAULT_MS, WIRE_BY_TIMEOUT);
        session_become(session, SESSION_STOPPING);
}

void sessions_owner_gone(struct sessions *sessions, const char *name) {
        uint64_t now = loop_now(sessions->loop);

        for (struct session *session = sessions->first; session; session = session->next) {
                if (!session->owner_name || strcmp(session->owner_name, name) != 0)
                        continue;
                if (session_is_over(session)) {
                        /* Nobody has this name again: no signal of its forgetting. */
                        free(session->owner_name);
                        session->owner_name = NULL;
                        continue;
                }
                if (session->client_gone == POLICY_GONE_KEEP_FOR)
                        session->deadline_us = now + session->keep_for_s * 1000000;
                else if (session->client_gone != POLICY_GONE_KEEP)
                        stop_for_owner(session);
        }
}

bool sessions_expire(struct sessions *sessions, uint32_t forget_after_s) {
        uint64_t now = loop_now(sessions->loop);
        bool waiting = false;
        struct session *next;

        for (struct session *session = sessions->first; session; session = next) {
                next = session->next;
                if (session->visible)
                        announce(session);
                if (session_is_over(session) &&
                    (session->remove_at_end ||
                     now - session->ended_at_us >= (uint64_t)forget_after_s * 1000000)) {
                        forget(session);
                        continue;
                }
                if (session->deadline_us && session->deadline_us <= now)
                        stop_for_owner(session);
                waiting |= session_is_over(session) || session->deadline_us || !session->announced;
        }
        return waiting;
}

static void add_command(struct dict *dict, const char *key, const struct session *session) {
        dict_strings(dict, key);
        for (size_t i = 0; i < session->request->argv.n; i++)
                dict_strings_add_bytes(dict, session->request->argv.list[i]);
}

struct dict *session_listing(const struct session *session) {
        struct dict *dict = dict_new();
        uint64_t oldest, total;

        if (!dict)
                return NULL;
        dict_string(dict, "id", session->id);
        dict_path(dict, "path", session->path);
        dict_string(dict, "name", session->request->name ? session->request->name : "");
        dict_string(dict, "target", session->target);
        dict_uint(dict, "owner", session->owner);
        dict_string(dict, "state", session_state_name(session));
        add_command(dict, "command", session);
        dict_string(dict, "user", session->user);
        dict_bool(dict, "tty", session->tty);
        dict_bool(dict, "privileged", session->privileged);
        dict_uint64(dict, "created", session->created_us);
        dict_int(dict, "pid", session->pid);
        dict_string(dict, "rule", session->rule);
        if (session_relay_output(session, &oldest, &total)) {
                dict_bool(dict, "attached", session->attached);
                dict_uint64(dict, "output-from", oldest);
                dict_uint64(dict, "output-to", total);
        }
        if (session_is_over(session))
                dict_dict(dict, "record", session_record(session));
        return dict;
}

struct dict *session_properties(const struct session *session) {
        struct dict *dict = dict_new();

        if (!dict)
                return NULL;
        dict_string(dict, "Id", session->id);
        dict_string(dict, "Name", session->request->name ? session->request->name : "");
        dict_string(dict, "Target", session->target);
        dict_uint(dict, "Owner", session->owner);
        dict_string(dict, "State", session_state_name(session));
        add_command(dict, "Command", session);
        dict_string(dict, "User", session->user);
        dict_bool(dict, "Tty", session->tty);
        dict_bool(dict, "Privileged", session->privileged);
        dict_uint64(dict, "Created", session->created_us);
        dict_dict(dict, "Record", session_is_over(session) ? session_record(session) : dict_new());
        return dict;
}
