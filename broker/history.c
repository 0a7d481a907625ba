/* SPDX-License-Identifier: Apache-2.0 */
/* The history's file: schema 1, documented in docs/history.md. All that is a stranger's goes in as a bound value. A file that is broken is
 * never repaired and never replaced: it is somebody's evidence. */
#include "broker/history.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 1
#define PAGE_BYTES 4096
#define BUSY_MS 1000
#define PRUNE_ROWS 2000

static const char schema[] =
        "CREATE TABLE sessions ("
        " number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, owner INTEGER NOT NULL, state TEXT NOT NULL,"
        " name TEXT, target TEXT NOT NULL, asked TEXT, rule TEXT, user TEXT, reason TEXT, command BLOB,"
        " tty INTEGER, privileged INTEGER, created INTEGER NOT NULL, started INTEGER, ended INTEGER,"
        " removed INTEGER, code INTEGER, signal INTEGER, ended_by TEXT, oom TEXT, timeout INTEGER,"
        " stage TEXT, errno INTEGER, pid INTEGER, inner_pid INTEGER, user_us INTEGER, system_us INTEGER,"
        " max_rss_kib INTEGER, cgroup_us INTEGER, client_gone INTEGER, keep_for INTEGER,"
        " rule_timeouts INTEGER, signals INTEGER, by_user INTEGER, by_target INTEGER,"
        " target_pid INTEGER, target_ticks INTEGER, report BLOB);"
        "CREATE INDEX sessions_by_owner ON sessions(owner, created);"
        "CREATE INDEX sessions_by_time ON sessions(created);"
        "CREATE INDEX sessions_alive ON sessions(state) WHERE ended IS NULL;"
        "CREATE INDEX sessions_by_end ON sessions(ended);"
        "CREATE TABLE events ("
        " number INTEGER PRIMARY KEY, time INTEGER NOT NULL, id TEXT NOT NULL, what TEXT NOT NULL,"
        " a INTEGER, b INTEGER);"
        "CREATE INDEX events_by_time ON events(time);"
        "PRAGMA user_version = 1;";

/* The columns of a row, in the order in which they are bound and read. */
#define COLUMNS                                                                                         \
        "id, owner, state, name, target, asked, rule, user, reason, command, tty, privileged, created," \
        " started, ended, removed, code, signal, ended_by, oom, timeout, stage, errno, pid, inner_pid," \
        " user_us, system_us, max_rss_kib, cgroup_us, client_gone, keep_for, rule_timeouts, signals,"   \
        " by_user, by_target, target_pid, target_ticks, report"
#define N_COLUMNS 38

enum statement {
        PUT,
        PUT_EVENT,
        FORGOTTEN,
        PRUNE,
        PRUNE_EVENTS,
        LIST,
        RECALL,
        REPLAY,
        N_STATEMENTS
};

#define FILTERED                                                                       \
        " (?1 IS NULL OR owner = ?1) AND (?2 IS NULL OR owner = ?2)"                   \
        " AND (?4 IS NULL OR target = ?4 OR asked = ?4) AND (?5 IS NULL OR rule = ?5)" \
        " AND (?6 IS NULL OR state = ?6) AND (?7 IS NULL OR name = ?7)"

