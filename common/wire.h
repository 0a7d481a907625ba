/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol between broker and helper: SOCK_SEQPACKET, one request a connection, fixed structs of the
 * host's byte order, all sizes exact. The plan of an exec travels as a sealed memfd.
 *
 * Outwards (helper to broker) come reports; inwards, after an exec's request, only the closed set of
 * commands at the end of this file. Every message begins with struct wire_head. */
#pragma once

#include "common/limits.h"

#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC 0x314b4c41u /* "ALK1" */
#define WIRE_VERSION 2u

struct wire_head {
        uint32_t magic;
        uint16_t version;
        uint16_t kind; /* enum wire_kind */
        uint32_t size; /* of the whole message, head included */
        uint32_t n_fds;
};

enum wire_kind {
        /* requests */
        WIRE_DESCRIBE = 1,
        WIRE_LIST,
        WIRE_OPEN,
        WIRE_EXEC,
        /* reports */
        WIRE_REFUSED = 32, /* struct wire_refused; last message unless it answers one target of a batch */
        WIRE_FACTS,        /* struct wire_facts, one a target, with a sealed memfd of the initial environment */
        WIRE_NAMES,        /* struct wire_names, with a sealed memfd of NUL-ended names */
        WIRE_FILE,         /* struct wire_file, with a read-only fd */
        WIRE_STARTED,      /* struct wire_started; with the pty master for a terminal */
        WIRE_EXITED,       /* struct wire_exited; last message */
        WIRE_HELLO,        /* struct wire_hello: a supervisor's first message on sessions.sock */
        WIRE_ENDS,         /* struct wire_ends: the answer to WIRE_FETCH, with what it has of them */
        /* commands */
        WIRE_SIGNAL = 64, /* struct wire_signal */
        WIRE_STOP,        /* struct wire_stop */
        WIRE_RESIZE,      /* struct wire_resize */
        WIRE_CLOSE_STDIN, /* struct wire_head */
        WIRE_ACK,         /* struct wire_head: the exit record is committed */
        WIRE_FETCH,       /* struct wire_head */
};

/* ---- describe, list, open ---- */

#define WIRE_DESCRIBE_ENVIRON 1u /* with the initial environment */

/* fds: n_targets pidfds. Each is answered in turn by WIRE_FACTS or WIRE_REFUSED with its index in `arg`. */
struct wire_describe {
        struct wire_head head;
        uint32_t n_targets;
        uint32_t flags;
};

/* Names in one of the directories of the ceiling's OpenDirs=; `dir` equals such an entry. */
struct wire_list {
        struct wire_head head;
        char dir[LIMIT_DIR_BYTES];
};

enum wire_open_kind {
        WIRE_OPEN_STATE = 1, /* dir as for list, path relative to it; no fds */
        WIRE_OPEN_PASSWD,    /* fd: pidfd; /etc/passwd below the target's root */
        WIRE_OPEN_GROUP,     /* fd: pidfd; /etc/group below the target's root */
};

struct wire_open {
        struct wire_head head;
        uint32_t what; /* enum wire_open_kind */
        uint32_t reserved;
        char dir[LIMIT_DIR_BYTES];
        char path[LIMIT_PATH_BYTES];
};

/* ---- exec ---- */

/* Slots of the fds that travel with an exec, in this order; a bit of `slots` for each that is there. */
enum wire_slot {
        WIRE_SLOT_PLAN = 0, /* sealed memfd: struct wire_plan and its strings */
        WIRE_SLOT_TARGET,   /* pidfd of the target's init */
        WIRE_SLOT_FILTER,   /* sealed memfd of struct sock_filter; absent: unconfined but for the floor */
        WIRE_SLOT_STDIN,    /* anonymous pipes; an absent stream is the target's own null device */
        WIRE_SLOT_STDOUT,
        WIRE_SLOT_STDERR,
        WIRE_SLOT_EXTRA,                                    /* fd 3 of the command, and so on */
        WIRE_SLOT_OUTER_STDIN = WIRE_SLOT_EXTRA + LIMIT_EXTRA_FDS, /* for a relay's session, kept by the supervisor: the */
        WIRE_SLOT_OUTER_STDOUT,                                    /* other ends of its pipes */
        WIRE_SLOT_OUTER_STDERR,
        WIRE_SLOT_RING, /* memfd of its output, sealed against another size; the outer ends come only with it */
        WIRE_SLOTS
};

