/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls: what the bus proves of a unique name, kept until that name leaves. */
#pragma once

#include "broker/error.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct DBusMessage;
struct bus;
struct callers;

struct caller {
        unsigned n_refs;
        struct caller *next;
        char *name; /* unique on the bus */
        bool known; /* the bus has answered */
        bool gone;  /* it left the bus, or was never there */
        uint32_t uid;
        uint32_t claimed_pid;        /* may be dead or another's by now: for records only */
        struct policy_caller policy; /* points into what follows */
        struct policy_group *groups;
        char *user_name;
        char *unit; /* of the process that the bus gave a pidfd of; NULL: it gave none */
        char *cgroup;
        struct waiter *waiters;
};

/* caller is known, or gone. */
typedef void (*caller_done_t)(void *userdata, struct caller *caller);

int callers_new(struct bus *bus, struct callers **ret);
struct callers *callers_free(struct callers *callers);
unsigned callers_count(const struct callers *callers);
/* 0 and *ret (a reference): known · 0 and *ret NULL: done() comes, with a reference · -errno. */
int callers_get(struct callers *callers, const char *name, caller_done_t done, void *userdata,
                struct caller **ret);
void callers_vanished(struct callers *callers, const char *name);
/* What the bus answered to GetConnectionCredentials. 0 or -errno: then the caller is none. */
int caller_take_credentials(struct callers *callers, struct caller *caller,
                            struct DBusMessage *reply);
/* The systemd unit of a cgroup path: its first component that is no slice. "": in none; NULL: no memory. */
char *caller_unit_of(const char *path);
/* Somebody who is not there: the host's account of this name or number, with the groups that a login of it would have. 0 and *ret
 * (a reference, without a name on the bus); -errno; OUTCOME_INVALID_ARGS with a text: there is no such account. */
int caller_imagine(struct callers *callers, const char *user, struct caller **ret,
                   struct error *error);
struct caller *caller_ref(struct caller *caller);
struct caller *caller_unref(struct caller *caller); /* takes and returns NULL */