static const char *const texts[N_STATEMENTS] = {
        [PUT] = "INSERT INTO sessions (" COLUMNS
                ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,"
                "?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31,?32,?33,?34,?35,?36,?37,?38)"
                " ON CONFLICT(id) DO UPDATE SET state = excluded.state, started = excluded.started,"
                " ended = excluded.ended, code = excluded.code, signal = excluded.signal,"
                " ended_by = excluded.ended_by, oom = excluded.oom, timeout = excluded.timeout,"
                " stage = excluded.stage, errno = excluded.errno, pid = excluded.pid,"
                " inner_pid = excluded.inner_pid, user_us = excluded.user_us, system_us = excluded.system_us,"
                " max_rss_kib = excluded.max_rss_kib, cgroup_us = excluded.cgroup_us,"
                " signals = excluded.signals, by_user = excluded.by_user, by_target = excluded.by_target,"
                " report = excluded.report",
        [PUT_EVENT] = "INSERT INTO events (time, id, what, a, b) VALUES (?1, ?2, ?3, ?4, ?5)",
        [FORGOTTEN] = "UPDATE sessions SET removed = ?2 WHERE id = ?1",
        /* What has not ended stays, however old: somebody goes on with it. */
        [PRUNE] =
                "DELETE FROM sessions WHERE number IN (SELECT number FROM sessions WHERE ended IS NOT NULL AND"
                " (ended < ?1 OR number <= (SELECT max(number) FROM sessions) - ?2) ORDER BY number LIMIT ?3)",
        [PRUNE_EVENTS] =
                "DELETE FROM events WHERE number IN (SELECT number FROM events WHERE time < ?1 OR"
                " number <= (SELECT max(number) FROM events) - ?2 LIMIT ?3)",
        [LIST] = "SELECT " COLUMNS " FROM sessions WHERE" FILTERED
                 " AND created >= ?3 ORDER BY number DESC LIMIT ?8",
        [RECALL] = "SELECT " COLUMNS " FROM (SELECT * FROM sessions WHERE ended IS NULL UNION ALL"
                   " SELECT * FROM sessions WHERE ended >= ?1 AND removed IS NULL)"
                   " ORDER BY created DESC LIMIT ?2",
        [REPLAY] =
                "SELECT " COLUMNS ", moment, what, a, b FROM ("
                " SELECT *, created AS moment, 'Created' AS what, 0 AS a, 0 AS b FROM sessions UNION ALL"
                " SELECT *, started, 'Started', 0, 0 FROM sessions UNION ALL"
                " SELECT *, ended, 'Exited', 0, 0 FROM sessions UNION ALL"
                " SELECT *, removed, 'Removed', 0, 0 FROM sessions UNION ALL"
                " SELECT s.*, e.time, e.what, e.a, e.b FROM events e JOIN sessions s ON s.id = e.id)"
                " WHERE moment >= ?3 AND" FILTERED " ORDER BY moment LIMIT ?8",
};

struct history {
        sqlite3 *db;
        sqlite3_stmt *statements[N_STATEMENTS];
        struct history_limits limits;
        char text[256];
};

/* What SQLite says, as one of ours. */
static int failed(struct history *history, int code) {
        snprintf(history->text, sizeof history->text, "%s", sqlite3_errmsg(history->db));
        switch (code & 0xff) {
        case SQLITE_FULL: return -ENOSPC;
        case SQLITE_NOMEM: return -ENOMEM;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return -EBUSY;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return -EUCLEAN;
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_CANTOPEN: return -EACCES;
        default: return -EIO;
        }
}

static int run(struct history *history, const char *text) {
        int code = sqlite3_exec(history->db, text, NULL, NULL, NULL);

        return code == SQLITE_OK ? 0 : failed(history, code);
}

static int read_version(struct history *history, int *ret) {
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(history->db, "PRAGMA user_version", -1, &statement, NULL);

        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
                *ret = sqlite3_column_int(statement, 0);
        sqlite3_finalize(statement);
        return code == SQLITE_ROW ? 0 : failed(history, code);
}

static int make_schema(struct history *history) {
        int version = 0, r = read_version(history, &version);

        if (r < 0 || version == SCHEMA_VERSION)
                return r;
        if (version != 0) {
                snprintf(history->text, sizeof history->text, "is of version %d; expected %d",
                         version, SCHEMA_VERSION);
                return -EPROTONOSUPPORT;
        }
        r = run(history, "BEGIN IMMEDIATE");
        if (r == 0)
                r = run(history, schema);
        if (r == 0)
                r = run(history, "COMMIT");
        if (r < 0)
                sqlite3_exec(history->db, "ROLLBACK", NULL, NULL, NULL);
        return r;
}