struct wire_exec {
        struct wire_head head;
        uint64_t deadline_ns; /* CLOCK_MONOTONIC; nothing is started after it. 0: a question, answered by the refusal of a check,
                               * and by MSG_LATE where all pass */
        uint64_t counter;     /* grows with each request of one broker */
        uint32_t slots;       /* bit n: enum wire_slot n is there */
        uint32_t reserved;
};

enum caps_set { CAPS_BOUNDING, CAPS_PERMITTED, CAPS_EFFECTIVE, CAPS_INHERITABLE, CAPS_AMBIENT, CAPS_SETS };

#define WIRE_PLAN_NNP (1u << 0)            /* no_new_privs on */
#define WIRE_PLAN_TTY (1u << 1)            /* a terminal of the target's devpts */
#define WIRE_PLAN_LISTED32 (1u << 2)       /* the profile lists 32-bit system calls: the floor lets them pass */
#define WIRE_PLAN_KEEP_LEFTOVERS (1u << 3) /* processes that outlive the command stay */
#define WIRE_PLAN_KEEP_GONE (1u << 4)      /* the session outlives its broker for any time; else LIMIT_ORPHAN_MS */
#define WIRE_PLAN_STDERR_OWN (1u << 5)     /* with a terminal: fd 2 is the stderr slot */
#define WIRE_PLAN_ACK (1u << 6)            /* the end record is kept until WIRE_ACK: the broker commits it first */
#define WIRE_PLAN_FLAGS ((1u << 7) - 1)

/* Which process the broker approved: all from the kernel. */
struct wire_identity {
        uint64_t mnt_ns; /* inode numbers of /proc/PID/ns */
        uint64_t pid_ns;
        uint64_t user_ns;
        uint64_t start_ticks; /* field 22 of /proc/PID/stat, proc(5) */
};

struct wire_plan {
        uint32_t magic;
        uint16_t version;
        uint16_t reserved;
        uint32_t size; /* of the whole plan, strings included */
        uint32_t flags;
        uint8_t session[32];
        struct wire_identity target;
        uint64_t caps[CAPS_SETS];
        uint64_t wall_ms; /* 0: none */
        uint64_t cpu_ms;  /* 0: none */
        uint64_t idle_ms; /* 0: none; no CPU time used for so long */
        uint32_t grace_ms;
        uint32_t caller_uid; /* as claimed by the broker; for the log */
        uint32_t uid;        /* ids are those inside the target's user namespace */
        uint32_t gid;
        uint32_t n_groups;
        uint32_t groups[LIMIT_GROUPS];
        uint32_t rows;
        uint32_t cols;
        uint32_t argc;
        uint32_t envc;
        uint32_t strings_size;
        /* strings, each ended by NUL, filling strings_size exactly:
         *   cwd, label ("" = none), name of the target for the log, argc arguments, envc NAME=value */
};
#define WIRE_PLAN_FIXED_STRINGS 3u
#define WIRE_PLAN_MAX (sizeof(struct wire_plan) + LIMIT_STRINGS_BYTES)

/* ---- reports ---- */

struct wire_refused {
        struct wire_head head;
        uint32_t reason; /* enum reason */
        uint32_t step;   /* enum wire_step where REASON_STEP and its kin, else 0 */
        int32_t err;     /* errno, or 0 */
        uint32_t arg;    /* slot, capability, system call, index of the batch: what the reason speaks of */
};

#define WIRE_NS_KINDS 8u /* user mnt pid net ipc uts cgroup time */
enum wire_ns { WIRE_NS_USER, WIRE_NS_MNT, WIRE_NS_PID, WIRE_NS_NET, WIRE_NS_IPC, WIRE_NS_UTS, WIRE_NS_CGROUP, WIRE_NS_TIME };

struct wire_extent {
        uint32_t inside;
        uint32_t outside;
        uint32_t count;
};

struct wire_map {
        uint32_t n;
        struct wire_extent extents[LIMIT_ID_EXTENTS];
};

#define WIRE_FACT_OWN_USERNS (1u << 0) /* not the helper's user namespace */
#define WIRE_FACT_FROZEN (1u << 1)
#define WIRE_FACT_SETGROUPS_DENIED (1u << 2)
#define WIRE_FACT_ENVIRON_CUT (1u << 3) /* the environment was longer than LIMIT_ENVIRON_BYTES */
#define WIRE_FACT_ALLOWED (1u << 4)     /* passes the ceiling's tests of a target */
#define WIRE_FACT_FD_PIPE (1u << 8)     /* and on: FD_KIND_* that may be passed into it, of common/fdtype.h */

