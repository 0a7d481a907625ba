/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the history beside the loop: one thread, which alone touches the file, takes what is put, commits it in batches, and the loop
 * hears of it. No caller ever waits for a disk. A file that cannot be written is said in the status; everything else goes on. */
#pragma once

#include "broker/history.h"

#include <systemd/sd-event.h>

struct recorder;

/* committed: it is on the disk. False: it is not, and nobody should wait; what was put is tried again all the same. */
typedef void (*recorder_done_t)(void *userdata, bool committed);
/* result: 0 or -errno; the answer is the callee's to free. */
typedef void (*recorder_rows_t)(void *userdata, int result, struct history_row *rows);
typedef void (*recorder_events_t)(void *userdata, int result, struct history_event *events);

/* history: opened, becomes the recorder's; NULL where it could not be, with the text why: then it is tried again. */
int recorder_new(sd_event *event, const char *path, const struct history_limits *limits,
                 struct history *history, const char *why, struct recorder **ret);
/* Commits what there is, calls back for all of it (questions are answered with -ECANCELED), then ends. Takes and returns NULL. */
struct recorder *recorder_free(struct recorder *recorder);

/* All take over what is put, in every case. done may be NULL; it comes once, later (from inside only where there is no memory). urgent: the batch does not wait for more. */
void recorder_put(struct recorder *recorder, struct history_row *row, bool urgent,
                  recorder_done_t done, void *userdata);
void recorder_event(struct recorder *recorder, const struct history_event *event);
void recorder_forgotten(struct recorder *recorder, const char *id, uint64_t now_us);
/* What was put before is in the answer. 0 or -ENOMEM. */
int recorder_list(struct recorder *recorder, const struct history_filter *filter,
                  recorder_rows_t done, void *userdata);
int recorder_replay(struct recorder *recorder, const struct history_filter *filter,
                    recorder_events_t done, void *userdata);

struct recorder_status {
        char text[384];   /* "ok", or what is wrong and since when */
        uint32_t waiting; /* that were not written yet */
        uint64_t written;
        uint64_t dropped; /* that will not be: too many waited */
};
void recorder_status(struct recorder *recorder, struct recorder_status *ret);
