/* SPDX-License-Identifier: Apache-2.0 */
/* The table of exec's options, and the values that they take. What the service has not got it refuses by name: nothing is dropped. */
#include "cli/option.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct option_row option_rows[] = {
        { "as", 0, SENT_STRING, "as" },
        { "cap-add", 0, SENT_COMMAS, "cap-add" },
        { "cap-drop", 0, SENT_COMMAS, "cap-drop" },
        { "cgroup", 0, LATER, NULL },
        { "cidfile", 0, HERE_VALUE, NULL },
        { "clear-env", 0, SENT_FLAG, "clear-env" },
        { "client-gone", 0, SENT_STRING, "client-gone" },
        { "cpu-percent", 0, SENT_LIMIT, "cpu-percent" },
        { "cpu-timeout", 0, SENT_DURATION, "cpu-ms" },
        { "detach", 'd', HERE_FLAG, NULL },
        { "detach-keys", 0, HERE_VALUE, NULL },
        { "env", 'e', HERE_VALUE, NULL },
        { "env-file", 0, HERE_VALUE, NULL },
        { "group", 0, SENT_STRING, "group" },
        { "group-add", 0, SENT_COMMAS, "groups" },
        { "help", 'h', HERE_FLAG, NULL },
        { "idle-timeout", 0, SENT_DURATION, "idle-ms" },
        { "interactive", 'i', HERE_FLAG, NULL },
        { "json", 0, HERE_FLAG, NULL },
        { "label", 0, SENT_STRING, "label" },
        { "latest", 'l', HERE_FLAG, NULL },
        { "leftovers", 0, SENT_STRING, "leftovers" },
        { "memory", 0, SENT_LIMIT, "memory" },
        { "name", 0, SENT_STRING, "name" },
        { "no-new-privs", 0, SENT_FLAG, "no-new-privs" },
        { "no-session", 0, HERE_FLAG, NULL },
        { "pid-file", 0, HERE_VALUE, NULL },
        { "pids-limit", 0, SENT_LIMIT, "pids" },
        { "preserve-fd", 0, HERE_VALUE, NULL },
        { "preserve-fds", 0, HERE_VALUE, NULL },
        { "privileged", 0, SENT_FLAG, "privileged" },
        { "process", 0, LATER, NULL },
        { "reason", 0, SENT_STRING, "reason" },
        { "seccomp", 0, SENT_STRING, "seccomp" },
        { "stderr", 0, SENT_STRING, "stderr" },
        { "timeout", 0, SENT_DURATION, "timeout-ms" },
        { "tty", 't', HERE_FLAG, NULL },
        { "user", 'u', SENT_STRING, "user" },
        { "wait", 0, HERE_VALUE, NULL },
        { "workdir", 'w', SENT_STRING, "cwd" },
};
const size_t option_count = sizeof(option_rows) / sizeof(*option_rows);
_Static_assert(sizeof(option_rows) / sizeof(*option_rows) < OPTIONS_MAX,
               "getopt's tables have room for fewer");

bool option_takes_value(const struct option_row *row) {
        return row->kind != SENT_FLAG && row->kind != HERE_FLAG;
}

bool option_flag(const char *value, bool *ret) {
        static const char *const yes[] = { "true", "1", "t", "T", "TRUE", "True" };
        static const char *const no[] = { "false", "0", "f", "F", "FALSE", "False" };

        for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
                if (value && strcmp(value, yes[i]) && strcmp(value, no[i]))
                        continue;
                *ret = !value || !strcmp(value, yes[i]);
                return true;
        }
        return false;
}

/* A number and its unit, @units being "name=factor" pairs; false where it is none or too large. */
static bool scaled(const char *text, const char *const *units, uint64_t *ret) {
        char *end = NULL;
        unsigned long long number;

        if (!isdigit((unsigned char)*text))
                return false;
        errno = 0;
        number = strtoull(text, &end, 10);
        for (; *units && !errno; units++) {
                const char *factor = strchr(*units, '=');
                size_t n = (size_t)(factor - *units);

                if (strlen(end) == n && !strncasecmp(*units, end, n))
                        return !__builtin_mul_overflow(number, strtoull(factor + 1, NULL, 10), ret);
        }
        return false;
}

bool option_duration(const char *text, uint64_t *ret) {
        static const char *const units[] = {
                "=1000", "ms=1", "s=1000", "m=60000", "h=3600000", NULL
        };

        return scaled(text, units, ret);
}

bool option_amount(const char *text, uint64_t *ret) {
        static const char *const units[] = { "=1",        "b=1",          "k=1024",
                                             "m=1048576", "g=1073741824", NULL };

        return scaled(text, units, ret);
}
