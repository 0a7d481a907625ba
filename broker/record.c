/* SPDX-License-Identifier: Apache-2.0 */
/* From the supervisor's last words to the record that everybody is shown. */
#include "broker/record.h"

#include "broker/dict.h"
#include "common/wire.h"

#include <stdio.h>
#include <sys/wait.h>

static bool has_status(const struct wire_exited *exited) {
        return exited && !(exited->flags & (WIRE_EXIT_STATUS_LOST | WIRE_EXIT_STATUS_WITHHELD |
                                            WIRE_EXIT_UNKILLABLE));
}

int record_code(const struct wire_exited *exited) {
        if (!has_status(exited))
                return -1;
        if (WIFEXITED(exited->status))
                return WEXITSTATUS(exited->status);
        return WIFSIGNALED(exited->status) ? 128 + WTERMSIG(exited->status) : -1;
}

static const char *ended_by(const struct wire_exited *exited, const char *stopped_by) {
        switch (exited->ended_by) {
        case WIRE_BY_SELF: return "self";
        case WIRE_BY_STOP: return stopped_by;
        case WIRE_BY_CLIENT_GONE:
        case WIRE_BY_TIMEOUT: return "caller";
        case WIRE_BY_TARGET: return "target";
        default: return "broker";
        }
}

static struct dict *usage(const struct wire_exited *exited) {
        struct dict *dict = dict_new();

        if (!dict)
                return NULL;
        dict_uint64(dict, "user-us", exited->utime_us);
        dict_uint64(dict, "system-us", exited->stime_us);
        dict_uint64(dict, "max-rss-kib", exited->maxrss_kib);
        dict_uint64(dict, "cgroup-us", exited->cpu_us);
        return dict;
}

static void add_status(struct dict *dict, const struct wire_exited *exited) {
        bool known = has_status(exited);
        bool signaled = known && WIFSIGNALED(exited->status);

        dict_string(dict, "state",
                    exited && !(exited->flags & WIRE_EXIT_STATUS_LOST) ? "exited" : "lost");
        dict_int(dict, "code", record_code(exited));
        dict_int(dict, "signal", signaled ? WTERMSIG(exited->status) : 0);
        dict_bool(dict, "core", signaled && WCOREDUMP(exited->status));
        dict_string(dict, "oom", "unknown");
        dict_string(dict, "stage", "");
        dict_int(dict, "errno", 0);
}

static void add_end(struct dict *dict, const struct wire_exited *exited, const char *stopped_by) {
        dict_bool(dict, "timeout", exited->timeout != WIRE_TIMEOUT_NONE);
        dict_string(dict, "ended-by", ended_by(exited, stopped_by));
        dict_uints(dict, "leftovers", exited->leftovers,
                   exited->n_leftovers < LIMIT_LEFTOVERS ? exited->n_leftovers : LIMIT_LEFTOVERS);
        dict_bool(dict, "delegated", exited->flags & WIRE_EXIT_DELEGATED);
        dict_bool(dict, "held", exited->flags & WIRE_EXIT_HELD);
        dict_bool(dict, "status-withheld", exited->flags & WIRE_EXIT_STATUS_WITHHELD);
        dict_bool(dict, "unkillable", exited->flags & WIRE_EXIT_UNKILLABLE);
        dict_uint64(dict, "started-us", exited->started_us);
        dict_uint64(dict, "ended-us", exited->ended_us);
        dict_int(dict, "pid", (int32_t)exited->pid);
        dict_int(dict, "inner-pid", (int32_t)exited->inner_pid);
        dict_dict(dict, "rusage", usage(exited));
}

struct dict *record_make(const struct wire_exited *exited, const char *stopped_by) {
        static const struct wire_exited nobody_knows = { .ended_by = WIRE_BY_BROKER };
        struct dict *dict = dict_new();

        if (!dict)
                return NULL;
        add_status(dict, exited);
        add_end(dict, exited ? exited : &nobody_knows, stopped_by);
        return dict;
}
