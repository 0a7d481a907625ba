/* SPDX-License-Identifier: Apache-2.0 */
/* Answers. Each function takes the call over: it is freed, whatever happens, and sent its answer unless nobody waits for one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct broker;
struct call;
struct dict;

void reply_empty(struct call *call);
void reply_refusal(struct call *call, int outcome, const char *text);
void reply_path(struct call *call, const char *path);
void reply_string(struct call *call, const char *text);
void reply_uint(struct call *call, uint32_t number);
/* An a{sv}; the dict is freed; NULL or failed: no memory. */
void reply_dict(struct call *call, struct dict *dict);
/* An aa{sv}; each dict and the list are freed. */
void reply_dicts(struct call *call, struct dict **dicts, size_t n);
/* fds[0] to fds[2]: the caller's ends, -1 where there is none; they stay ours. */
void reply_fds(struct call *call, const int fds[3]);
void reply_exec(struct call *call, const char *path, const int fds[3]);

struct reply_output {
        int32_t code;
        const char *out;
        const char *err;
        struct dict *record; /* freed */
};
void reply_run(struct call *call, const struct reply_output *output);

void call_free(struct call *call);

/* ---- for the other files that know libdbus ---- */

struct DBusMessage;
struct DBusMessageIter;
/* 1, or 0: no memory. */
int append_dict(struct DBusMessageIter *iter, const struct dict *dict);
int append_value(struct DBusMessageIter *iter, const struct dict *dict, size_t i);
struct DBusMessage *reply_new(struct call *call);
/* Sends and frees. message NULL: an error is sent in its place. */
void reply_send(struct call *call, struct DBusMessage *message);
