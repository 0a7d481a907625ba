/* SPDX-License-Identifier: Apache-2.0 */
/* Every bound that a caller can meet, in one place. Units are in the names. */
#pragma once

/* One plan: what execve(2) itself takes with the default 8 MiB stack (a quarter of it), so that a plan
 * that fits here is not refused later by the kernel for its size alone. */
#define LIMIT_STRINGS_BYTES (2u << 20)
#define LIMIT_STRING_BYTES (128u << 10) /* MAX_ARG_STRLEN, execve(2) */
#define LIMIT_ARGS 32768u
#define LIMIT_ENV 8192u
#define LIMIT_GROUPS 64u
#define LIMIT_CWD_BYTES 4096u
#define LIMIT_LABEL_BYTES 256u

#define LIMIT_FDS_PER_MESSAGE 16u /* a D-Bus message: the limit of dbus-daemon for the system bus */
#define LIMIT_EXTRA_FDS 12u
#define LIMIT_DESCRIBE_TARGETS 16u

#define LIMIT_FILTER_INSNS 4096u /* BPF_MAXINSNS, seccomp(2) */
#define LIMIT_PROFILE_BYTES (1u << 20)

#define LIMIT_NAMES 4096u /* entries of one engine directory */
#define LIMIT_NAMES_BYTES (512u << 10)
#define LIMIT_FILE_BYTES (1u << 20) /* one file handed out by `open` */
#define LIMIT_ENVIRON_BYTES (256u << 10)
#define LIMIT_DIR_BYTES 256u
#define LIMIT_PATH_BYTES 512u
#define LIMIT_OPEN_TRIES 64 /* of a path with ".." while the host mounts or renames */
#define LIMIT_CGROUP_BYTES 1024
#define LIMIT_ID_EXTENTS 340u /* user_namespaces(7) */

#define LIMIT_CEILING_BYTES (64u << 10)
#define LIMIT_CEILING_PATTERNS 64u
#define LIMIT_CEILING_DIRS 64u

#define LIMIT_MESSAGE_MS 2000u      /* first message after connect; also a session that neither started nor ended */
#define LIMIT_REQUEST_AGE_MS 10000u /* a request's own deadline may not lie further ahead */
#define LIMIT_KILL_MS 5000u         /* from cgroup.kill to an empty cgroup */
#define LIMIT_STATUS_MS 1000u       /* from a readable pidfd to a status: a tracer may withhold it */
#define LIMIT_ORPHAN_MS 30000u      /* a session without a broker, unless it was asked to outlive it */
#define LIMIT_RETRY_MS 200u         /* longest pause between two tries to reach a broker; the first is 2 ms */
#define LIMIT_GRACE_DEFAULT_MS 10000u
#define LIMIT_GRACE_MS 3600000u
#define LIMIT_LEFTOVERS 16u

#define LIMIT_SESSIONS 4096u            /* at once, of one listener */
#define LIMIT_SESSIONS_PER_TARGET 1024u /* counted by their cgroups */
#define LIMIT_RATE_PER_S 2000u          /* connections a second to the listener */

#define LIMIT_TTY_SIDE 65535u /* rows and columns: struct winsize has 16 bits */
#define LIMIT_RUN_OUTPUT_BYTES (16u << 20)

#define LIMIT_RING_BYTES (1u << 20)    /* output that one session with a relay keeps; the oldest goes first */
#define LIMIT_RELAY_CLIENTS 16u        /* at once, of one session: one that writes, the others read */
#define LIMIT_DETACH_KEYS 16u          /* bytes of a sequence that detaches */
#define LIMIT_DRAIN_MS 250u            /* after the command's end, for what others still write */
#define LIMIT_DRAIN_MAX_MS 600000u
