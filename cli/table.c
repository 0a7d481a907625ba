/* SPDX-License-Identifier: Apache-2.0 */
/* Columns for people: what stands in them was escaped before it is measured. */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "cli/text.h"

void table_cell(struct table *table, const char *text, size_t width) {
        struct text cell = { 0 };

        text_add(&cell, "", 0);
        text_puts(&cell, text ? text : "");
        if (width > 3 && utf8_columns(cell.data) > width) {
                size_t at = 0, columns = 0;

                for (; columns < width - 3; at++)
                        columns += ((unsigned char)cell.data[at + 1] & 0xc0) != 0x80;
                cell.len = at;
                text_puts(&cell, "...");
        }
        if (!(table->n_cells & (table->n_cells - 1)))
                table->cells = must_realloc(table->cells,
                                            (table->n_cells * 2 + 1) * sizeof(char *));
        table->cells[table->n_cells++] = cell.data;
}

void table_init(struct table *table, const char *const *titles, size_t columns) {
        *table = (struct table){ .columns = columns };
        for (size_t i = 0; i < columns; i++)
                table_cell(table, titles[i], 0);
}

bool table_print(const struct table *table) {
        size_t widths[TABLE_COLUMNS] = { 0 };
        struct text text = { 0 };
        bool ok;

        for (size_t i = 0; i < table->n_cells; i++) {
                size_t width = utf8_columns(table->cells[i]), *widest = &widths[i % table->columns];

                *widest = width > *widest ? width : *widest;
        }
        for (size_t i = 0; i < table->n_cells; i++) {
                bool last = i % table->columns == table->columns - 1;
                size_t pad = last ? 0
                                  : widths[i % table->columns] + 2 - utf8_columns(table->cells[i]);

                text_printf(&text, "%s%*s%s", table->cells[i], (int)pad, "", last ? "\n" : "");
        }
        ok = text_print(&text);
        text_free(&text);
        return ok;
}

void table_free(struct table *table) {
        for (size_t i = 0; i < table->n_cells; i++)
                free(table->cells[i]);
        free(table->cells);
        *table = (struct table){ 0 };
}
