/* SPDX-License-Identifier: Apache-2.0 */
/* ps, inspect, stop, kill, wait: sessions by id, by a unique beginning of an id, or by the name their owner gave them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <time.h>

#include "cli/ask.h"
#include "cli/help.h"
#include "cli/sessions.h"
#include "cli/table.h"
#include "cli/text.h"

#define SHORT_ID 12
#define GRACE_DEFAULT_MS 10000

int sessions_list(const struct ask *ask, const char *member, struct bus *bus, struct message *ret) {
        struct out body = { 0 };
        struct question q = {
                .path = AIRLOCK_PATH,
                .interface = AIRLOCK_MANAGER,
                .member = member,
                .signature = "a{sv}",
                .wanted = "aa{sv}",
                .what = ask->command,
                .body = &body,
        };
        int status = ask_filters(ask, &body);

        if (!status)
                status = ask_service(bus, &q, ret);
        out_free(&body);
        return status;
}

static int list(const struct ask *ask, struct bus *bus, struct message *ret) {
        return sessions_list(ask, "ListSessions", bus, ret);
}

static bool is_over(struct in session) {
        const char *state = dict_string(session, "state");

        return state &&
               (!strcmp(state, "exited") || !strcmp(state, "failed") || !strcmp(state, "lost"));
}

void sessions_cell(struct table *table, struct in session, const char *key, size_t width) {
        struct text text = { 0 };
        struct in value;
        const char *type;

        if (dict_find(session, key, &value, &type))
                plain_value(&text, &value, type);
        table_cell(table, text.data, width);
        text_free(&text);
}

void sessions_id_cell(struct table *table, const struct ask *ask, struct in session) {
        const char *id = dict_string(session, "id");
        struct text text = { 0 };

        text_escape(&text, id ? id : "", id ? strlen(id) : 0);
        if (!ask->no_trunc && text.len > SHORT_ID)
                text.data[SHORT_ID] = 0;
        table_cell(table, text.data, 0);
        text_free(&text);
}

static void add_row(struct table *table, const struct ask *ask, struct in session) {
        sessions_id_cell(table, ask, session);
        if (ask->quiet)
                return;
        sessions_cell(table, session, "name", 0);
        sessions_cell(table, session, "target", 0);
        sessions_cell(table, session, "state", 0);
        sessions_cell(table, session, "pid", 0);
        sessions_cell(table, session, "user", 0);
        sessions_cell(table, session, "command", ask->no_trunc ? 0 : 48);
}

/* The newest come first; --latest means one, whatever has become of it. */
static bool is_shown(const struct ask *ask, struct in session, unsigned *n) {
        if (ask->latest)
                return (*n)++ == 0;
        return ask->all || !is_over(session);
}

static int print_table(const struct ask *ask, struct in body) {
        static const char *const titles[] = { "ID",  "NAME", "TARGET", "STATE",
                                              "PID", "USER", "COMMAND" };
        struct table table;
        size_t end = in_array(&body, "a");
        int status;

        table_init(&table, titles, ask->quiet ? 1 : sizeof(titles) / sizeof(*titles));
        if (ask->quiet)
                free(table.cells[--table.n_cells]); /* ids alone, for a script */
        for (unsigned n = 0; in_more(&body, end); in_skip(&body, "a{sv}"))
                if (is_shown(ask, body, &n))
                        add_row(&table, ask, body);
        status = table_print(&table) ? 0 : 125;
        table_free(&table);
        return status;
}

static int print_json(const struct ask *ask, struct in body) {
        struct text text = { 0 };
        size_t end = in_array(&body, "a");
        int status;

        text_puts(&text, "[");
        for (unsigned n = 0; in_more(&body, end);) {
                struct in session = body;

                in_skip(&body, "a{sv}");
                if (!is_shown(ask, session, &n))
                        continue;
                text_puts(&text, text.len > 1 ? "," : "");
                json_value(&text, &session, "a{sv}");
        }
        text_puts(&text, "]\n");
        status = text_print(&text) ? 0 : 125;
        text_free(&text);
        return status;
}

int sessions_no_arguments(const struct ask *ask) {
        if (ask->n_args)
                complain(ask->command, "'%s' was given; no argument was expected", ask->args[0]);
        return ask->n_args ? 2 : 0;
}

