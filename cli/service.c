/* SPDX-License-Identifier: Apache-2.0 */
/* targets, status, explain, run: one question to the manager, and what it says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/help.h"
#include "cli/request.h"
#include "cli/streams.h"
#include "cli/table.h"
#include "cli/text.h"

static void target_row(struct table *table, struct in target) {
        static const char *const keys[] = { "name", "state", "pid", "cgroup" };

        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
                struct text text = { 0 };
                struct in value;
                const char *type;

                if (dict_find(target, keys[i], &value, &type))
                        plain_value(&text, &value, type);
                table_cell(table, text.data, 0);
                text_free(&text);
        }
}

static int target_table(struct in body) {
        static const char *const titles[] = { "NAME", "STATE", "PID", "CGROUP" };
        struct table table;
        size_t end = in_array(&body, "a");
        int status;

        table_init(&table, titles, sizeof(titles) / sizeof(*titles));
        while (in_more(&body, end)) {
                target_row(&table, body);
                in_skip(&body, "a{sv}");
        }
        status = table_print(&table) ? 0 : 125;
        table_free(&table);
        return status;
}

int targets_main(const char *command, int argc, char **argv) {
        struct ask ask;
        struct bus bus = { .fd = -1 };
        struct out body = { 0 };
        struct message reply;
        struct question q = {
                .path = AIRLOCK_PATH,
                .interface = AIRLOCK_MANAGER,
                .member = "ListTargets",
                .signature = "a{sv}",
                .wanted = "aa{sv}",
                .what = command,
                .body = &body,
        };
        int status = ask_parse(&ask, command, "jf", argc, argv);

        if (!status && ask.n_args) {
                complain(command, "'%s' was given; no argument was expected", ask.args[0]);
                status = 2;
        }
        if (!status)
                status = ask_filters(&ask, &body);
        if (!status)
                status = ask_service(&bus, &q, &reply);
        if (status)
                return status == HELP_SHOWN ? 0 : status;
        return ask.json ? ask_json(reply.body, "aa{sv}") : target_table(reply.body);
}

int status_main(const char *command, int argc, char **argv) {
        struct ask ask;
        struct bus bus = { .fd = -1 };
        struct out body = { 0 };
        struct text text = { 0 };
        struct message reply;
        struct question q = {
                .path = AIRLOCK_PATH,
                .interface = "org.freedesktop.DBus.Properties",
                .member = "GetAll",
                .signature = "s",
                .wanted = "a{sv}",
                .what = command,
                .body = &body,
        };
        int status = ask_parse(&ask, command, "j", argc, argv);

        out_string(&body, AIRLOCK_MANAGER);
        if (!status && ask.n_args) {
                complain(command, "'%s' was given; no argument was expected", ask.args[0]);
                status = 2;
        }
        if (!status)
                status = ask_service(&bus, &q, &reply);
        if (status)
                return status == HELP_SHOWN ? 0 : status;
        if (ask.json)
                return ask_json(reply.body, "a{sv}");
        plain_dict(&text, reply.body, 0);
        return text_print(&text) ? 0 : 125;
}

/* Explain and Run: exec's command line, without streams. */
static int ask_request(const struct request *request, const struct question *question, bool raw,
                       struct bus *bus, struct message *ret) {
        struct request_extra extra = { .raw = raw };
        struct question q = *question;
        struct out body = { 0 };
        int status;

        request_body(request, &extra, &body);
        q.body = &body;
        q.what = request->target;
        q.request = request;
        status = ask_service(bus, &q, ret);
        out_free(&body);
        return status;
}

int explain_main(const char *command, int argc, char **argv) {
        static struct request request;
        struct bus bus = { .fd = -1 };
        struct text text = { 0 };
        struct message reply;
        const struct question q = {
                .path = AIRLOCK_PATH,
                .interface = AIRLOCK_MANAGER,
                .member = "Explain",
                .signature = "sasa{sv}",
                .wanted = "a{sv}",
        };
        const char *answer, *refused;
        int status = request_parse(&request, command, argc, argv);

        if (status)
                return status == HELP_SHOWN ? 0 : status == 125 ? 2 : status;
        status = ask_request(&request, &q, false, &bus, &reply);
        if (status)
                return status;
        answer = dict_string(reply.body, "answer");
        if (request.json)
                status = ask_json(reply.body, "a{sv}");
        else
                plain_dict(&text, reply.body, 0);
        if (!status && !text_print(&text))
                status = 125;
        refused = dict_string(reply.body, "error");
        return status ? status : answer && strcmp(answer, "deny") && !(refused && *refused) ? 0 : 1;
}

/* With raw the service sends the bytes as they were. */
static bool write_bytes(struct in record, const char *key, int fd) {
        struct in value;
        const char *type;
        size_t end;

        if (!dict_find(record, key, &value, &type) || strcmp(type, "ay"))
                return true;
        end = in_array(&value, "y");
        while (value.pos < end) {
                ssize_t k = write(fd, value.base + value.pos, end - value.pos);

                if (k < 0)
                        return false;
                value.pos += (size_t)k;
        }
        return true;
}

static int run_json(struct in body) {
        static const char *const keys[] = { "code", "stdout", "stderr", "record" };
        static const char *const types[] = { "i", "s", "s", "a{sv}" };
        struct text text = { 0 };
        int status;

        for (size_t i = 0; i < 4; i++) {
                text_printf(&text, "%s\"%s\":", i ? "," : "{", keys[i]);
                json_value(&text, &body, types[i]);
        }
        text_puts(&text, "}\n");
        status = text_print(&text) ? 0 : 125;
        text_free(&text);
        return status;
}

static int run_output(struct in body, bool json) {
        struct in in = body;
        int status;

        (void)in_u32(&in);
        (void)in_string(&in);
        (void)in_string(&in);
        if (json)
                status = run_json(body);
        else
                status = write_bytes(in, "stdout-bytes", 1) && write_bytes(in, "stderr-bytes", 2)
                               ? 0
                               : 125;
        if (dict_number(in, "stdout-cut", 0) || dict_number(in, "stderr-cut", 0))
                complain(
                        "run",
                        "more was written than an answer may hold; airlock exec has no such bound");
        return status ? status : record_status(in, "run");
}

int run_main(const char *command, int argc, char **argv) {
        static struct request request;
        struct bus bus = { .fd = -1 };
        struct message reply;
        const struct question q = {
                .path = AIRLOCK_PATH,
                .interface = AIRLOCK_MANAGER,
                .member = "Run",
                .signature = "sasa{sv}",
                .wanted = "issa{sv}",
                .runs = true,
        };
        int status = request_parse(&request, command, argc, argv);

        if (!status &&
            (request.interactive || request.tty || request.detach || request.n_preserve ||
             request.pid_file)) {
                complain(command, "takes neither -i, -t, -d, --pid-file nor descriptors; airlock exec does");
                status = 125;
        }
        if (!status)
                status = ask_request(&request, &q, !request.json, &bus, &reply);
        if (status)
                return status == HELP_SHOWN ? 0 : status;
        return run_output(reply.body, request.json);
}
