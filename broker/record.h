/* SPDX-License-Identifier: Apache-2.0 */
/* The exit record: how a command ended, never mixed with how it could not be started. Pure. */
#pragma once

#include <stdint.h>

struct dict;
struct wire_exited;

/* exited NULL: the status is lost. ended_by: the word for a stop, "caller" or "user". */
struct dict *record_make(const struct wire_exited *exited, const char *stopped_by);
/* The command's own status, 128+n for a signal, -1 where there is none. */
int record_code(const struct wire_exited *exited);
