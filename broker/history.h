/* SPDX-License-Identifier: Apache-2.0 */
/* What happened, in a file that outlives the broker: one row a session. The only file that knows its schema is history.c. Blocks: used
 * at the start, and then by the recorder's thread alone. */
#pragma once

#include "common/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;

#define HISTORY_COMMAND_BYTES 65536u  /* of a command that are kept */
#define HISTORY_LIST_ROWS 1000u       /* of one answer, the newest */
#define HISTORY_LIST_BYTES (8u << 20) /* of the commands in it */
#define HISTORY_RECALL_ROWS 8192u     /* that a new broker reads back */
#define HISTORY_REPLAY_ROWS 10000u    /* events that one subscription gets of the past */

/* A session as it is kept. Strings are owned; NULL: there is none. */
struct history_row {
        struct history_row *next;
        char id[65];
        char state[12];
        uint32_t owner;
        char *name;
        char *target;
        char *asked; /* the target as the caller spelled it */
        char *rule;
        char *user;
        char *reason;
        char *command; /* argv, each with its NUL */
        size_t command_size;
        bool tty;
        bool privileged;
        uint64_t created_us;
        uint64_t removed_us; /* 0: not forgotten yet */
        /* What a later broker goes on with. */
        uint32_t client_gone;
        uint64_t keep_for_s;
        uint32_t rule_timeouts;
        uint64_t signals;
        bool signaled_by_user;
        bool stopped_by_user;
        int32_t target_pid;
        uint64_t target_ticks;
        /* The end. */
        bool known_end;
        struct wire_exited exited;
        int32_t code;
        const char *
                ended_by; /* literals, as the next three; for readers of the table, and read back */
        const char *oom;
        const char *stage;
        int32_t err;
        bool by_target;
};

/* Something that is not the row's own beginning or end. */
struct history_event {
        struct history_event *next;
        char id[65];
        char what[16]; /* Detached, Attached, Resized, Stopping */
        uint64_t time_us;
        uint32_t a;              /* rows · milliseconds of grace */
        uint32_t b;              /* cols */
        struct history_row *row; /* of a replay: owned, shared by nobody */
};

struct history_limits {
        uint32_t days;
        uint32_t sessions;
        uint32_t mib;
};

/* NULL or 0 where it does not matter. */
struct history_filter {
        bool by_owner;
        uint32_t owner; /* whose rows may be seen */
        bool by_user;
        uint32_t user;
        uint64_t since_us;
        char *target;
        char *rule;
        char *state;
        char *name;
};

/* 0; -errno, and a text that says what is wrong with the file. */
int history_open(const char *path, const struct history_limits *limits, struct history **ret,
                 char *text, size_t text_size);
struct history *history_free(struct history *history); /* takes and returns NULL */

/* Within begin and commit; 0 or -errno (-ENOSPC: the disk or the limit is reached), the text is history_text()'s. */
int history_begin(struct history *history);
int history_put(struct history *history, const struct history_row *row);
int history_put_event(struct history *history, const struct history_event *event);
int history_forgotten(struct history *history, const char *id, uint64_t removed_us);
int history_commit(struct history *history);
void history_rollback(struct history *history);
/* What is beyond days and sessions is dropped, some of it at a time. 0 or -errno. */
int history_prune(struct history *history, uint64_t now_us);
/* The oldest rows that have ended, however young they are: for a file that may not grow. */
int history_drop_oldest(struct history *history);
const char *history_text(const struct history *history);

/* The newest first. 0 or -errno; *ret to be freed. */
int history_list(struct history *history, const struct history_filter *filter,
                 struct history_row **ret);
/* All that has not ended, and what ended at or after since_us; the oldest first. */
int history_recall(struct history *history, uint64_t since_us, struct history_row **ret);
/* Events at or after the filter's since_us, in their order, each with its session. */
int history_replay(struct history *history, const struct history_filter *filter,
                   struct history_event **ret);

struct history_row *history_row_free(
        struct history_row *row); /* the whole list; takes and returns NULL */
struct history_event *history_event_free(struct history_event *event); /* likewise */
void history_filter_clear(struct history_filter *filter);