/* Committed means on the disk: a record that was acknowledged is nowhere else any more. */
static int set_up(struct history *history) {
        char text[512];
        int r;

        snprintf(
                text, sizeof text,
                "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA journal_mode = WAL;"
                "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304;"
                "PRAGMA max_page_count = %u;",
                history->limits.mib * ((1u << 20) / PAGE_BYTES));
        sqlite3_busy_timeout(history->db, BUSY_MS);
        r = run(history, text);
        if (r == 0)
                r = make_schema(history);
        for (unsigned i = 0; r == 0 && i < N_STATEMENTS; i++) {
                int code = sqlite3_prepare_v3(history->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                              &history->statements[i], NULL);

                if (code != SQLITE_OK)
                        r = failed(history, code);
        }
        return r;
}

int history_open(const char *path, const struct history_limits *limits, struct history **ret,
                 char *text, size_t text_size) {
        struct history *history = calloc(1, sizeof *history);
        int code, r;

        if (!history)
                return -ENOMEM;
        history->limits = *limits;
        code = sqlite3_open_v2(path, &history->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW |
                                       SQLITE_OPEN_NOMUTEX,
                               NULL);
        r = code == SQLITE_OK ? set_up(history) : failed(history, code);
        if (r < 0) {
                snprintf(text, text_size, "%s: %s", path, history->text);
                history_free(history);
                return r;
        }
        *ret = history;
        return 0;
}

struct history *history_free(struct history *history) {
        if (!history)
                return NULL;
        for (unsigned i = 0; i < N_STATEMENTS; i++)
                sqlite3_finalize(history->statements[i]);
        sqlite3_close(history->db);
        free(history);
        return NULL;
}

const char *history_text(const struct history *history) {
        return history->text;
}

/* ---- writing ---- */

int history_begin(struct history *history) {
        return run(history, "BEGIN IMMEDIATE");
}

int history_commit(struct history *history) {
        return run(history, "COMMIT");
}

void history_rollback(struct history *history) {
        sqlite3_exec(history->db, "ROLLBACK", NULL, NULL, NULL);
}

/* To its end, and ready for the next. */
static int finish(struct history *history, sqlite3_stmt *statement) {
        int code = sqlite3_step(statement);
        int r = code == SQLITE_DONE ? 0 : failed(history, code);

        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
        return r;
}

/* The values of one statement, in their order. */
struct values {
        sqlite3_stmt *statement;
        int n;
};

static void add_text(struct values *values, const char *text) {
        values->n++;
        if (text)
                sqlite3_bind_text(values->statement, values->n, text, -1, SQLITE_STATIC);
}

static void add_blob(struct values *values, const void *data, size_t size) {
        values->n++;
        if (data)
                sqlite3_bind_blob(values->statement, values->n, data, (int)size, SQLITE_STATIC);
}

static void add_number(struct values *values, uint64_t number) {
        sqlite3_bind_int64(values->statement, ++values->n, (sqlite3_int64)number);
}

static void add_time(struct values *values, uint64_t us) {
        values->n++;
        if (us)
                sqlite3_bind_int64(values->statement, values->n, (sqlite3_int64)us);
}

static void bind_request(struct values *v, const struct history_row *row) {
        add_text(v, row->id);
        add_number(v, row->owner);
        add_text(v, row->state);
        add_text(v, row->name);
        add_text(v, row->target ? row->target : "");
        add_text(v, row->asked);
        add_text(v, row->rule);
        add_text(v, row->user);
        add_text(v, row->reason);
        add_blob(v, row->command, row->command_size);
        add_number(v, row->tty);
        add_number(v, row->privileged);
        add_number(v, row->created_us);
}

