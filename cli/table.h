/* SPDX-License-Identifier: Apache-2.0 */
/* Columns for people. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLUMNS 8

struct table {
        char **cells; /* row after row, escaped; owned */
        size_t n_cells, columns;
};

void table_init(struct table *table, const char *const *titles, size_t columns);
/* Takes the text of the next cell; NULL is an empty one. @width cuts it, 0 does not. */
void table_cell(struct table *table, const char *text, size_t width);
bool table_print(const struct table *table);
void table_free(struct table *table);
