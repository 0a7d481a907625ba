/* SPDX-License-Identifier: Apache-2.0 */
/* polkit, asked without waiting for it: the one file that speaks to it. The subject is always the caller's unique name
 * on the bus, never a process: a pid can be another's by the time polkit looks (CVE-2013-4288). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

struct bus;
struct polkit;

#define POLKIT_DETAILS 12
#define POLKIT_DETAIL_BYTES 1024 /* of one value, escaped: what a prompt can show */

struct polkit_detail {
        const char *key;
        const char *value; /* any bytes; escaped and cut before they are sent */
        size_t size;
};

struct polkit_question {
        const char *subject; /* unique bus name */
        const char *action;
        bool interactive; /* the caller allowed a prompt */
        unsigned timeout_ms;
        size_t n_details;
        struct polkit_detail details[POLKIT_DETAILS];
};

/* outcome: 0 authorised, or DENIED, DISMISSED, INTERACTION_REQUIRED (a prompt was needed and not allowed),
 * POLKIT_UNAVAILABLE, TIMEOUT. Whatever is not exactly a yes is none. Called once, never from polkit_ask(). */
typedef void (*polkit_done_t)(void *userdata, int outcome);

/* 0 or -errno; *ret stays valid until done() was called or polkit_cancel(). */
int polkit_ask(struct bus *bus, sd_event *event, const struct polkit_question *question,
               polkit_done_t done, void *userdata, struct polkit **ret);
/* The caller left or the request ended: takes the prompt away; done() is not called. Takes and returns NULL. */
struct polkit *polkit_cancel(struct polkit *polkit);
