/* SPDX-License-Identifier: Apache-2.0 */
/* Between a session and its row in the history. */
#pragma once

#include <stdint.h>

struct dict;
struct history_row;
struct session;

/* NULL: no memory. */
struct history_row *history_row_of(const struct session *session);
/* What the row knows, onto a session that has its id and nothing else. 0 or -ENOMEM. */
int history_row_restore(const struct history_row *row, struct session *session);
/* As a list of sessions shows it. NULL or failed: no memory. */
struct dict *history_row_listing(const struct history_row *row);
