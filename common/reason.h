/* SPDX-License-Identifier: Apache-2.0 */
/* Why the helper refused, one reason a check, and the outcome that the caller is shown for it.
 * The rogue-broker suite expects these by number; a new one goes to the end of its group. */
#pragma once

#include <stdint.h>

/* name, outcome, text that names what was wrong and what was expected */
#define REASONS(X)                                                                                                   \
        X(MSG_TIMEOUT, HELPER_FAILED, "no request within the time for the first message")                            \
        X(MSG_SIZE, HELPER_FAILED, "message size differs from what its kind says")                                   \
        X(MSG_MAGIC, HELPER_FAILED, "message does not begin with the magic number")                                  \
        X(MSG_VERSION, HELPER_FAILED, "message has another protocol version")                                        \
        X(MSG_OP, HELPER_FAILED, "operation is not in the table")                                                    \
        X(MSG_FDS, HELPER_FAILED, "number of file descriptors differs from what the message says")                   \
        X(MSG_TRUNCATED, HELPER_FAILED, "message or its file descriptors were truncated")                            \
        X(MSG_RESERVED, HELPER_FAILED, "a reserved field or an unknown flag is set")                                 \
        X(MSG_LATE, TIMEOUT, "the request's deadline has passed or lies too far ahead")                              \
        X(MSG_SLOTS, HELPER_FAILED, "file descriptor slots do not fit the operation")                                \
        X(MSG_REPLAYED, HELPER_FAILED, "a request with this counter has been seen already")                          \
        X(PEER, HELPER_FAILED, "the peer is not the broker's account")                                               \
        X(RATE, LIMITS_EXCEEDED, "too many requests a second")                                                       \
        X(SESSIONS, LIMITS_EXCEEDED, "too many sessions at once")                                                    \
        X(NO_CEILING, HELPER_FAILED, "the ceiling is broken, so everything is refused; see the helper's log")        \
        X(PLAN_SEALS, HELPER_FAILED, "plan is not a memfd with all four seals")                                      \
        X(PLAN_SIZE, HELPER_FAILED, "plan's size differs from its header or is over the limit")                      \
        X(PLAN_MAGIC, HELPER_FAILED, "plan does not begin with the magic number and version")                        \
        X(PLAN_RESERVED, HELPER_FAILED, "a reserved field or an unknown flag of the plan is set")                    \
        X(PLAN_STRINGS, HELPER_FAILED, "plan's strings do not fill their block exactly, each ended by NUL")          \
        X(PLAN_ARGC, INVALID_ARGS, "argc is 0 or over the limit, or the program's name is empty")                    \
        X(PLAN_ENVC, INVALID_ARGS, "number of environment entries is over the limit")                                \
        X(PLAN_ENV, INVALID_ARGS, "an environment entry is not NAME=value")                                         \
        X(PLAN_CWD, BAD_CWD, "working directory is not an absolute path within the limit")                           \
        X(PLAN_GROUPS, BAD_USER, "supplementary groups are over the limit, or an id is invalid")                     \
        X(PLAN_TTY, INVALID_ARGS, "terminal size is out of range, or given without a terminal")                      \
        X(PLAN_TIMES, INVALID_ARGS, "a time is over the limit")                                                      \
        X(PLAN_LABEL, OVER_CEILING, "label is too long or not one that may be asked for")                            \
        X(PIDFD, HELPER_FAILED, "target handle is not a pidfd")                                                      \
        X(TARGET_DEAD, TARGET_NOT_RUNNING, "target has ended")                                                       \
        X(TARGET_THREAD, HELPER_FAILED, "target is a thread, not a process")                                         \
        X(TARGET_KERNEL, HELPER_FAILED, "target is a kernel thread")                                                 \
        X(TARGET_OURS, HELPER_FAILED, "target is process 1, the helper or its peer")                                 \
        X(TARGET_MNT, HELPER_FAILED, "target shares its mount namespace with the host or the helper")                \
        X(TARGET_PID, HELPER_FAILED, "target shares its pid namespace with the host or the helper")                  \
        X(TARGET_INIT, HELPER_FAILED, "target is not the init process of its pid namespace")                         \
        X(TARGET_NESTED, HELPER_FAILED, "target's pid namespace is not a direct child of the helper's")              \
        X(TARGET_CGROUP, OVER_CEILING, "target's cgroup matches no allowed pattern")                                 \
        X(TARGET_CGROUP_OWNER, OVER_CEILING, "target's cgroup is not owned by root or by its user namespace's root") \
        X(TARGET_FROZEN, TARGET_PAUSED, "target is frozen")                                                          \
        X(TARGET_CHANGED, TARGET_NOT_RUNNING, "target is not the one that was approved")                             \
        X(TARGET_ROOT, HELPER_FAILED, "root directory after entering is not the target's")                           \
        X(TARGET_PTRACE, OVER_CEILING,                                                                               \
          "target holds CAP_SYS_PTRACE in a shared user namespace; a privileged exec would give it everything")      \
        X(TARGET_USERNS, OVER_CEILING, "target's user namespace belongs to another user")                            \
        X(TARGET_LABEL, NOT_SUPPORTED, "target has a security label and it cannot be set")                           \
        X(TARGET_V1, NOT_SUPPORTED, "a cgroup v1 hierarchy of the target cannot be joined")                          \
        X(UID, BAD_USER, "uid is -1 or not mapped in the target")                                                    \
        X(GID, BAD_USER, "gid is -1 or not mapped in the target")                                                    \
        X(UID_ZERO, OVER_CEILING, "uid 0 with no_new_privs off is not allowed by the ceiling")                       \
        X(UID_OTHER, OVER_CEILING, "another user than the target's is not allowed by the ceiling")                   \
        X(UID_OURS, BAD_USER, "uid is that of the broker or of the supervisors in a shared user namespace")          \
        X(SETGROUPS, BAD_USER, "target forbids setting groups and the request has some")                             \
        X(CAPS_KERNEL, BAD_CAPABILITY, "a capability is not known to the kernel")                                    \
        X(CAPS_CEILING, OVER_CEILING, "a capability is over the ceiling")                                            \
        X(CAPS_SETS, BAD_CAPABILITY, "capability sets do not fit each other")                                        \
        X(NNP_WEAKER, OVER_CEILING, "no_new_privs is off although the target's init has it or the ceiling asks it")  \
        X(FILTER_SEALS, HELPER_FAILED, "filter is not a memfd with all four seals")                                  \
        X(FILTER_SIZE, BAD_PROFILE, "filter is empty, too long or not a whole number of instructions")               \
        X(FILTER_RETURN, BAD_PROFILE, "filter has a return action that is not allowed")                              \
        X(FILTER_NEEDS, BAD_PROFILE, "filter forbids a system call that starting the command needs")                 \
        X(FILTER_LOAD, BAD_PROFILE, "the kernel does not take the filter")                                           \
        X(UNCONFINED, OVER_CEILING, "an unconfined exec is not allowed by the ceiling")                              \
        X(STREAM_KIND, BAD_FD, "a stream is neither a pipe nor of a kind that FdKinds= allows; pass a pipe")         \
        X(STREAM_MODE, BAD_FD, "a stream is not open for the direction of its slot")                                 \
        X(STREAM_MISSING, BAD_FD, "output has no stream and the target has no null device")                          \
        X(EXTRA_KIND, BAD_FD, "an extra fd is neither a pipe nor of a kind that FdKinds= allows; pass a pipe")       \
        X(FD_TARGET, BAD_FD, "this target takes no passed fd of that kind; pass a pipe")                             \
        X(DIR_UNKNOWN, OVER_CEILING, "directory is not one that the ceiling lists")                                  \
        X(DIR_TOO_BIG, LIMITS_EXCEEDED, "directory has too many entries")                                            \
        X(FILE_NAME, HELPER_FAILED, "file name is not relative, or leaves its directory")                            \
        X(FILE_KIND, HELPER_FAILED, "file is not a regular file of an expected owner and size")                      \
        X(FILE_ABSENT, HELPER_FAILED, "file is not there")                                                           \
        X(CWD, BAD_CWD, "working directory cannot be entered")                                                       \
        X(CWD_OUTSIDE, BAD_CWD, "working directory is outside the target's root")                                    \
        X(NOT_FOUND, NOT_FOUND, "program not found")                                                                 \
        X(NOT_EXECUTABLE, NOT_EXECUTABLE, "program cannot be executed")                                              \
        X(TTY, NOT_SUPPORTED, "the target's devpts cannot give a terminal")                                          \
        X(STEP, HELPER_FAILED, "a step failed")                                                                      \
        X(STUCK, TIMEOUT, "the session neither started nor ended within its time")                                   \
        X(UNSUPPORTED, NOT_SUPPORTED, "the plan asks for something that this helper cannot do")

enum reason {
        REASON_NONE = 0,
#define X(name, outcome, text) REASON_##name,
        REASONS(X)
#undef X
        REASON_COUNT
};

/* The outcome (common/outcome.h), the lower-case word for logs and the text for people; any number may be given. */
int reason_outcome(uint32_t reason);
const char *reason_word(uint32_t reason);
const char *reason_text(uint32_t reason);
