/* SPDX-License-Identifier: Apache-2.0 */
/* history: sessions of the past, those that the service has forgotten included. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/ask.h"
#include "cli/help.h"
#include "cli/sessions.h"
#include "cli/text.h"

static void add_time(struct table *table, struct in session) {
        time_t seconds = (time_t)(dict_number(session, "created", 0) / 1000000);
        char text[64] = "";
        struct tm tm;

        if (localtime_r(&seconds, &tm))
                strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
        table_cell(table, text, 0);
}

/* How it ended: of the record, which one that runs has not. */
static void add_end(struct table *table, struct in session) {
        struct in record;
        const char *type;
        char code[32] = "";

        if (dict_find(session, "record", &record, &type) && dict_number(record, "code", -1) >= 0)
                snprintf(code, sizeof(code), "%d", (int)dict_number(record, "code", -1));
        table_cell(table, code, 0);
}

static void add_row(struct table *table, const struct ask *ask, struct in session) {
        sessions_id_cell(table, ask, session);
        if (ask->quiet)
                return;
        add_time(table, session);
        sessions_cell(table, session, "owner", 0);
        sessions_cell(table, session, "target", 0);
        sessions_cell(table, session, "user", 0);
        sessions_cell(table, session, "state", 0);
        add_end(table, session);
        sessions_cell(table, session, "command", ask->no_trunc ? 0 : 48);
}

static int print_table(const struct ask *ask, struct in body) {
        static const char *const titles[] = { "ID",   "CREATED", "OWNER", "TARGET",
                                              "USER", "STATE",   "CODE",  "COMMAND" };
        struct table table;
        size_t end = in_array(&body, "a");
        int status;

        table_init(&table, titles, ask->quiet ? 1 : sizeof(titles) / sizeof(*titles));
        if (ask->quiet)
                free(table.cells[--table.n_cells]); /* ids alone, for a script */
        for (; in_more(&body, end); in_skip(&body, "a{sv}"))
                add_row(&table, ask, body);
        status = table_print(&table) ? 0 : 125;
        table_free(&table);
        return status;
}

int history_main(const char *command, int argc, char **argv) {
        struct ask ask;
        struct bus bus = { .fd = -1 };
        struct message reply;
        int status = ask_parse(&ask, command, "jqnfS", argc, argv);

        if (!status)
                status = sessions_no_arguments(&ask);
        if (status)
                return status == HELP_SHOWN ? 0 : status;
        status = sessions_list(&ask, "ListHistory", &bus, &reply);
        if (status)
                return status;
        return ask.json ? ask_json(reply.body, "aa{sv}") : print_table(&ask, reply.body);
}
