/* SPDX-License-Identifier: Apache-2.0 */
/* Time stamps of one exec, the broker's beside the helper's: both clocks are the kernel's monotonic one. */
#include "broker/trace.h"

#include "broker/dict.h"
#include "common/wire.h"

#include <stdlib.h>
#include <time.h>

#define MARKS_MAX 16

struct trace {
        unsigned n;
        struct {
                const char *name;
                uint64_t at_ns;
        } marks[MARKS_MAX];
};

static const char *const helper_stages[WIRE_TRACE] = {
        [WIRE_T_ACCEPTED] = "helper-accepted", [WIRE_T_RECEIVED] = "helper-received",
        [WIRE_T_CHECKED] = "helper-checked",   [WIRE_T_CGROUP] = "helper-cgroup",
        [WIRE_T_ENTERED] = "helper-entered",   [WIRE_T_BORN] = "helper-born",
        [WIRE_T_EXECUTED] = "helper-executed", [WIRE_T_ENDED] = "helper-ended",
};

struct trace *trace_new(void) {
        return getenv("AIRLOCK_TRACE") ? calloc(1, sizeof(struct trace)) : NULL;
}

struct trace *trace_free(struct trace *trace) {
        free(trace);
        return NULL;
}

void trace_mark(struct trace *trace, const char *name) {
        struct timespec now;

        if (!trace || trace->n == MARKS_MAX)
                return;
        clock_gettime(CLOCK_MONOTONIC, &now);
        trace->marks[trace->n].name = name;
        trace->marks[trace->n++].at_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct dict *trace_dict(const struct trace *trace, const struct wire_exited *exited) {
        struct dict *dict = trace ? dict_new() : NULL;

        if (!dict)
                return NULL;
        for (unsigned i = 0; i < trace->n; i++)
                dict_uint64(dict, trace->marks[i].name, trace->marks[i].at_ns);
        for (unsigned i = 0; i < WIRE_TRACE; i++)
                if (exited->trace_ns[i])
                        dict_uint64(dict, helper_stages[i], exited->trace_ns[i]);
        return dict;
}