int ps_main(const char *command, int argc, char **argv) {
        struct ask ask;
        struct bus bus = { .fd = -1 };
        struct message reply;
        int status = ask_parse(&ask, command, "jaqnfl", argc, argv);

        if (!status)
                status = sessions_no_arguments(&ask);
        if (status)
                return status == HELP_SHOWN ? 0 : status;
        /* Who asks for a state means it, whether it is over or not. */
        for (size_t i = 0; i < ask.filters.n; i++)
                ask.all |= !strncmp(ask.filters.items[i], "state=", 6);
        status = list(&ask, &bus, &reply);
        if (status)
                return status;
        return ask.json ? print_json(&ask, reply.body) : print_table(&ask, reply.body);
}

static bool matches(struct in session, const char *wanted, bool *exactly) {
        const char *id = dict_string(session, "id"), *name = dict_string(session, "name");

        *exactly = (id && !strcmp(id, wanted)) || (name && *name && !strcmp(name, wanted));
        return *exactly || (id && strlen(wanted) >= 4 && !strncmp(id, wanted, strlen(wanted)));
}

/* The session that @wanted means; 0, or 1 after a line on stderr. */
static int find(struct in body, const char *wanted, struct in *ret) {
        size_t end = in_array(&body, "a");
        unsigned found = 0;
        bool exactly = false;

        while (in_more(&body, end) && !exactly) {
                if (matches(body, wanted, &exactly)) {
                        *ret = body;
                        found = exactly ? 1 : found + 1;
                }
                in_skip(&body, "a{sv}");
        }
        if (found == 1 && dict_string(*ret, "path"))
                return 0;
        complain(wanted,
                 found > 1
                         ? "is the beginning of several ids; more of it was expected"
                         : "no such session; an id or name that airlock ps -a shows was expected");
        return 1;
}

int sessions_find(struct bus *bus, const char *command, const char *wanted, struct message *reply,
                  struct in *ret) {
        struct ask ask = { .command = command };
        int status = list(&ask, bus, reply);

        return status ? status : find(reply->body, wanted, ret);
}

static void add_detail(struct text *text, struct in properties, const char *property,
                       const char *key, bool json) {
        struct in value;
        const char *type;

        if (!dict_find(properties, property, &value, &type) || strcmp(type, "a{sv}"))
                return;
        if (json) {
                text->len -= text->len ? 1 : 0; /* of the object that it belongs to */
                text_printf(text, ",\"%s\":", key);
                json_value(text, &value, type);
                text_puts(text, "}");
                return;
        }
        text_printf(text, "%s:\n", key);
        plain_dict(text, value, 2);
}

/* What a list shows of it, then what was asked and what was granted. */
static int inspect_one(struct in session, struct in properties, bool json) {
        struct text text = { 0 };
        int status;

        if (json)
                json_value(&text, &session, "a{sv}");
        else
                plain_dict(&text, session, 0);
        add_detail(&text, properties, "Asked", "asked", json);
        add_detail(&text, properties, "Granted", "granted", json);
        text_puts(&text, json ? "\n" : "");
        status = text_print(&text) ? 0 : 125;
        text_free(&text);
        return status;
}

/* Parses, lists and hands each session that was named to @act; the worst status counts. */
typedef int session_act(const struct ask *ask, struct bus *bus, struct in session,
                        const char *named);

static int for_each(const char *command, const char *letters, int argc, char **argv,
                    session_act *act) {
        struct ask ask;
        struct bus bus = { .fd = -1 }, calls = { .fd = -1 };
        struct message reply;
        int status = ask_parse(&ask, command, letters, argc, argv), worst = 0;

        if (!status && !ask.n_args) {
                complain(command, "has no session; an id or name was expected");
                status = 2;
        }
        if (status)
                return status == HELP_SHOWN ? 0 : status;
        status = list(&ask, &bus, &reply);
        for (int i = 0; !status && i < ask.n_args; i++) {
                struct in session = { 0 };
                int one = find(reply.body, ask.args[i], &session);

                if (!one) /* on a connection of its own: the list lasts until the next answer on this one */
                        one = act(&ask, &calls, session, ask.args[i]);
                worst = one > worst ? one : worst;
        }
        return status ? status : worst;
}

