/* SPDX-License-Identifier: Apache-2.0 */
/* A target: a pidfd and what is known of it, pinned. A container that was made again under its name is another target. */
#pragma once

#include "broker/engine-files.h"
#include "broker/oci.h"
#include "broker/passwd.h"
#include "common/wire.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

struct profile;
struct targets; /* those that live, by name */

struct target {
        unsigned n_refs;
        struct targets *registry; /* NULL once it is gone */
        struct target *next;
        char *key_engine; /* as it is called: several names may lead to one container, each to a target of its own */
        char *key_name;
        char *engine; /* who made it, and its name there; pid and its number where nobody says */
        char *name;
        char *display; /* ENGINE:NAME, pid:N */
        char *id;      /* in full; NULL: it has none */
        struct metadata metadata;
        char *owner_name; /* of facts->owner_uid; NULL: the number has none, or ... */
        bool owner_name_failed;
        int pidfd;
        int32_t pid;
        bool alive;
        bool stale; /* its facts may be no more: it is found by nobody, and kept by who has it */
        sd_event_source *watch;
        uint64_t verified_us; /* when the engine last said that the name is this one's */
        struct wire_facts *facts;
        unsigned entered; /* bit n: enum wire_ns n differs from ours, so that an exec enters it */
        bool declared;    /* config.json was there: process and profile are the engine's truth */
        struct oci_process process; /* user of the init, where it was not declared */
        struct profile *
                profile; /* its own seccomp profile; NULL: it has none, or not known (declared is false) */
        struct strings env;    /* what a command inherits: the well-formed entries of it */
        struct identity *user; /* the default user once resolved */
};

int targets_new(sd_event *event, struct targets **ret);
struct targets *targets_free(struct targets *targets);
unsigned targets_count(const struct targets *targets);
/* Borrowed; NULL where none of this name lives. */
struct target *targets_find(struct targets *targets, const char *engine, const char *name);

/* Takes over pidfd and the contents of found (on failure too), replaces one of the same name. Borrowed: *ret is the registry's. */
struct target_found {
        const char *engine; /* as it is called */
        const char *name;
        const char *as_engine; /* who made it, and its name there; NULL: the same */
        char as_name[LIMIT_ENGINE_NAME_BYTES];
        char id[65]; /* "": it has none */
        struct metadata metadata;
        int pidfd;
        int32_t pid;
        const struct wire_facts *facts;
        bool declared;
        struct oci_process process;
        struct profile *profile;
        const char *environ; /* of the init, NUL-separated */
        size_t environ_size;
};
int targets_add(struct targets *targets, struct target_found *found, struct target **ret);
void target_found_clear(struct target_found *found);
/* Whether it is the very process, and still goes by the very name. */
bool target_is_as_found(const struct target *target, const struct target_found *found);
/* Whether its engine may give it another name while it runs. */
bool target_may_be_renamed(const struct target *target);

/* What the helper said of it, its ceiling included, is asked for again by the next request. */
void target_refresh(struct target *target);
void targets_refresh(struct targets *targets);

struct target *target_ref(struct target *target);
struct target *target_unref(struct target *target); /* takes and returns NULL */
/* NAME of an engine as it may stand in a path: no slash, no leading dot, letters and digits and ._+- only. */
bool target_name_is_valid(const char *name);

/* ---- kernel truth, of /proc; the broker may read it of any process ---- */

/* Whether the process is init of a pid namespace below ours. */
bool target_is_init(int32_t pid);
/* Field 22 of /proc/PID/stat; 0: not there. */
uint64_t target_start_ticks(int32_t pid);
/* It is not there, or another's by now, or on its way out: no thread of it runs its program any more. */
bool target_is_ending(int32_t pid, uint64_t start_ticks);
/* The process of a pidfd; 0: it has ended, or is in no pid namespace of ours; -1: it is no pidfd. */
int32_t target_pid_of(int pidfd);
/* Its cgroup2 path, "" where it cannot be read. */
void target_cgroup_path(int32_t pid, char *buffer, size_t size);