struct wire_facts {
        struct wire_head head;
        uint32_t index; /* of the batch */
        uint32_t flags;
        struct wire_identity identity;
        uint64_t ns[WIRE_NS_KINDS];
        uint64_t caps[CAPS_SETS];
        uint64_t ceiling_caps;   /* what the ceiling lets an exec into this target have at most, privileged or not */
        uint64_t rlimits[16][2]; /* soft, hard; RLIM_INFINITY is ~0 */
        uint32_t reason;         /* why the ceiling refuses this target; 0 where ALLOWED */
        uint32_t pid;
        uint32_t seccomp_mode;
        uint32_t seccomp_filters;
        uint32_t no_new_privs;
        uint32_t umask;
        uint32_t uid; /* as the helper sees it: not yet mapped into the target's user namespace */
        uint32_t gid;
        int32_t oom_score_adj;
        uint32_t environ_size;
        uint32_t owner_uid; /* of its user namespace, as the helper sees it; 0 where that is the helper's own */
        uint32_t reserved;
        char label[LIMIT_LABEL_BYTES];
        char cgroup[LIMIT_CGROUP_BYTES]; /* of the cgroup2 hierarchy */
        struct wire_map uid_map;
        struct wire_map gid_map;
};

struct wire_names {
        struct wire_head head;
        uint32_t n_names;
        uint32_t size;
};

struct wire_file {
        struct wire_head head;
        uint32_t size;
        uint32_t reserved;
};

/* Stages of an exec, for WIRE_STARTED's trace and as the `step` of a refusal. */
#define WIRE_STEPS(X)                                                                                              \
        X(ACCEPT) X(RECEIVE) X(CHECK) X(CGROUP) X(CLONE) X(V1) X(ATTRIBUTES) X(LABEL) X(KEYRING) X(STREAMS_OWNER) \
        X(SETNS) X(COMPARE) X(GROUPS) X(BOUNDING) X(GID) X(UID) X(CAPS_OPEN) X(TTY) X(NULL) X(CWD) X(PATH)        \
        X(STREAMS) X(CAPS_FINAL) X(NNP) X(FLOOR) X(FILTER) X(BIRTH) X(SESSION) X(EXEC) X(PROOF) X(DROP)
enum wire_step {
        WIRE_STEP_NONE = 0,
#define X(name) WIRE_STEP_##name,
        WIRE_STEPS(X)
#undef X
        WIRE_STEP_COUNT
};
const char *wire_step_name(uint32_t step);

#define WIRE_TRACE 8u
enum wire_trace { WIRE_T_ACCEPTED, WIRE_T_RECEIVED, WIRE_T_CHECKED, WIRE_T_CGROUP, WIRE_T_ENTERED, WIRE_T_BORN, WIRE_T_EXECUTED, WIRE_T_ENDED };

struct wire_started {
        struct wire_head head;
        uint32_t pid;       /* in the helper's pid namespace */
        uint32_t inner_pid; /* in the target's */
        uint64_t started_us; /* CLOCK_REALTIME */
        uint64_t trace_ns[WIRE_TRACE]; /* CLOCK_MONOTONIC; 0: not reached */
        uint8_t digest[32]; /* SHA-256 of the plan, as in the helper's log */
        char cgroup[LIMIT_CGROUP_BYTES];
};

#define WIRE_EXIT_DELEGATED (1u << 0)
#define WIRE_EXIT_HELD (1u << 1)
#define WIRE_EXIT_STATUS_WITHHELD (1u << 2)
#define WIRE_EXIT_UNKILLABLE (1u << 3)
#define WIRE_EXIT_STATUS_LOST (1u << 4) /* the supervisor died before it knew */
#define WIRE_EXIT_BY_LISTENER (1u << 5) /* completed by the listener: the supervisor had died */

enum wire_ended_by { WIRE_BY_SELF, WIRE_BY_STOP, WIRE_BY_CLIENT_GONE, WIRE_BY_TIMEOUT, WIRE_BY_BROKER, WIRE_BY_TARGET, WIRE_BY_SUPERVISOR };
enum wire_timeout { WIRE_TIMEOUT_NONE, WIRE_TIMEOUT_WALL, WIRE_TIMEOUT_CPU, WIRE_TIMEOUT_IDLE };

struct wire_exited {
        struct wire_head head;
        uint8_t session[32];
        uint32_t flags;
        int32_t status;    /* as of wait(2): WIFEXITED and so on */
        uint32_t ended_by; /* enum wire_ended_by */
        uint32_t timeout;  /* enum wire_timeout */
        uint32_t pid;
        uint32_t inner_pid;
        uint64_t started_us;
        uint64_t ended_us;
        uint64_t utime_us;
        uint64_t stime_us;
        uint64_t maxrss_kib;
        uint64_t cpu_us; /* of the whole session: its cgroup's cpu.stat */
        uint64_t trace_ns[WIRE_TRACE];
        uint32_t n_leftovers; /* processes that outlived the command: ended, or kept where so asked */
        uint32_t leftovers[LIMIT_LEFTOVERS];
        uint32_t reserved;
};