static int inspect_act(const struct ask *ask, struct bus *bus, struct in session,
                       const char *named) {
        struct out body = { 0 };
        struct question q = {
                .path = dict_string(session, "path"),
                .interface = "org.freedesktop.DBus.Properties",
                .member = "GetAll",
                .signature = "s",
                .wanted = "a{sv}",
                .what = named,
                .body = &body,
        };
        struct message reply;
        int status;

        out_string(&body, AIRLOCK_SESSION);
        status = ask_service(bus, &q, &reply);
        out_free(&body);
        return status ? status : inspect_one(session, reply.body, ask->json);
}

int inspect_main(const char *command, int argc, char **argv) {
        return for_each(command, "j", argc, argv, inspect_act);
}

static int wait_for(struct bus *bus, struct in session, const char *named, bool runs,
                    struct message *ret) {
        struct out body = { 0 };
        struct question q = {
                .path = dict_string(session, "path"),
                .interface = AIRLOCK_SESSION,
                .member = "Wait",
                .signature = "u",
                .wanted = "a{sv}",
                .what = named,
                .body = &body,
                .runs = runs,
        };
        int status;

        out_u32(&body, 0);
        status = ask_service(bus, &q, ret);
        out_free(&body);
        return status;
}

/* Done when it has ended. */
static int stop_act(const struct ask *ask, struct bus *bus, struct in session, const char *named) {
        struct out body = { 0 };
        struct question q = {
                .path = dict_string(session, "path"),
                .interface = AIRLOCK_SESSION,
                .member = "Stop",
                .signature = "u",
                .wanted = "",
                .what = named,
                .body = &body,
        };
        struct message reply;
        int status = 0;

        if (is_over(session))
                return 0;
        out_u32(&body, ask->grace_ms);
        status = ask_service(bus, &q, &reply);
        out_free(&body);
        return status ? status : wait_for(bus, session, named, false, &reply);
}

static int remove_act(const struct ask *ask, struct bus *bus, struct in session,
                      const char *named) {
        struct out body = { 0 };
        struct question q = {
                .path = dict_string(session, "path"),
                .interface = AIRLOCK_SESSION,
                .member = "Remove",
                .signature = "b",
                .wanted = "",
                .what = named,
                .body = &body,
        };
        struct message reply;
        int status;

        out_u32(&body, ask->force);
        status = ask_service(bus, &q, &reply);
        out_free(&body);
        return status;
}

int rm_main(const char *command, int argc, char **argv) {
        return for_each(command, "F", argc, argv, remove_act);
}

/* In one call, so that none starts in between unseen; then each is waited for. */
static int stop_all(const struct ask *ask) {
        struct bus bus = { .fd = -1 }, calls = { .fd = -1 };
        struct out body = { 0 };
        struct question q = {
                .path = AIRLOCK_PATH,
                .interface = AIRLOCK_MANAGER,
                .member = "StopAll",
                .signature = "a{sv}",
                .wanted = "u",
                .what = ask->command,
                .body = &body,
        };
        struct message before, reply;
        int status = list(ask, &bus, &before);
        size_t end;

        if (!status)
                status = ask_filters(ask, &body);
        if (!status)
                status = ask_service(&calls, &q, &reply);
        out_free(&body);
        if (status)
                return status;
        end = in_array(&before.body, "a");
        for (; in_more(&before.body, end); in_skip(&before.body, "a{sv}"))
                if (!is_over(before.body))
                        (void)wait_for(&calls, before.body, dict_string(before.body, "id"), false,
                                       &reply);
        return 0;
}

static int check_stop_all(const struct ask *ask, bool has_grace) {
        if (!ask->n_args && !has_grace)
                return 0;
        complain("--all", "goes with --filter alone; no session and no --time were expected");
        return 2;
}

int stop_main(const char *command, int argc, char **argv) {
        struct ask ask;
        int status = ask_parse(&ask, command, "taf", argc, argv);

        if (status)
                return status == HELP_SHOWN ? 0 : status;
        if (!ask.all && ask.filters.n) {
                complain("--filter", "is for --all; one or the other was expected");
                return 2;
        }
        if (!ask.all)
                return for_each(command, "taf", argc, argv, stop_act);
        status = check_stop_all(&ask, ask.grace_ms != GRACE_DEFAULT_MS);
        return status ? status : stop_all(&ask);
}

