/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller asked for, complete and bounded: read once from its message, never changed after. */
#pragma once

#include "broker/error.h"
#include "broker/quota.h"
#include "broker/string-list.h"
#include "common/limits.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct DBusMessage;

enum request_kind { REQUEST_EXEC, REQUEST_RUN, REQUEST_EXPLAIN };
/* What becomes of a stream that was not passed. */
enum request_output { REQUEST_FDS, REQUEST_NULL, REQUEST_RING };

struct request {
        enum request_kind kind;
        char *target;
        struct strings argv;
        struct strings env; /* NAME=VALUE, or NAME alone: taken away; in the order given */
        bool clear_env;
        char *user; /* NULL where not given, as all strings here */
        char *group;
        struct strings groups;
        char *cwd;
        char *label;
        char *name;
        char *reason;
        char *seccomp;
        bool privileged;
        uint64_t cap_add;
        uint64_t cap_drop;
        bool tty;
        bool stderr_own; /* with a terminal: stderr is a stream beside it */
        uint16_t rows;   /* 0: not given, and then cols neither */
        uint16_t cols;
        bool detach;     /* nobody is attached at the start */
        bool open_stdin; /* with a ring: stdin is a stream that who attaches writes to */
        bool would_detach; /* keys were given and no more: if the rules do not let it, it stays without a relay */
        bool may_detach; /* whoever is attached may leave it running */
        bool gone_given; /* client_gone is what the caller said */
        bool keys_given;
        uint8_t keys[LIMIT_DETACH_KEYS]; /* that detach who is attached from the start */
        uint32_t n_keys;
        uint64_t drain_ms; /* 0: not given */
        bool shell; /* argv is empty until the target's passwd said what the user's shell is */
        enum policy_tri no_new_privs;
        enum request_output output;
        enum policy_gone client_gone;
        uint64_t keep_for_s;
        struct policy_limits limits;
        bool keep_leftovers;
        bool raw;
        char *as; /* Explain's: whom it is about, an account of the host */
        int streams[3];             /* owned; -1: not passed */
        int extra[LIMIT_EXTRA_FDS]; /* fd 3 inside, and so on without a gap */
        unsigned n_extra;
        unsigned stream_kinds[3]; /* FD_KIND_* of each, of common/fdtype.h; 0: not passed */
        unsigned extra_kinds[LIMIT_EXTRA_FDS];
        struct charge charge; /* of its caller's quota */
};

/* Reads (target, argv, options) of a message whose signature is "sasa{sv}".
 * 0 and *ret; -errno; OUTCOME_INVALID_ARGS, OUTCOME_LIMITS_EXCEEDED, OUTCOME_NOT_SUPPORTED, OUTCOME_BAD_FD,
 * OUTCOME_BAD_CAPABILITY, OUTCOME_BAD_USER with a text that names the option. */
int request_read(struct DBusMessage *message, enum request_kind kind, struct request **ret,
                 struct error *error);
/* The command of a request for a shell: the one change to a request after it was read, made before the rules decide. 0 or -errno. */
int request_take_shell(struct request *request, const char *shell);
/* The rules do not let it be left running: its terminal is handed over, and no keys detach. */
void request_stay(struct request *request);
/* What is known of one that an earlier broker took: its target and its command. 0 or -errno. */
int request_adopted(const char *target, const char *const *argv, struct request **ret);
struct request *request_free(struct request *request); /* takes and returns NULL */
void request_freep(struct request **request);
/* 0 where all that was passed is of these FD_KIND_*; -errno; OUTCOME_BAD_FD. */
int request_check_fds(const struct request *request, unsigned kinds, struct error *error);
/* Counts it against its caller's quota until it is freed, its fds until they are closed. 0; OUTCOME_LIMITS_EXCEEDED. */
int request_charge(struct request *request, struct quota *quota, struct error *error);
/* The streams' own copies are not needed any more. */
void request_close_fds(struct request *request);

/* Whether an Explain, whose signature is "sasa{sv}", says that it is about somebody else. */
bool request_is_as(struct DBusMessage *message);
/* Of Attach and Start. */
struct request_attach {
        bool steal;
        bool read_only;
        bool follow; /* unless it was said not to */
        bool detach; /* Start: nobody is attached */
        bool since_given;
        uint64_t since;
        uint16_t rows; /* 0: not given */
        uint16_t cols;
        bool keys_given;
        uint8_t keys[LIMIT_DETACH_KEYS];
        uint32_t n_keys;
};

/* Of a message whose signature is "a{sv}". 0; OUTCOME_INVALID_ARGS with a text that names the option. */
int request_read_attach(struct DBusMessage *message, bool start, struct request_attach *ret,
                        struct error *error);

/* The filter of lists, Subscribe and StopAll, of an a{sv}. */
struct request_filter {
        bool by_user;
        uint32_t user;
        uint64_t since_us;
        char *target;
        char *rule;
        char *state;
        char *name;
};

/* Of a message whose signature is "a{sv}". As above. */
int request_read_filter(struct DBusMessage *message, struct request_filter *ret,
                        struct error *error);
void request_filter_clear(struct request_filter *filter);

/* Names of the option keys that are built, for Features; NULL after the last. */
const char *request_option(unsigned i);
