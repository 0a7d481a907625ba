/* SPDX-License-Identifier: Apache-2.0 */
/* What the lists of sessions have in common. */
#pragma once

#include "cli/ask.h"
#include "cli/table.h"

/* Asks for one of the lists with the filters that were given. 0, or an exit status after a line on stderr. */
int sessions_list(const struct ask *ask, const char *member, struct bus *bus, struct message *ret);
/* 0, or 2 after a line on stderr where arguments were given. */
int sessions_no_arguments(const struct ask *ask);
void sessions_id_cell(struct table *table, const struct ask *ask, struct in session);
/* The value of that key, cut to a width; 0: not. */
void sessions_cell(struct table *table, struct in session, const char *key, size_t width);
