/* SPDX-License-Identifier: Apache-2.0 */
/* The history read at the start, before anybody is served. */
#include "broker/recall.h"

#include "broker/audit.h"
#include "broker/broker.h"
#include "broker/history-row.h"
#include "broker/history.h"
#include "broker/loop.h"
#include "broker/quota.h"
#include "broker/recorder.h"
#include "broker/session.h"
#include "broker/settings.h"
#include "common/sha256.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Supervisors try every 200 ms; those of a full host are all here in a fraction of this. */
#define COMING_US (UINT64_C(10) * 1000 * 1000)

struct recall {
        struct history_row *rows;
        uint64_t until_us;
};

uint64_t recall_now_us(void) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int hex_digit(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_id(const char *text, uint8_t id[32]) {
        for (unsigned i = 0; i < 32; i++) {
                int high = hex_digit(text[2 * i]), low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);

                if (low < 0)
                        return false;
                id[i] = (uint8_t)(high << 4 | low);
        }
        return text[64] == 0;
}

/* One that has ended is there again, with the time that it had left. */
static void show(struct broker *broker, const struct history_row *row) {
        struct quota *quota = quotas_of(broker->quotas, row->owner);
        uint64_t now = recall_now_us(), ended = row->exited.ended_us;
        struct session *session = NULL;
        uint8_t id[32];

        if (!quota || !read_id(row->id, id))
                return;
        /* The rows come the oldest first: what is asked for is the newest. */
        sessions_make_room(broker->sessions, quota);
        if (session_adopt(broker->sessions, quota, id, &session) < 0)
                return;
        if (history_row_restore(row, session) < 0)
                session_discard(session);
        else
                session_restored(session, row->state, now > ended ? now - ended : 0);
}

static struct history_row *read_rows(struct broker *broker, struct history *history) {
        uint64_t keep_us = (uint64_t)broker->settings->forget_after_s * 1000000;
        struct history_row *rows = NULL;

        if (history_recall(history, recall_now_us() - keep_us, &rows) < 0)
                audit_note("history: not read: %s", history_text(history));
        return rows;
}

static void sort_rows(struct broker *broker, struct history_row *rows) {
        while (rows) {
                struct history_row *row = rows;

                rows = row->next;
                row->next = NULL;
                if (row->exited.ended_us) {
                        show(broker, row);
                        history_row_free(row);
                        continue;
                }
                row->next = broker->recall->rows;
                broker->recall->rows = row;
        }
}

int recall_start(struct broker *broker, const char *path) {
        const struct settings *settings = broker->settings;
        struct history_limits limits = { settings->history_days, settings->history_sessions,
                                         settings->history_mib };
        struct history *history = NULL;
        char why[320] = "";

        broker->recall = calloc(1, sizeof *broker->recall);
        if (!broker->recall)
                return -ENOMEM;
        if (history_open(path, &limits, &history, why, sizeof why) < 0)
                audit_note("history: not written until it can be: %s", why);
        else
                sort_rows(broker, read_rows(broker, history));
        broker->recall->until_us = loop_now(broker->loop) + COMING_US;
        if (broker->recall->rows)
                loop_need_tick(broker->loop);
        return recorder_new(loop_event(broker->loop), path, &limits, history, why,
                            &broker->recorder);
}

struct recall *recall_free(struct recall *recall) {
        if (!recall)
                return NULL;
        history_row_free(recall->rows);
        free(recall);
        return NULL;
}

/* Where the row of this id hangs; at NULL where there is none. */
static struct history_row **slot_of(struct broker *broker, const char *id) {
        struct history_row **slot = broker->recall ? &broker->recall->rows : NULL;

        while (slot && *slot && strcmp((*slot)->id, id) != 0)
                slot = &(*slot)->next;
        return slot;
}

int recall_session(struct broker *broker, const uint8_t id[32], struct session **ret) {
        struct session *session = NULL;
        struct history_row **slot;
        struct quota *quota;
        uint32_t owner;
        char text[65];
        int r;

        sha256_hex(id, text);
        slot = slot_of(broker, text);
        if (!slot || !*slot)
                return -ENOENT;
        owner = (*slot)->owner;
        quota = quotas_of(broker->quotas, owner);
        r = quota ? session_adopt(broker->sessions, quota, id, &session) : -ENOMEM;
        if (r < 0)
                return r;
        r = recall_take(broker, session, owner);
        if (r < 0) {
                session_discard(session);
                return r;
        }
        session->owner = owner;
        session->state = SESSION_RUNNING;
        session->visible = true;
        *ret = session;
        return 0;
}

int recall_take(struct broker *broker, struct session *session, uint32_t owner) {
        struct history_row **slot = slot_of(broker, session->id), *row;
        int r;

        if (!slot || !*slot || (*slot)->owner != owner)
                return -ENOENT;
        row = *slot;
        *slot = row->next;
        row->next = NULL;
        r = history_row_restore(row, session);
        history_row_free(row);
        return r;
}

/* Its supervisor ended with the broker: with the host, most likely. */
static void lose(struct broker *broker, struct history_row *row) {
        snprintf(row->state, sizeof row->state, "lost");
        row->known_end = false;
        row->exited.ended_us = recall_now_us();
        row->ended_by = "broker";
        row->oom = "unknown";
        row->code = -1;
        show(broker, row);
        recorder_put(broker->recorder, row, false, NULL, NULL);
}

bool recall_expire(struct broker *broker, uint64_t now) {
        struct recall *recall = broker->recall;

        if (!recall || !recall->rows)
                return false;
        if (now < recall->until_us)
                return true;
        while (recall->rows) {
                struct history_row *row = recall->rows;

                recall->rows = row->next;
                row->next = NULL;
                lose(broker, row);
        }
        return false;
}
