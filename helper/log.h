/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's own log: a line a request and a line an end, in a file that the broker cannot write. */
#pragma once

#include <stdint.h>

/* Opens the log for appending (0600 root, no links). The fd or -errno. */
int log_open(void);

/* One line: time, pid, the text. A line that does not fit is cut, never split. 0, or -errno (a full disk). */
__attribute__((format(printf, 1, 2))) int log_line(const char *format, ...);

/* Writes text into ret so that no byte of it can end a line or reach a terminal raw: \xNN for what is not
 * printable ASCII, a blank, a quote or a backslash. Cut at size. Returns ret. */
const char *log_escape(const char *text, char *ret, unsigned size);
