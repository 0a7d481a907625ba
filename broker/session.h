/* SPDX-License-Identifier: Apache-2.0 */
/* A session: one command that was started, from its start until it is forgotten. Knows nothing of the bus. */
#pragma once

#include "broker/error.h"
#include "common/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct ack;
struct dict;
struct flow;
struct launch;
struct loop;
struct quota;
struct record;
struct relay;
struct request;
struct run;
struct sessions;
struct target;
struct trace;
struct request_filter;

enum session_state {
        SESSION_CREATED,
        SESSION_STARTING,
        SESSION_RUNNING,
        SESSION_DETACHED, /* runs, and nobody who writes is attached to its relay */
        SESSION_STOPPING,
        SESSION_EXITED,
        SESSION_FAILED, /* was created and could not be started */
        SESSION_LOST
};

struct session {
        struct sessions *registry;
        struct session *next; /* of all; the newest first */
        struct session *previous;
        struct session *same_bucket; /* of a hash of the id */
        struct quota *quota;         /* the owner's; counts it */
        uint8_t id_bytes[32];
        char id[65];
        char path[96];
        enum session_state state;
        uint32_t owner; /* uid */
        char *owner_name; /* the unique name on the bus that it belongs to; never another's after it left */
        struct request *request; /* without its fds */
        char *target;            /* ENGINE:NAME */
        char *rule;              /* FILE:LINE that allowed it */
        char user[32];           /* UID:GID */
        bool privileged;
        bool tty;
        bool recorded;        /* the history was told that it is there */
        bool remove_at_end;   /* Remove was called with force */
        bool announced;       /* its owner was sent InterfacesAdded */
        bool visible;         /* it has been announced */
        unsigned client_gone; /* enum policy_gone */
        uint64_t keep_for_s;
        uint64_t created_us; /* CLOCK_REALTIME */
        uint64_t started_us; /* CLOCK_REALTIME, by the helper */
        int32_t pid;
        const char *stopped_by;  /* caller, user */
        uint32_t grace_ms;       /* of the last stop */
        uint64_t signals;        /* bit n-1: signal n was sent through us, */
        const char *signaled_by; /* caller, user: last by this one */
        unsigned rule_timeouts;  /* bit n: enum wire_timeout n is the rule's */
        int32_t target_pid; /* its init, and when that one began: who it was, not who has the number now */
        uint64_t target_ticks;
        char *cgroup;           /* its own, below the cgroup2 root */
        struct wire_plan *plan; /* what was granted; NULL: not known any more */
        size_t plan_size;
        char *seccomp;   /* the profile's name; NULL: not known */
        const char *oom; /* of the record, with the next: */
        bool by_target;
        const char *stage; /* of a start that failed */
        int err;
        uint64_t deadline_us;  /* loop_now(): when it is stopped because its owner left; 0: not */
        uint64_t ended_at_us;  /* loop_now() */
        struct flow *flow;     /* that starts it; NULL once it has */
        struct run *run;       /* that collects its output and is answered at its end; NULL: none */
        struct launch *launch; /* NULL after the end */
        struct ack *
                ack; /* after the end: the supervisor, which keeps its record until ours is committed */
        struct trace *trace; /* NULL: nobody measures */
        /* Of one with output=ring, see session-relay.c: */
        struct relay *relay;
        int ring_fd;     /* -1: it has none */
        int outer[3];    /* what the relay will be given, until it is */
        uint32_t ends;   /* RELAY_STDIN and so on: its streams */
        bool attached;   /* somebody who writes is */
        bool may_detach; /* and may leave it running */
        bool stdin_ended;
        bool keys_given;
        uint8_t keys[LIMIT_DETACH_KEYS]; /* where Attach gives none */
        uint32_t n_keys;
        uint64_t idle_ms;
        uint64_t drain_ms;
        unsigned replacements;
        char *attached_name; /* the unique name of who is attached */
        bool known_end;      /* exited is what the supervisor said */
        struct wire_exited exited;
};

