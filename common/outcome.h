/* SPDX-License-Identifier: Apache-2.0 */
/* The named lawful refusals: each has one D-Bus error name, one log word and one exit code of the CLI.
 * 0 is "done", a negative number is -errno ("our side failed"), a positive number is one of these. */
#pragma once

#include <stdint.h>

/* name, D-Bus error name, log word, exit code of `airlock exec` */
#define OUTCOMES(X)                                                                                \
        X(DENIED, "org.airlock1.Error.Denied", "denied", 125)                                      \
        X(NO_SUCH_TARGET, "org.airlock1.Error.NoSuchTarget", "no-such-target", 125)                \
        X(AMBIGUOUS_TARGET, "org.airlock1.Error.AmbiguousTarget", "ambiguous-target", 125)         \
        X(TARGET_NOT_RUNNING, "org.airlock1.Error.TargetNotRunning", "target-not-running", 125)    \
        X(TARGET_PAUSED, "org.airlock1.Error.TargetPaused", "target-paused", 125)                  \
        X(NO_SUCH_SESSION, "org.airlock1.Error.NoSuchSession", "no-such-session", 125)             \
        X(BAD_STATE, "org.airlock1.Error.BadState", "bad-state", 125)                              \
        X(BAD_USER, "org.airlock1.Error.BadUser", "bad-user", 125)                                 \
        X(BAD_CWD, "org.airlock1.Error.BadCwd", "bad-cwd", 125)                                    \
        X(BAD_FD, "org.airlock1.Error.BadFd", "bad-fd", 125)                                       \
        X(BAD_PROFILE, "org.airlock1.Error.BadProfile", "bad-profile", 125)                        \
        X(BAD_CAPABILITY, "org.airlock1.Error.BadCapability", "bad-capability", 125)               \
        X(OVER_CEILING, "org.airlock1.Error.OverCeiling", "over-ceiling", 125)                     \
        X(LIMITS_UNAVAILABLE, "org.airlock1.Error.LimitsUnavailable", "limits-unavailable", 125)   \
        X(NOT_SUPPORTED, "org.airlock1.Error.NotSupported", "not-supported", 125)                  \
        X(HELPER_FAILED, "org.airlock1.Error.HelperFailed", "helper-failed", 125)                  \
        X(POLKIT_UNAVAILABLE, "org.airlock1.Error.PolkitUnavailable", "polkit-unavailable", 125)   \
        X(DISMISSED, "org.airlock1.Error.Dismissed", "dismissed", 125)                             \
        X(TIMEOUT, "org.airlock1.Error.Timeout", "timeout", 125)                                   \
        X(INVALID_ARGS, "org.freedesktop.DBus.Error.InvalidArgs", "invalid-args", 125)             \
        X(ACCESS_DENIED, "org.freedesktop.DBus.Error.AccessDenied", "access-denied", 125)          \
        X(LIMITS_EXCEEDED, "org.freedesktop.DBus.Error.LimitsExceeded", "limits-exceeded", 125)    \
        X(UNKNOWN_OBJECT, "org.freedesktop.DBus.Error.UnknownObject", "unknown-object", 125)       \
        X(UNKNOWN_METHOD, "org.freedesktop.DBus.Error.UnknownMethod", "unknown-method", 125)       \
        X(INTERACTION_REQUIRED, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",     \
          "interaction-required", 125)                                                             \
        X(NOT_FOUND, "org.airlock1.Error.CommandNotFound", "command-not-found", 127)               \
        X(NOT_EXECUTABLE, "org.airlock1.Error.CommandNotExecutable", "command-not-executable", 126)

enum outcome {
        OUTCOME_OK = 0,
#define X(name, error, word, code) OUTCOME_##name,
        OUTCOMES(X)
#undef X
        OUTCOME_COUNT
};

/* All three take any number; an unknown one answers as HELPER_FAILED does. */
const char *outcome_error(int outcome);
const char *outcome_word(int outcome);
int outcome_exit_code(int outcome);
/* The outcome whose D-Bus error name this is, or OUTCOME_HELPER_FAILED. */
int outcome_from_error(const char *error);
