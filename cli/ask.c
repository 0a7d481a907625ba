/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands that only ask have in common: options, the call, filters, JSON. */
#include "cli/ask.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/failure.h"
#include "cli/help.h"
#include "cli/since.h"
#include "cli/text.h"

static const struct option longs[] = {
        { "json", no_argument, NULL, 'j' },
        { "all", no_argument, NULL, 'a' },
        { "quiet", no_argument, NULL, 'q' },
        { "no-trunc", no_argument, NULL, 'n' },
        { "filter", required_argument, NULL, 'f' },
        { "signal", required_argument, NULL, 's' },
        { "scope", required_argument, NULL, 'c' },
        { "time", required_argument, NULL, 't' },
        { "latest", no_argument, NULL, 'l' },
        { "since", required_argument, NULL, 'S' },
        { "force", no_argument, NULL, 'F' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
};

static int take_grace(struct ask *ask, const char *value) {
        char *rest;
        unsigned long seconds = strtoul(value, &rest, 10);

        if (*value < '0' || *value > '9' || *rest || seconds > 3600) {
                complain("--time", "'%s' was given; seconds from 0 to 3600 were expected", value);
                return 2;
        }
        ask->grace_ms = (unsigned)seconds * 1000;
        return 0;
}

static int take(struct ask *ask, int c) {
        switch (c) {
        case 'j': ask->json = true; return 0;
        case 'a': ask->all = true; return 0;
        case 'q': ask->quiet = true; return 0;
        case 'n': ask->no_trunc = true; return 0;
        case 'l': ask->latest = true; return 0;
        case 'S': return since_parse(optarg, &ask->since_us);
        case 'F': ask->force = true; return 0;
        case 'f': strings_add(&ask->filters, optarg); return 0;
        case 's': ask->signal = optarg; return 0;
        case 'c': ask->scope = optarg; return 0;
        default: return take_grace(ask, optarg);
        }
}

static bool is_exact(const char *argument, int at) {
        size_t n = strlen(longs[at].name);

        return !strncmp(argument + 2, longs[at].name, n) &&
               (!argument[2 + n] || argument[2 + n] == '=');
}

/* What getopt looks at next: it passes over arguments. */
static const char *next_option(int argc, char **argv) {
        int i = optind;

        while (i < argc && (argv[i][0] != '-' || !argv[i][1]))
                i++;
        return argv[i < argc ? i : argc - 1];
}

int ask_parse(struct ask *ask, const char *command, const char *letters, int argc, char **argv) {
        bool force = strchr(letters, 'F'); /* whose -f is not --filter's */
        int status = 0;

        *ask = (struct ask){ .command = command, .grace_ms = 10000 };
        opterr = 0;
        optind = 1;
        while (!status) {
                const char *argument = next_option(argc, argv);
                int at = -1, c = getopt_long(argc, argv, force ? ":fh" : ":aqlf:s:t:h", longs, &at);

                if (c == -1)
                        break;
                if (c == 'f' && force)
                        c = 'F';
                if (c == 'h')
                        return help_print(command) ? HELP_SHOWN : 125;
                if (c == ':') {
                        complain(NULL, "%s: has no value; one was expected", argument);
                        return 2;
                }
                if (c == '?' || !strchr(letters, c) || (at >= 0 && !is_exact(argument, at))) {
                        complain(NULL, "%s: is no option of %s; airlock %s --help lists them",
                                 argument, command, command);
                        return 2;
                }
                status = take(ask, c);
        }
        ask->n_args = argc - optind;
        ask->args = argv + optind;
        for (int i = 0; i < ask->n_args && !status; i++)
                if (!utf8_valid(ask->args[i])) {
                        complain(command, "%s: is no UTF-8", ask->args[i]);
                        status = 2;
                }
        return status;
}

int ask_service(struct bus *bus, const struct question *q, struct message *ret) {
        struct call call = {
                .destination = AIRLOCK_NAME,
                .path = q->path,
                .interface = q->interface,
                .member = q->member,
                .signature = q->signature,
                .body = q->body,
                .flags = MESSAGE_INTERACTIVE,
        };
        int r;

        if (bus->fd < 0 && bus_open(bus) < 0)
                return 125;
        r = bus_call(bus, &call, NULL, NULL, ret);
        if (r < 0)
                return failure_of_bus(r);
        if (ret->type == MESSAGE_ERROR)
                return failure_status(ret, q->request ? failure_what(ret, q->request) : q->what,
                                      q->runs);
        if (strcmp(ret->signature, q->wanted)) {
                complain("bus", "the service's answer was not understood");
                return 125;
        }
        return 0;
}

/* user and since are numbers, all others text; the service knows which keys there are. */
static int add_filter(struct out *out, const char *filter) {
        size_t n = strcspn(filter, "=");
        char *key = must_strdup(filter), *rest = NULL;
        bool number = false;
        unsigned long long value = 0;

        if (filter[n] && utf8_valid(filter)) {
                key[n] = 0;
                number = !strcmp(key, "user") || !strcmp(key, "since");
                errno = 0;
                value = strtoull(filter + n + 1, &rest, 10);
        }
        if (!filter[n] || !n || !utf8_valid(filter) ||
            (number && (filter[n + 1] < '0' || filter[n + 1] > '9' || *rest || errno ||
                        (*key == 'u' && value > UINT32_MAX)))) {
                complain("--filter",
                         "'%s' was given; KEY=VALUE was expected, a number for user and since",
                         filter);
                free(key);
                return 2;
        }
        out_entry(out, key, !number ? "s" : *key == 'u' ? "u" : "t");
        if (!number)
                out_string(out, filter + n + 1);
        else if (*key == 'u')
                out_u32(out, (uint32_t)value);
        else
                out_u64(out, value);
        free(key);
        return 0;
}

int ask_filters(const struct ask *ask, struct out *ret) {
        size_t mark = out_array(ret, 8);

        for (size_t i = 0; i < ask->filters.n; i++)
                if (add_filter(ret, ask->filters.items[i]))
                        return 2;
        if (ask->since_us) {
                out_entry(ret, "since", "t");
                out_u64(ret, ask->since_us);
        }
        out_array_end(ret, mark, 8);
        return 0;
}

int ask_json(struct in body, const char *type) {
        struct text text = { 0 };
        int status;

        json_value(&text, &body, type);
        text_puts(&text, "\n");
        status = text_print(&text) ? 0 : 125;
        text_free(&text);
        return status;
}
