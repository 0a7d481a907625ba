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

/* It died of a signal that somebody sent through us. */
static bool was_signaled(const struct record *record, const struct wire_exited *exited) {
        return has_status(exited) && WIFSIGNALED(exited->status) &&
               WTERMSIG(exited->status) <= 64 &&
               record->signals & UINT64_C(1) << (WTERMSIG(exited->status) - 1);
}

static const struct wire_exited nobody_knows = { .ended_by = WIRE_BY_BROKER };

const char *record_ended_by(const struct record *record) {
        const struct wire_exited *exited = record->exited ? record->exited : &nobody_knows;

        if (record->by_target)
                return "target";
        switch (exited->ended_by) {
        case WIRE_BY_SELF: return was_signaled(record, exited) ? record->signaled_by : "self";
        case WIRE_BY_STOP: return record->stopped_by;
        case WIRE_BY_CLIENT_GONE: return "caller";
        case WIRE_BY_TIMEOUT:
                return record->rule_timeouts & 1u << exited->timeout ? "rule" : "caller";
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

static void add_status(struct dict *dict, const struct record *record) {
        const struct wire_exited *exited = record->exited;
        bool known = has_status(exited);
        bool signaled = known && WIFSIGNALED(exited->status);
        bool lost = !exited || exited->flags & WIRE_EXIT_STATUS_LOST;

        dict_string(dict, "state", record->failed ? "failed" : lost ? "lost" : "exited");
        dict_int(dict, "code", record_code(exited));
        dict_int(dict, "signal", signaled ? WTERMSIG(exited->status) : 0);
        dict_bool(dict, "core", signaled && WCOREDUMP(exited->status));
        dict_string(dict, "oom", record->failed ? "no" : record->oom ? record->oom : "unknown");
        dict_string(dict, "stage", record->failed && record->stage ? record->stage : "");
        dict_int(dict, "errno", record->failed ? record->err : 0);
}

static void add_end(struct dict *dict, const struct record *record,
                    const struct wire_exited *exited) {
        static const char *const timeouts[] = { [WIRE_TIMEOUT_NONE] = "",
                                                [WIRE_TIMEOUT_WALL] = "wall",
                                                [WIRE_TIMEOUT_CPU] = "cpu",
                                                [WIRE_TIMEOUT_IDLE] = "idle" };

        dict_bool(dict, "timeout", exited->timeout != WIRE_TIMEOUT_NONE);
        dict_string(dict, "timeout-kind",
                    exited->timeout <= WIRE_TIMEOUT_IDLE ? timeouts[exited->timeout] : "");
        dict_string(dict, "ended-by", record_ended_by(record));
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

struct dict *record_make(const struct record *record) {
        struct dict *dict = dict_new();

        if (!dict)
                return NULL;
        add_status(dict, record);
        add_end(dict, record, record->exited ? record->exited : &nobody_knows);
        return dict;
}
