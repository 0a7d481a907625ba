/* SPDX-License-Identifier: Apache-2.0 */
/* attach and logs. What is attached is served as exec serves it. */
#include "cli/attach.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/exec.h"
#include "cli/failure.h"
#include "cli/help.h"
#include "cli/text.h"

struct options {
        const char *command, *session;
        const char *keys;
        bool attach, interactive, follow, steal;
        uint64_t since;
};

static const struct option longs[] = {
        { "attach", no_argument, NULL, 'a' },
        { "detach-keys", required_argument, NULL, 'k' },
        { "follow", no_argument, NULL, 'f' },
        { "interactive", no_argument, NULL, 'i' },
        { "no-stdin", no_argument, NULL, 'n' },
        { "since-offset", required_argument, NULL, 's' },
        { "sig-proxy", optional_argument, NULL, 'p' },
        { "steal", no_argument, NULL, 'S' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
};

static int take_since(struct options *options, const char *value) {
        char *rest;

        errno = 0;
        options->since = strtoull(value, &rest, 10);
        if (*value >= '0' && *value <= '9' && !*rest && !errno)
                return 0;
        complain("--since-offset", "'%s' was given; a number of bytes was expected", value);
        return 2;
}

static int take(struct options *options, int c) {
        switch (c) {
        case 'a': options->attach = true; return 0;
        case 'f': options->follow = true; return 0;
        case 'i': options->interactive = true; return 0;
        case 'n': options->interactive = false; return 0;
        case 'k': options->keys = optarg; return 0;
        case 'S': options->steal = true; return 0;
        case 's': return take_since(options, optarg);
        default: return 0; /* signals are passed on in any case */
        }
}

static int take_session(struct options *options, const char *command, int argc, char **argv) {
        options->session = optind < argc ? argv[optind] : NULL;
        if (!options->session || argc - optind != 1) {
                complain(command, "has %d arguments; one session's id or name was expected",
                         argc - optind);
                return 2;
        }
        if (utf8_valid(options->session) && (!options->keys || utf8_valid(options->keys)))
                return 0;
        complain(command, "%s: is no UTF-8", options->session);
        return 2;
}

/* @letters: which options the subcommand has. */
static int parse(struct options *options, const char *command, const char *letters, int argc,
                 char **argv) {
        int status = 0;

        options->command = command;
        opterr = 0;
        optind = 1;
        while (!status) {
                const char *argument = argv[optind < argc ? optind : argc - 1];
                int at = -1, c = getopt_long(argc, argv, ":afihn", longs, &at);
                size_t n = at >= 0 ? strlen(longs[at].name) : 0;

                if (c == -1)
                        break;
                if (c == 'h')
                        return help_print(command) ? HELP_SHOWN : 125;
                if (c == ':') {
                        complain(NULL, "%s: has no value; one was expected", argument);
                        return 2;
                }
                if (c == '?' || !strchr(letters, c) ||
                    (at >= 0 && (strncmp(argument + 2, longs[at].name, n) ||
                                 (argument[2 + n] && argument[2 + n] != '=')))) {
                        complain(NULL, "%s: is no option of %s; airlock %s --help lists them",
                                 argument, command, command);
                        return 2;
                }
                status = take(options, c);
        }
        return status ? status : take_session(options, command, argc, argv);
}

static struct exec exec = EXEC_NEW;

/* On a connection of its own, which no other answer takes the place of. */
static int find(const struct options *options, struct in *ret) {
        static struct bus bus = { .fd = -1 };
        static struct message reply;

        return sessions_find(&bus, options->command, options->session, &reply, ret);
}

static int open_session(const struct options *options, struct exec *e) {
        struct in session;
        int status = find(options, &session);

        if (status)
                return status == 1 ? 125 : status;
        e->session = must_strdup(dict_string(session, "path"));
        e->request.target = options->session;
        e->request.tty = dict_number(session, "tty", 0);
        e->request.interactive = options->interactive;
        e->keys = options->keys;
        if (e->request.tty && e->request.interactive && !isatty(STDIN_FILENO)) {
                complain(options->session,
                         "has a terminal and stdin is none; a terminal was expected, or no stdin");
                return 125;
        }
        return exec_open(e);
}

static int attach(const struct options *options, bool start) {
        int status = open_session(options, &exec);

        exec.request.detach = start && !options->attach && !options->interactive;
        if (!status)
                status = exec_attach(&exec, start, options->steal);
        if (status || exec.request.detach)
                return status ? status : exec_print_id(exec.session);
        return exec_follow(&exec);
}

int attach_main(const char *command, int argc, char **argv) {
        struct options options = { .interactive = true };
        int status = parse(&options, command, "knpS", argc, argv);

        if (status)
                return status == HELP_SHOWN ? 0 : 125;
        return attach(&options, false);
}

/* ---- logs ---- */

static void logs_body(const struct options *options, struct out *out) {
        size_t mark = out_array(out, 8);

        out_entry(out, "read-only", "b");
        out_u32(out, true);
        out_entry(out, "follow", "b");
        out_u32(out, options->follow);
        out_entry(out, "since", "t");
        out_u64(out, options->since);
        out_array_end(out, mark, 8);
}

static int take_outputs(struct pumps *pumps, const struct message *reply) {
        struct in in = reply->body;
        size_t end = in_array(&in, "{");

        while (in_more(&in, end)) {
                uint32_t number, handle;

                in_align(&in, 8);
                number = in_u32(&in);
                handle = in_u32(&in);
                if (in.bad || handle >= reply->n_fds || number < 1 || number > 2) {
                        complain("bus", "the service's answer was not understood");
                        return 125;
                }
                pump_add(pumps, number == 1 ? "stdout" : "stderr", reply->fds[handle], (int)number,
                         true);
        }
        return 0;
}

static int copy_all(struct pumps *pumps) {
        struct pollfd table[2 * PUMPS_MAX];

        while (!pumps_finished(pumps)) {
                unsigned n = pumps_poll(pumps, table, 0);

                if (poll(table, n, -1) < 0 && errno != EINTR)
                        return 125;
                pumps_run(pumps, table);
        }
        return pumps_failed(pumps) ? 125 : 0;
}

int logs_main(const char *command, int argc, char **argv) {
        static struct pumps pumps;
        struct options options = { .command = command };
        struct bus bus = { .fd = -1 };
        struct out body = { 0 };
        struct message reply;
        struct question q = { .interface = AIRLOCK_SESSION,
                              .member = "Attach",
                              .signature = "a{sv}",
                              .wanted = "a{uh}",
                              .body = &body };
        struct in session;
        int status = parse(&options, command, "fs", argc, argv);

        if (!status)
                status = find(&options, &session);
        if (status)
                return status == HELP_SHOWN ? 0 : status;
        q.path = dict_string(session, "path");
        q.what = options.session;
        logs_body(&options, &body);
        status = ask_service(&bus, &q, &reply);
        out_free(&body);
        if (!status)
                status = take_outputs(&pumps, &reply);
        return status ? status : copy_all(&pumps);
}