static void bind_end(struct values *v, const struct history_row *row) {
        const struct wire_exited *e = &row->exited;

        add_time(v, e->started_us);
        add_time(v, e->ended_us);
        add_time(v, row->removed_us);
        add_number(v, (uint64_t)(int64_t)row->code);
        add_number(v, row->known_end && row->code > 128 ? (uint64_t)(e->status & 0x7f) : 0);
        add_text(v, row->ended_by);
        add_text(v, row->oom);
        add_number(v, e->timeout);
        add_text(v, row->stage);
        add_number(v, (uint64_t)(int64_t)row->err);
        add_number(v, e->pid);
        add_number(v, e->inner_pid);
        add_number(v, e->utime_us);
        add_number(v, e->stime_us);
        add_number(v, e->maxrss_kib);
        add_number(v, e->cpu_us);
}

static void bind_rest(struct values *v, const struct history_row *row) {
        add_number(v, row->client_gone);
        add_number(v, row->keep_for_s);
        add_number(v, row->rule_timeouts);
        add_number(v, row->signals);
        add_number(v, (row->stopped_by_user ? 1u : 0) | (row->signaled_by_user ? 2u : 0));
        add_number(v, row->by_target);
        add_number(v, (uint64_t)(int64_t)row->target_pid);
        add_number(v, row->target_ticks);
        add_blob(v, row->known_end ? &row->exited : NULL, sizeof row->exited);
}

int history_put(struct history *history, const struct history_row *row) {
        struct values values = { history->statements[PUT], 0 };

        bind_request(&values, row);
        bind_end(&values, row);
        bind_rest(&values, row);
        return finish(history, values.statement);
}

int history_put_event(struct history *history, const struct history_event *event) {
        struct values values = { history->statements[PUT_EVENT], 0 };

        add_number(&values, event->time_us);
        add_text(&values, event->id);
        add_text(&values, event->what);
        add_number(&values, event->a);
        add_number(&values, event->b);
        return finish(history, values.statement);
}

int history_forgotten(struct history *history, const char *id, uint64_t removed_us) {
        struct values values = { history->statements[FORGOTTEN], 0 };

        add_text(&values, id);
        add_number(&values, removed_us);
        return finish(history, values.statement);
}

static int prune(struct history *history, enum statement which, uint64_t before_us, uint64_t most) {
        struct values values = { history->statements[which], 0 };

        add_number(&values, before_us);
        add_number(&values, most);
        add_number(&values, PRUNE_ROWS);
        return finish(history, values.statement);
}

int history_prune(struct history *history, uint64_t now_us) {
        uint64_t age = (uint64_t)history->limits.days * 86400 * 1000000;
        uint64_t before = now_us > age ? now_us - age : 0;
        int r = prune(history, PRUNE, before, history->limits.sessions);

        return r < 0 ? r : prune(history, PRUNE_EVENTS, before, history->limits.sessions);
}

int history_drop_oldest(struct history *history) {
        return prune(history, PRUNE, INT64_MAX, INT64_MAX);
}

/* ---- reading ---- */

struct history_row *history_row_free(struct history_row *row) {
        while (row) {
                struct history_row *next = row->next;

                free(row->name);
                free(row->target);
                free(row->asked);
                free(row->rule);
                free(row->user);
                free(row->reason);
                free(row->command);
                free(row);
                row = next;
        }
        return NULL;
}

struct history_event *history_event_free(struct history_event *event) {
        while (event) {
                struct history_event *next = event->next;

                history_row_free(event->row);
                free(event);
                event = next;
        }
        return NULL;
}

void history_filter_clear(struct history_filter *filter) {
        free(filter->target);
        free(filter->rule);
        free(filter->state);
        free(filter->name);
        *filter = (struct history_filter){ 0 };
}

/* The columns of one row that was found, in their order. */
struct columns {
        sqlite3_stmt *statement;
        int n;
};

static char *take_text(struct columns *columns) {
        const unsigned char *text = sqlite3_column_text(columns->statement, columns->n++);

        return text ? strdup((const char *)text) : NULL;
}

