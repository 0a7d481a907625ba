/* SPDX-License-Identifier: Apache-2.0 */
/* What a process inherits from whoever started it, made sane. */
#pragma once

/* Signals, timers, umask, limits, priority, scheduling, personality. Ends the process with one line where a limit is
 * too low and cannot be raised. */
void inherit_reset(void);
