/* SPDX-License-Identifier: Apache-2.0 */
/* Rows. Of what a session holds the history gets what people ask about later, and what a later broker needs; no environment. */
#include "broker/history-row.h"

#include "broker/dict.h"
#include "broker/history.h"
#include "broker/record.h"
#include "broker/request.h"
#include "broker/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *copy(const char *text, int *r) {
        char *made = text ? strdup(text) : NULL;

        if (text && !made)
                *r = -ENOMEM;
        return made;
}

/* Whole words only. */
static int copy_command(struct history_row *row, const struct strings *argv) {
        size_t size = argv->size;

        while (size > HISTORY_COMMAND_BYTES || (size && argv->bytes[size - 1] != 0))
                size = size > HISTORY_COMMAND_BYTES ? HISTORY_COMMAND_BYTES : size - 1;
        if (size == 0)
                return 0;
        row->command = malloc(size);
        if (!row->command)
                return -ENOMEM;
        memcpy(row->command, argv->bytes, size);
        row->command_size = size;
        return 0;
}

static int copy_request(struct history_row *row, const struct session *session) {
        const struct request *request = session->request;
        int r = 0;

        row->name = copy(request->name, &r);
        row->target = copy(session->target, &r);
        row->asked = copy(request->target, &r);
        row->rule = copy(session->rule, &r);
        row->user = copy(session->user, &r);
        row->reason = copy(request->reason, &r);
        return r < 0 ? r : copy_command(row, &request->argv);
}

static uint64_t now_us(void) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void copy_end(struct history_row *row, const struct session *session) {
        struct record record = session_record_facts(session);

        row->known_end = session->known_end;
        row->exited = session->exited;
        row->exited.pid = (uint32_t)session->pid;
        row->exited.started_us = session->started_us;
        row->code = record_code(session->known_end ? &session->exited : NULL);
        if (!session_is_over(session))
                return;
        row->ended_by = record_ended_by(&record);
        row->oom = session->oom;
        row->by_target = session->by_target;
        row->stage = session->stage;
        row->err = session->err;
        /* What nobody knows the end of has ended when we noticed. */
        if (!row->exited.ended_us)
                row->exited.ended_us = now_us();
}

struct history_row *history_row_of(const struct session *session) {
        struct history_row *row = calloc(1, sizeof *row);

        if (!row || copy_request(row, session) < 0)
                return history_row_free(row);
        memcpy(row->id, session->id, sizeof row->id);
        snprintf(row->state, sizeof row->state, "%s", session_state_name(session));
        row->owner = session->owner;
        row->tty = session->tty;
        row->privileged = session->privileged;
        row->created_us = session->created_us;
        row->client_gone = session->client_gone;
        row->keep_for_s = session->keep_for_s;
        row->rule_timeouts = session->rule_timeouts;
        row->signals = session->signals;
        row->signaled_by_user = session->signaled_by && strcmp(session->signaled_by, "user") == 0;
        row->stopped_by_user = strcmp(session->stopped_by, "user") == 0;
        row->target_pid = session->target_pid;
        row->target_ticks = session->target_ticks;
        copy_end(row, session);
        return row;
}

static int restore_request(const struct history_row *row, struct session *session) {
        const char *words[LIMIT_ARGS / 8 + 1];
        size_t n = 0;
        int r;

        for (size_t at = 0; at < row->command_size && n < LIMIT_ARGS / 8;
             at += strlen(row->command + at) + 1)
                words[n++] = row->command + at;
        words[n] = NULL;
        r = request_adopted(row->asked ? row->asked : row->target, words, &session->request);
        if (r < 0)
                return r;
        session->request->name = copy(row->name, &r);
        session->request->reason = copy(row->reason, &r);
        session->target = copy(row->target, &r);
        session->rule = copy(row->rule ? row->rule : "", &r);
        return r;
}

int history_row_restore(const struct history_row *row, struct session *session) {
        int r = restore_request(row, session);

        snprintf(session->user, sizeof session->user, "%s", row->user ? row->user : "");
        session->owner = row->owner;
        session->tty = row->tty;
        session->privileged = row->privileged;
        session->created_us = row->created_us;
        session->started_us = row->exited.started_us;
        session->pid = (int32_t)row->exited.pid;
        session->client_gone = row->client_gone <= POLICY_GONE_KEEP_FOR ? row->client_gone
                                                                        : POLICY_GONE_KILL;
        session->keep_for_s = row->keep_for_s;
        session->rule_timeouts = row->rule_timeouts;
        session->signals = row->signals;
        session->signaled_by = row->signaled_by_user ? "user" : "caller";
        session->stopped_by = row->stopped_by_user ? "user" : "caller";
        session->target_pid = row->target_pid;
        session->target_ticks = row->target_ticks;
        session->known_end = row->known_end;
        session->exited = row->exited;
        session->oom = row->oom;
        session->by_target = row->by_target;
        session->stage = row->stage;
        session->err = row->err;
        return r;
}

struct dict *history_row_listing(const struct history_row *row) {
        struct session session = { .ring_fd = -1, .outer = { -1, -1, -1 } };
        struct dict *dict = NULL;

        memcpy(session.id, row->id, sizeof session.id);
        snprintf(session.path, sizeof session.path, "/org/airlock1/session/%s", row->id);
        if (history_row_restore(row, &session) == 0) {
                session_restore_state(&session, row->state);
                dict = session_listing(&session);
                if (dict) {
                        dict_string(dict, "reason", row->reason ? row->reason : "");
                        dict_uint64(dict, "removed", row->removed_us);
                }
        }
        session_clear(&session);
        return dict;
}