static void take_name(struct columns *columns, char *buffer, size_t size) {
        const unsigned char *text = sqlite3_column_text(columns->statement, columns->n++);

        snprintf(buffer, size, "%s", text ? (const char *)text : "");
}

static uint64_t take_number(struct columns *columns) {
        return (uint64_t)sqlite3_column_int64(columns->statement, columns->n++);
}

/* One of the words that records have: a file that somebody wrote to says no others. */
static const char *take_word(struct columns *columns) {
        static const char *const words[] = { "self",   "caller", "user", "rule",   "target",
                                             "broker", "yes",    "no",   "unknown" };
        const char *text = (const char *)sqlite3_column_text(columns->statement, columns->n++);

        for (size_t i = 0; text && i < sizeof words / sizeof words[0]; i++)
                if (strcmp(words[i], text) == 0)
                        return words[i];
        if (!text)
                return NULL;
        for (unsigned step = 1; step < WIRE_STEP_COUNT; step++)
                if (strcmp(wire_step_name(step), text) == 0)
                        return wire_step_name(step);
        return NULL;
}

static void take_command(struct columns *columns, struct history_row *row) {
        int at = columns->n++, size = sqlite3_column_bytes(columns->statement, at);
        const char *data = sqlite3_column_blob(columns->statement, at);

        /* Ended by NUL as every word is, whatever the file says. */
        if (size <= 0 || (size_t)size > HISTORY_COMMAND_BYTES || data[size - 1] != 0)
                return;
        row->command = malloc((size_t)size);
        if (row->command) {
                memcpy(row->command, data, (size_t)size);
                row->command_size = (size_t)size;
        }
}

static void take_request(struct columns *c, struct history_row *row) {
        take_name(c, row->id, sizeof row->id);
        row->owner = (uint32_t)take_number(c);
        take_name(c, row->state, sizeof row->state);
        row->name = take_text(c);
        row->target = take_text(c);
        row->asked = take_text(c);
        row->rule = take_text(c);
        row->user = take_text(c);
        row->reason = take_text(c);
        take_command(c, row);
        row->tty = take_number(c) != 0;
        row->privileged = take_number(c) != 0;
        row->created_us = take_number(c);
}

static void take_end(struct columns *c, struct history_row *row) {
        struct wire_exited *e = &row->exited;

        e->started_us = take_number(c);
        e->ended_us = take_number(c);
        row->removed_us = take_number(c);
        row->code = (int32_t)take_number(c);
        take_number(c); /* signal: of the report */
        row->ended_by = take_word(c);
        row->oom = take_word(c);
        e->timeout = (uint32_t)take_number(c);
        row->stage = take_word(c);
        row->err = (int32_t)take_number(c);
        e->pid = (uint32_t)take_number(c);
        e->inner_pid = (uint32_t)take_number(c);
        e->utime_us = take_number(c);
        e->stime_us = take_number(c);
        e->maxrss_kib = take_number(c);
        e->cpu_us = take_number(c);
}

static void take_rest(struct columns *c, struct history_row *row) {
        uint64_t by_user;

        row->client_gone = (uint32_t)take_number(c);
        row->keep_for_s = take_number(c);
        row->rule_timeouts = (uint32_t)take_number(c);
        row->signals = take_number(c);
        by_user = take_number(c);
        row->stopped_by_user = by_user & 1;
        row->signaled_by_user = by_user & 2;
        row->by_target = take_number(c) != 0;
        row->target_pid = (int32_t)take_number(c);
        row->target_ticks = take_number(c);
        row->known_end = sqlite3_column_bytes(c->statement, c->n) == (int)sizeof row->exited;
        if (row->known_end)
                memcpy(&row->exited, sqlite3_column_blob(c->statement, c->n), sizeof row->exited);
        c->n++;
}

static struct history_row *take_row(struct columns *columns) {
        struct history_row *row = calloc(1, sizeof *row);