/* A supervisor that lost its broker connects out to sessions.sock and says this. The broker answers with a bare
 * head of kind WIRE_HELLO when it is ready for fds (at most 100 such at a time); then come WIRE_STARTED, with the
 * plan's memfd and, for a terminal, its master, and in the end WIRE_EXITED, once or again. */
struct wire_hello {
        struct wire_head head;
        uint8_t session[32];
        uint32_t state; /* 1 running, 2 ended */
        uint32_t reserved;
};

/* fds: the pty's master, the outer ends, the ring; a bit of `slots` for each that is there. */
#define WIRE_ENDS_MASTER (1u << 0)
#define WIRE_ENDS_STDIN (1u << 1)
#define WIRE_ENDS_STDOUT (1u << 2)
#define WIRE_ENDS_STDERR (1u << 3)
#define WIRE_ENDS_RING (1u << 4)
struct wire_ends {
        struct wire_head head;
        uint32_t slots;
        uint32_t reserved;
};

/* ---- commands ---- */

enum wire_scope { WIRE_SCOPE_LEADER, WIRE_SCOPE_GROUP, WIRE_SCOPE_ALL };

struct wire_signal {
        struct wire_head head;
        uint32_t signal; /* 1..64 */
        uint32_t scope;
};

struct wire_stop {
        struct wire_head head;
        uint32_t signal; /* 1..64; then, after the grace, everything in the cgroup is killed */
        uint32_t grace_ms;
        uint32_t ended_by; /* STOP, CLIENT_GONE or BROKER */
        uint32_t reserved;
};

struct wire_resize {
        struct wire_head head;
        uint16_t rows;
        uint16_t cols;
        uint32_t reserved;
};

_Static_assert(sizeof(struct wire_head) == 16, "wire layout changed: raise WIRE_VERSION");
_Static_assert(sizeof(struct wire_describe) == 24, "wire layout changed: raise WIRE_VERSION");
_Static_assert(sizeof(struct wire_list) == 272, "wire layout changed: raise WIRE_VERSION");
_Static_assert(sizeof(struct wire_open) == 792, "wire layout changed: raise WIRE_VERSION");
_Static_assert(sizeof(struct wire_exec) == 40, "wire layout changed: raise WIRE_VERSION");
_Static_assert(sizeof(struct wire_plan) == 440, "wire layout changed: raise WIRE_VERSION");
_Static_assert(sizeof(struct wire_refused) == 32, "wire layout changed: raise WIRE_VERSION");
_Static_assert(sizeof(struct wire_facts) == 9920, "wire layout changed: raise WIRE_VERSION");
_Static_assert(sizeof(struct wire_started) == 1152, "wire layout changed: raise WIRE_VERSION");
_Static_assert(sizeof(struct wire_ends) == 24, "wire layout changed: raise WIRE_VERSION");
_Static_assert(sizeof(struct wire_exited) == 256, "wire layout changed: raise WIRE_VERSION");
_Static_assert(sizeof(struct wire_signal) == 24, "wire layout changed: raise WIRE_VERSION");
_Static_assert(sizeof(struct wire_stop) == 32, "wire layout changed: raise WIRE_VERSION");

/* The head of a message of this size. */
static inline struct wire_head wire_head(enum wire_kind kind, uint32_t size, uint32_t n_fds) {
        return (struct wire_head){ WIRE_MAGIC, WIRE_VERSION, (uint16_t)kind, size, n_fds };
}
#define WIRE_HEAD(kind, type, n_fds) wire_head(kind, (uint32_t)sizeof(type), n_fds)

/* 0, or the reason (common/reason.h) why a received message of `size` bytes with `n_fds` fds has a bad head. */
uint32_t wire_check_head(const void *message, size_t size, size_t n_fds);

/* 0, or the reason why these bytes are no plan. On 0: argv and envv (arrays of LIMIT_ARGS + 1 and LIMIT_ENV + 1)
 * point into the plan and end with NULL. Checks everything that needs no knowledge of the target. */
struct wire_strings {
        const char *cwd;
        const char *label;
        const char *target;
        const char **argv;
        const char **envv;
};
uint32_t wire_check_plan(const void *plan, size_t size, struct wire_strings *ret);