static bool take_side(const char *text, uint16_t *ret) {
        char *rest;
        unsigned long side = strtoul(text, &rest, 10);

        if (*text < '0' || *text > '9' || *rest || !side || side > UINT16_MAX)
                return false;
        *ret = (uint16_t)side;
        return true;
}

/* As given, or that of the terminal that we are at. */
static int take_size(const struct ask *ask, uint16_t *rows, uint16_t *cols) {
        struct winsize size;

        if (ask->n_args == 3 && take_side(ask->args[1], rows) && take_side(ask->args[2], cols))
                return 0;
        for (int fd = 0; ask->n_args == 1 && fd < 3; fd++)
                if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_row && size.ws_col) {
                        *rows = size.ws_row;
                        *cols = size.ws_col;
                        return 0;
                }
        complain(
                ask->command,
                ask->n_args == 1
                        ? "has no size, and there is no terminal that has one; ROWS and COLS were expected"
                        : "SESSION ROWS COLS were expected, both from 1 to 65535");
        return 2;
}

static int resize_one(struct bus *bus, struct in session, const char *named, uint16_t rows,
                      uint16_t cols) {
        struct out body = { 0 };
        struct question q = {
                .path = dict_string(session, "path"),
                .interface = AIRLOCK_SESSION,
                .member = "Resize",
                .signature = "qq",
                .wanted = "",
                .what = named,
                .body = &body,
        };
        struct message reply;
        int status;

        out_u16(&body, rows);
        out_u16(&body, cols);
        status = ask_service(bus, &q, &reply);
        out_free(&body);
        return status;
}

int resize_main(const char *command, int argc, char **argv) {
        struct ask ask;
        struct bus bus = { .fd = -1 }, calls = { .fd = -1 };
        struct message reply;
        struct in session = { 0 };
        uint16_t rows = 0, cols = 0;
        int status = ask_parse(&ask, command, "", argc, argv);

        if (status)
                return status == HELP_SHOWN ? 0 : status;
        status = take_size(&ask, &rows, &cols);
        if (!status)
                status = list(&ask, &bus, &reply);
        if (!status)
                status = find(reply.body, ask.args[0], &session);
        return status ? status : resize_one(&calls, session, ask.args[0], rows, cols);
}

/* A number, or a name with or without SIG in any case; -1 where it is none. */
static int signal_number(const char *text) {
        char *rest;
        long number = strtol(text, &rest, 10);

        if (*text >= '0' && *text <= '9' && !*rest && number >= 1 && number <= 64)
                return (int)number;
        if (!strncasecmp(text, "SIG", 3))
                text += 3;
        for (int i = 1; i < 32; i++) {
                const char *name = sigabbrev_np(i);

                if (name && !strcasecmp(name, text))
                        return i;
        }
        return -1;
}

static int kill_act(const struct ask *ask, struct bus *bus, struct in session, const char *named) {
        struct out body = { 0 };
        struct question q = {
                .path = dict_string(session, "path"),
                .interface = AIRLOCK_SESSION,
                .member = "Signal",
                .signature = "is",
                .wanted = "",
                .what = named,
                .body = &body,
        };
        int number = signal_number(ask->signal ? ask->signal : "KILL"), status = 2;
        struct message reply;

        if (number < 0 || (ask->scope && !utf8_valid(ask->scope))) {
                complain("--signal",
                         "'%s' was given; a signal's name or a number from 1 to 64 was expected",
                         ask->signal);
                return 2;
        }
        out_u32(&body, (uint32_t)number);
        out_string(&body, ask->scope ? ask->scope : "leader");
        status = ask_service(bus, &q, &reply);
        out_free(&body);
        return status;
}

int kill_main(const char *command, int argc, char **argv) {
        return for_each(command, "sc", argc, argv, kill_act);
}

static int wait_act(const struct ask *ask, struct bus *bus, struct in session, const char *named) {
        struct message reply;
        int status = wait_for(bus, session, named, true, &reply);

        if (status)
                return status;
        if (ask->json)
                (void)ask_json(reply.body, "a{sv}");
        return record_status(reply.body, named);
}

int wait_main(const char *command, int argc, char **argv) {
        return for_each(command, "j", argc, argv, wait_act);
}