        if (!row)
                return NULL;
        take_request(columns, row);
        take_end(columns, row);
        take_rest(columns, row);
        if (row->target && columns->n == N_COLUMNS)
                return row;
        return history_row_free(row);
}

static void bind_filter(sqlite3_stmt *statement, const struct history_filter *filter,
                        unsigned max) {
        struct values values = { statement, 0 };

        if (filter->by_owner)
                sqlite3_bind_int64(statement, 1, filter->owner);
        if (filter->by_user)
                sqlite3_bind_int64(statement, 2, filter->user);
        values.n = 2;
        add_number(&values, filter->since_us > INT64_MAX ? INT64_MAX : filter->since_us);
        add_text(&values, filter->target);
        add_text(&values, filter->rule);
        add_text(&values, filter->state);
        add_text(&values, filter->name);
        add_number(&values, max);
}

static int end_reading(struct history *history, sqlite3_stmt *statement, int code, int r) {
        if (r == 0 && code != SQLITE_DONE && code != SQLITE_ROW)
                r = failed(history, code);
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
        return r;
}

static int read_rows(struct history *history, sqlite3_stmt *statement, struct history_row **ret) {
        struct history_row *first = NULL, **slot = &first;
        size_t bytes = 0;
        int code, r = 0;

        while (r == 0 && bytes < HISTORY_LIST_BYTES &&
               (code = sqlite3_step(statement)) == SQLITE_ROW) {
                struct columns columns = { statement, 0 };

                *slot = take_row(&columns);
                if (!*slot)
                        r = -ENOMEM;
                else
                        bytes += (*slot)->command_size + sizeof **slot;
                if (*slot)
                        slot = &(*slot)->next;
        }
        r = end_reading(history, statement, bytes < HISTORY_LIST_BYTES ? code : SQLITE_DONE, r);
        if (r < 0)
                first = history_row_free(first);
        *ret = first;
        return r;
}

int history_list(struct history *history, const struct history_filter *filter,
                 struct history_row **ret) {
        bind_filter(history->statements[LIST], filter, HISTORY_LIST_ROWS);
        return read_rows(history, history->statements[LIST], ret);
}

int history_recall(struct history *history, uint64_t since_us, struct history_row **ret) {
        struct history_row *newest = NULL, *oldest = NULL;
        struct values values = { history->statements[RECALL], 0 };
        int r;

        add_number(&values, since_us);
        add_number(&values, HISTORY_RECALL_ROWS);
        r = read_rows(history, values.statement, &newest);
        while (newest) {
                struct history_row *next = newest->next;

                newest->next = oldest;
                oldest = newest;
                newest = next;
        }
        *ret = oldest;
        return r;
}

static struct history_event *take_event(sqlite3_stmt *statement) {
        struct columns columns = { statement, 0 };
        struct history_event *event = calloc(1, sizeof *event);

        if (event)
                event->row = take_row(&columns);
        if (!event || !event->row)
                return history_event_free(event);
        memcpy(event->id, event->row->id, sizeof event->id);
        event->time_us = take_number(&columns);
        take_name(&columns, event->what, sizeof event->what);
        event->a = (uint32_t)take_number(&columns);
        event->b = (uint32_t)take_number(&columns);
        return event;
}

int history_replay(struct history *history, const struct history_filter *filter,
                   struct history_event **ret) {
        sqlite3_stmt *statement = history->statements[REPLAY];
        struct history_event *first = NULL, **slot = &first;
        int code, r = 0;

        bind_filter(statement, filter, HISTORY_REPLAY_ROWS);
        while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
                *slot = take_event(statement);
                if (*slot)
                        slot = &(*slot)->next;
                else
                        r = -ENOMEM;
        }
        r = end_reading(history, statement, r < 0 ? SQLITE_DONE : code, r);
        if (r < 0)
                first = history_event_free(first);
        *ret = first;
        return r;
}