struct sessions_handler {
        /* Its command runs. */
        void (*started)(void *userdata, struct session *session);
        /* It is being ended: by whom and with which grace is in it. */
        void (*stopping)(void *userdata, struct session *session);
        /* It is there, and was not announced yet: some time after its start, or when something else is said of it. */
        void (*announce)(void *userdata, struct session *session);
        /* State changed and nothing else; not called for the end. */
        void (*changed)(void *userdata, struct session *session);
        void (*ended)(void *userdata, struct session *session);
        /* Somebody who writes was attached, or is not any more; why: enum relay_why. */
        void (*attached)(void *userdata, struct session *session);
        void (*detached)(void *userdata, struct session *session, unsigned why);
        /* It is about to be forgotten. */
        void (*removed)(void *userdata, struct session *session);
        void *userdata;
};

int sessions_new(struct loop *loop, const struct sessions_handler *handler, struct sessions **ret);
struct sessions *sessions_free(struct sessions *sessions);

/* A session with an id of its own in state starting, known to nobody yet. 0 or -errno. */
int session_new(struct sessions *sessions, struct quota *quota, struct session **ret);
/* One that runs already, by the id that it has; in state running. 0, -EEXIST, -errno. */
int session_adopt(struct sessions *sessions, struct quota *quota, const uint8_t id[32],
                  struct session **ret);
/* One that has ended under an earlier broker, filled in by its row of the history; age_us ago. state: exited, failed, lost. */
void session_restored(struct session *session, const char *state, uint64_t age_us);
/* The state of this name, for one that is only to be shown. */
void session_restore_state(struct session *session, const char *state);
/* Frees what it has, not itself. */
void session_clear(struct session *session);
/* By id, visible or not. */
struct session *sessions_find_any(struct sessions *sessions, const uint8_t id[32]);
/* Without a trace: it never started. */
void session_discard(struct session *session);
void session_started(struct session *session, const struct wire_started *started);
/* exited NULL: nobody knows how it ended. */
void session_ended(struct session *session, const struct wire_exited *exited);
/* The end of one that was given up as lost: it becomes its true one. Of any other, or without a status: nothing. */
void session_found(struct session *session, const struct wire_exited *exited);

/* To another state, if that may follow; with its signals. Whether it did. */
bool session_become(struct session *session, enum session_state state);
/* Nobody who writes is attached any more; why 0: nobody has been. */
void session_detached(struct session *session, unsigned why);
void session_was_attached(struct session *session);
/* Its client went without saying that it is to be kept. */
void session_abandoned(struct session *session);
/* No byte has moved for as long as it may. */
void session_idle(struct session *session);

bool session_is_running(const struct session *session);
struct sd_event *session_event(const struct session *session);
bool session_is_over(const struct session *session);
const char *session_state_name(const struct session *session);
/* By id, or by path; NULL where there is none. */
struct session *sessions_find(struct sessions *sessions, const char *id);
/* Has the form of an id, whether or not one has it. */
bool sessions_is_id(const char *text);
struct session *sessions_find_path(struct sessions *sessions, const char *path);
/* By the name that this owner gave it; the latest. */
struct session *sessions_find_name(struct sessions *sessions, const char *name, uint32_t owner);
/* For one more that has ended, while nobody is served yet: the oldest go without a word; the history has them. */
void sessions_make_room(struct sessions *sessions, struct quota *quota);
struct session *sessions_first(struct sessions *sessions);
bool session_matches(const struct session *session, const struct request_filter *filter);
unsigned sessions_running(const struct sessions *sessions);
unsigned sessions_kept(const struct sessions *sessions);

/* 0; OUTCOME_BAD_STATE, OUTCOME_INVALID_ARGS, OUTCOME_HELPER_FAILED with a text. */
int session_signal(struct session *session, int signal, const char *scope, bool by_owner,
                   struct error *error);
int session_stop(struct session *session, uint32_t grace_ms, bool by_owner, struct error *error);
int session_resize(struct session *session, uint16_t rows, uint16_t cols, struct error *error);
int session_close_stdin(struct session *session, struct error *error);
int session_remove(struct session *session, struct error *error);

/* Its owner left the bus. */
void sessions_owner_gone(struct sessions *sessions, const char *name);
/* Stops what is to be stopped, forgets what ended longer ago than that. Whether anything is left to expire. */
bool sessions_expire(struct sessions *sessions, uint32_t forget_after_s);

/* Of what the exit record is made. */
struct record session_record_facts(const struct session *session);
/* The exit record; NULL: no memory, or it has not ended. */
struct dict *session_record(const struct session *session);
/* Everything that the interface shows of it: id, path, name and so on. NULL or failed: no memory. */
struct dict *session_listing(const struct session *session);
struct dict *session_properties(const struct session *session);
