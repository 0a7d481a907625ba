/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of one exec goes: the end of each stage, for benchmarks. Off unless AIRLOCK_TRACE is in the environment, since
 * reading fifteen clocks and sending fifteen numbers would be what is measured. */
#pragma once

#include <stdint.h>

struct dict;
struct wire_exited;

struct trace;

/* NULL where it is off, or no memory: nothing depends on a trace. */
struct trace *trace_new(void);
struct trace *trace_free(struct trace *trace); /* takes and returns NULL */

/* name is a literal. Takes NULL. */
void trace_mark(struct trace *trace, const char *name);

/* NAME → CLOCK_MONOTONIC in ns, the helper's stages included; NULL where trace is. */
struct dict *trace_dict(const struct trace *trace, const struct wire_exited *exited);
