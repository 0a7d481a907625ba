/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command line asks for. One table holds every flag of docker exec, podman exec and our own, and what becomes of it on the
 * bus; what the service has not got comes back from it by name, so nothing is dropped here.
 */
#include "cli/request.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/help.h"
#include "cli/text.h"

enum kind {
        SENT_FLAG,     /* b */
        SENT_STRING,   /* s */
        SENT_LIST,     /* as, one a flag */
        SENT_COMMAS,   /* as, several a flag */
        SENT_DURATION, /* t in ms */
        SENT_LIMIT,    /* t within limits */
        HERE_FLAG,
        HERE_VALUE,
        LATER, /* known from the peers, not built: refused by name */
};

struct option_row {
        const char *name;
        char letter;
        enum kind kind;
        const char *key;
};

static const struct option_row rows[] = {
        { "as", 0, LATER, NULL },
        { "cap-add", 0, SENT_COMMAS, "cap-add" },
        { "cap-drop", 0, SENT_COMMAS, "cap-drop" },
        { "cgroup", 0, LATER, NULL },
        { "cidfile", 0, HERE_VALUE, NULL },
        { "clear-env", 0, SENT_FLAG, "clear-env" },
        { "client-gone", 0, SENT_STRING, "client-gone" },
        { "cpu-percent", 0, SENT_LIMIT, "cpu-percent" },
        { "cpu-timeout", 0, SENT_DURATION, "cpu-ms" },
        { "detach", 'd', HERE_FLAG, NULL },
        { "detach-keys", 0, HERE_VALUE, NULL },
        { "env", 'e', HERE_VALUE, NULL },
        { "env-file", 0, HERE_VALUE, NULL },
        { "group", 0, SENT_STRING, "group" },
        { "group-add", 0, SENT_COMMAS, "groups" },
        { "help", 'h', HERE_FLAG, NULL },
        { "idle-timeout", 0, SENT_DURATION, "idle-ms" },
        { "interactive", 'i', HERE_FLAG, NULL },
        { "json", 0, HERE_FLAG, NULL },
        { "label", 0, SENT_STRING, "label" },
        { "latest", 'l', LATER, NULL },
        { "leftovers", 0, SENT_STRING, "leftovers" },
        { "memory", 0, SENT_LIMIT, "memory" },
        { "name", 0, SENT_STRING, "name" },
        { "no-new-privs", 0, SENT_FLAG, "no-new-privs" },
        { "no-session", 0, HERE_FLAG, NULL },
        { "pid-file", 0, LATER, NULL },
        { "pids-limit", 0, SENT_LIMIT, "pids" },
        { "preserve-fd", 0, HERE_VALUE, NULL },
        { "preserve-fds", 0, HERE_VALUE, NULL },
        { "privileged", 0, SENT_FLAG, "privileged" },
        { "process", 0, LATER, NULL },
        { "reason", 0, SENT_STRING, "reason" },
        { "seccomp", 0, SENT_STRING, "seccomp" },
        { "stderr", 0, SENT_STRING, "stderr" },
        { "timeout", 0, SENT_DURATION, "timeout-ms" },
        { "tty", 't', HERE_FLAG, NULL },
        { "user", 'u', SENT_STRING, "user" },
        { "wait", 0, HERE_VALUE, NULL },
        { "workdir", 'w', SENT_STRING, "cwd" },
};
#define N_ROWS (sizeof(rows) / sizeof(*rows))

static bool takes_value(const struct option_row *row) {
        return row->kind != SENT_FLAG && row->kind != HERE_FLAG;
}

static bool is_true(const char *value, bool *ret) {
        static const char *const yes[] = { "true", "1", "t", "T", "TRUE", "True" };
        static const char *const no[] = { "false", "0", "f", "F", "FALSE", "False" };

        for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
                if (value && strcmp(value, yes[i]) && strcmp(value, no[i]))
                        continue;
                *ret = !value || !strcmp(value, yes[i]);
                return true;
        }
        return false;
}

/* A number and its unit, @units being "name=factor" pairs; false where it is none or too large. */
static bool scaled(const char *text, const char *const *units, uint64_t *ret) {
        char *end = NULL;
        unsigned long long number;

        if (!isdigit((unsigned char)*text))
                return false;
        errno = 0;
        number = strtoull(text, &end, 10);
        for (; *units && !errno; units++) {
                const char *factor = strchr(*units, '=');
                size_t n = (size_t)(factor - *units);

                if (strlen(end) == n && !strncasecmp(*units, end, n))
                        return !__builtin_mul_overflow(number, strtoull(factor + 1, NULL, 10), ret);
        }
        return false;
}

static bool duration(const char *text, uint64_t *ret) {
        static const char *const units[] = {
                "=1000", "ms=1", "s=1000", "m=60000", "h=3600000", NULL
        };

        return scaled(text, units, ret);
}

static bool amount(const char *text, uint64_t *ret) {
        static const char *const units[] = { "=1",        "b=1",          "k=1024",
                                             "m=1048576", "g=1073741824", NULL };

        return scaled(text, units, ret);
}

static int wrong(const struct option_row *row, const char *value, const char *expected) {
        complain(NULL, "--%s: '%s' was given; %s was expected", row->name, value, expected);
        return 125;
}

static int not_yet(const struct option_row *row) {
        complain(NULL, "--%s: is not supported yet; airlock exec --help lists what is", row->name);
        return 125;
}

static int preserve_add(struct request *request, const struct option_row *row, const char *text,
                        long fd) {
        if (fd < 3 || fd > INT_MAX || request->n_preserve >= 12)
                return wrong(row, text, "at most 12 descriptors from 3 up");
        for (unsigned i = 0; i < request->n_preserve; i++)
                if (request->preserve[i] == fd)
                        return 0;
        if (fcntl((int)fd, F_GETFD) < 0)
                return wrong(row, text, "descriptors that are open");
        request->preserve[request->n_preserve++] = (int)fd;
        return 0;
}

static int preserve(struct request *request, const struct option_row *row, const char *value) {
        bool count = !strcmp(row->name, "preserve-fds");
        const char *p = value;
        int status = 0;

        do {
                char *end;
                long number = strtol(p, &end, 10);

                if (!isdigit((unsigned char)*p) || (*end && (count || *end != ',')))
                        return wrong(row, value,
                                     count ? "a number of descriptors"
                                           : "numbers separated by commas");
                for (long fd = count ? 3 : number;
                     !status && fd < (count ? 3 + (number < 64 ? number : 64) : number + 1); fd++)
                        status = preserve_add(request, row, value, fd);
                p = end + (*end == ',');
        } while (*p && !status);
        return status;
}

static int here_value(struct request *request, const struct option_row *row, const char *value) {
        uint64_t ms;

        if (!strcmp(row->name, "env"))
                strings_add(&request->specs, value);
        if (!strcmp(row->name, "env-file"))
                strings_add(&request->files, value);
        if (!strncmp(row->name, "preserve-", 9))
                return preserve(request, row, value);
        if (!strcmp(row->name, "cidfile"))
                request->cidfile = value;
        else if (!strcmp(row->name, "detach-keys"))
                request->detach_keys = value;
        else if (!strcmp(row->name, "wait")) {
                if (!duration(value, &ms) || ms > 86400000)
                        return wrong(row, value, "a number of seconds");
                request->wait_s = (unsigned)(ms / 1000);
        }
        return 0;
}

static void here_flag(struct request *request, const struct option_row *row, bool on) {
        if (row->letter == 'i')
                request->interactive = on;
        else if (row->letter == 't')
                request->tty = on;
        else if (row->letter == 'd')
                request->detach = on;
        else if (!strcmp(row->name, "json"))
                request->json = on;
}

/* A flag that is given twice counts as given last; lists grow. */
static int keep(struct request *request, const struct option_row *row, const char *value) {
        if (row->kind != SENT_LIST && row->kind != SENT_COMMAS)
                for (unsigned i = 0; i < request->n_given; i++)
                        if (request->given[i].row == row) {
                                request->given[i].value = value;
                                return 0;
                        }
        if (request->n_given == sizeof(request->given) / sizeof(*request->given))
                return wrong(row, value, "at most 256 options");
        request->given[request->n_given++] = (struct given){ row, value };
        return 0;
}

static int sent(struct request *request, const struct option_row *row, const char *value) {
        uint64_t number;

        if (!utf8_valid(value))
                return wrong(row, value, "UTF-8");
        if (row->kind == SENT_DURATION && !duration(value, &number))
                return wrong(row, value, "a duration such as 500ms, 30s, 5m or 1h");
        if (row->kind == SENT_LIMIT && !amount(value, &number))
                return wrong(row, value, "a number, for bytes with k, m or g");
        return keep(request, row, value);
}

static int take(struct request *request, const struct option_row *row, const char *value) {
        bool on = true;

        if (row->kind == LATER)
                return not_yet(row);
        if (takes_value(row))
                return row->kind == HERE_VALUE ? here_value(request, row, value)
                                               : sent(request, row, value);
        if (!is_true(value, &on))
                return wrong(row, value, "true or false");
        if (row->kind == SENT_FLAG)
                return keep(request, row, on ? "true" : "false");
        here_flag(request, row, on);
        return 0;
}

/* What getopt needs, made from the rows once. */
static void getopt_tables(struct option *longs, char *letters) {
        *letters++ = '+';
        *letters++ = ':';
        for (size_t i = 0; i < N_ROWS; i++) {
                int has_arg = takes_value(&rows[i]) ? required_argument : optional_argument;

                longs[i] = (struct option){ rows[i].name, has_arg, NULL, 256 + (int)i };
                if (!rows[i].letter)
                        continue;
                *letters++ = rows[i].letter;
                if (takes_value(&rows[i]))
                        *letters++ = ':';
        }
        *letters = 0;
        longs[N_ROWS] = (struct option){ 0 };
}

static const struct option_row *row_of(int c) {
        if (c >= 256)
                return &rows[c - 256];
        for (size_t i = 0; i < N_ROWS; i++)
                if (rows[i].letter == c)
                        return &rows[i];
        return NULL;
}

/* getopt takes any beginning of a name that is unique today; a script that relies on it breaks with the next option. */
static bool spelled_out(const char *argument, const struct option_row *row) {
        size_t n = strlen(row->name);

        return strncmp(argument, "--", 2) || (!strncmp(argument + 2, row->name, n) &&
                                              (!argument[2 + n] || argument[2 + n] == '='));
}

static int bad_option(const char *command, const char *argument, int c) {
        if (c == ':')
                complain(NULL, "%s: has no value; one was expected", argument);
        else
                complain(NULL, "%s: is no option of %s; airlock %s --help lists them", argument,
                         command, command);
        return 125;
}

static int parse_options(struct request *request, const char *command, int argc, char **argv) {
        struct option longs[N_ROWS + 1];
        char letters[2 * N_ROWS + 3];
        int status = 0;

        getopt_tables(longs, letters);
        opterr = 0;
        optind = 1;
        while (!status) {
                const char *argument = argv[optind < argc ? optind : argc - 1];
                int c = getopt_long(argc, argv, letters, longs, NULL);
                const struct option_row *row = c == -1 || c == '?' || c == ':' ? NULL : row_of(c);
                bool attached;

                if (c == -1)
                        break;
                if (!row || !spelled_out(argument, row))
                        return bad_option(command, argument, c);
                if (row->letter == 'h')
                        return help_print(command) ? HELP_SHOWN : 125;
                /* -u=root, as the peers' option parser takes it */
                attached = optarg && c < 256 && optarg > argument &&
                           optarg < argument + strlen(argument);
                status = take(request, row, attached && *optarg == '=' ? optarg + 1 : optarg);
        }
        return status;
}

static int read_cidfile(struct request *request) {
        FILE *file = fopen(request->cidfile, "re");
        char *p = request->target_buffer;

        if (!file || !fgets(p, sizeof(request->target_buffer), file))
                *p = 0;
        if (file)
                fclose(file);
        p[strcspn(p, "\r\n")] = 0;
        if (!*p) {
                complain("--cidfile",
                         "%s: cannot be read; a file with a container's id was expected",
                         request->cidfile);
                return 125;
        }
        request->target = p;
        return 0;
}

static int take_target(struct request *request, const char *command, int argc, char **argv) {
        int status = 0;

        if (request->cidfile)
                status = read_cidfile(request);
        else if (optind < argc)
                request->target = argv[optind++];
        if (!status && (!request->target || !*request->target)) {
                complain(command, "has no target; the name of a container was expected");
                status = 125;
        }
        request->argv = argv + optind;
        request->argc = argc - optind;
        if (!status && request->argc < 1) {
                complain(command, "has no command; TARGET COMMAND [ARG...] was expected");
                status = 125;
        }
        if (!status && !utf8_valid(request->target)) {
                complain(command, "%s: is no UTF-8; the name of a container was expected",
                         request->target);
                status = 125;
        }
        return status;
}

static int read_environment(struct request *request) {
        for (size_t i = 0; i < request->files.n; i++)
                if (environment_file(&request->env, request->files.items[i]) < 0)
                        return 125;
        for (size_t i = 0; i < request->specs.n; i++)
                if (environment_add(&request->env, request->specs.items[i]) < 0)
                        return 125;
        return 0;
}

int request_parse(struct request *request, const char *command, int argc, char **argv) {
        int status;

        *request = (struct request){ 0 };
        status = parse_options(request, command, argc, argv);
        if (!status)
                status = take_target(request, command, argc, argv);
        if (!status)
                status = read_environment(request);
        if (!status && request->detach_keys && *request->detach_keys) {
                complain("--detach-keys",
                         "is not supported yet; only '', which switches them off, is");
                status = 125;
        }
        return status;
}

void request_free(struct request *request) {
        strings_free(&request->env);
        strings_free(&request->files);
        strings_free(&request->specs);
}

static void body_strings(struct out *out, char **items, size_t n) {
        size_t mark = out_array(out, 4);

        for (size_t i = 0; i < n; i++)
                out_string(out, items[i]);
        out_array_end(out, mark, 4);
}

static void body_bytes(struct out *out, char **items, size_t n) {
        size_t mark = out_array(out, 4), inner;

        for (size_t i = 0; i < n; i++) {
                inner = out_array(out, 1);
                out_bytes(out, items[i], strlen(items[i]));
                out_array_end(out, inner, 1);
        }
        out_array_end(out, mark, 4);
}

/* Everything of one list option: single items, split at commas where the peers split. */
static void body_list(struct out *out, const struct request *request,
                      const struct option_row *row) {
        size_t mark = out_array(out, 4);

        for (unsigned i = 0; i < request->n_given; i++) {
                char *copy, *rest, *item;

                if (request->given[i].row != row)
                        continue;
                rest = copy = must_strdup(request->given[i].value);
                while ((item = strsep(&rest, row->kind == SENT_COMMAS ? "," : "")))
                        out_string(out, item);
                free(copy);
        }
        out_array_end(out, mark, 4);
}

static bool is_first(const struct request *request, unsigned at) {
        for (unsigned i = 0; i < at; i++)
                if (request->given[i].row == request->given[at].row)
                        return false;
        return true;
}

static void body_given(struct out *out, const struct request *request, unsigned at) {
        const struct option_row *row = request->given[at].row;
        const char *value = request->given[at].value;
        uint64_t number = 0;

        if (row->kind == SENT_FLAG) {
                out_entry(out, row->key, "b");
                out_u32(out, *value == 't');
        } else if (row->kind == SENT_STRING) {
                out_entry(out, row->key, "s");
                out_string(out, value);
        } else if (row->kind == SENT_DURATION && duration(value, &number)) {
                out_entry(out, row->key, "t");
                out_u64(out, number);
        } else if ((row->kind == SENT_LIST || row->kind == SENT_COMMAS) && is_first(request, at)) {
                out_entry(out, row->key, "as");
                body_list(out, request, row);
        }
}

static void body_limits(struct out *out, const struct request *request) {
        size_t mark = 0;

        for (unsigned i = 0; i < request->n_given; i++) {
                uint64_t number = 0;

                if (request->given[i].row->kind != SENT_LIMIT)
                        continue;
                if (!mark) {
                        out_entry(out, "limits", "a{sv}");
                        mark = out_array(out, 8);
                }
                amount(request->given[i].value, &number);
                out_entry(out, request->given[i].row->key, "t");
                out_u64(out, number);
        }
        if (mark)
                out_array_end(out, mark, 8);
}

static void body_env(struct out *out, const struct strings *env) {
        bool text = strings_utf8(env);

        if (!env->n)
                return;
        out_entry(out, text ? "env" : "env-bytes", text ? "as" : "aay");
        if (text)
                body_strings(out, env->items, env->n);
        else
                body_bytes(out, env->items, env->n);
}

static void body_streams(struct out *out, const struct request_extra *extra) {
        size_t mark;

        if (!extra->n_streams)
                return;
        out_entry(out, "fds", "a{uh}");
        mark = out_array(out, 8);
        for (unsigned i = 0; i < extra->n_streams; i++) {
                out_align(out, 8);
                out_u32(out, extra->streams[i].inside);
                out_u32(out, i);
        }
        out_array_end(out, mark, 8);
}

static void body_here(struct out *out, const struct request *request,
                      const struct request_extra *extra) {
        if (extra->output) {
                out_entry(out, "output", "s");
                out_string(out, extra->output);
        }
        if (request->tty) {
                out_entry(out, "tty", "b");
                out_u32(out, true);
        }
        if (request->tty && extra->rows) {
                out_entry(out, "rows", "q");
                out_u16(out, extra->rows);
                out_entry(out, "cols", "q");
                out_u16(out, extra->cols);
        }
        if (request->detach || extra->raw) {
                out_entry(out, request->detach ? "detach" : "raw", "b");
                out_u32(out, true);
        }
}

void request_body(const struct request *request, const struct request_extra *extra,
                  struct out *ret) {
        struct strings command = { request->argv, (size_t)request->argc };
        bool text = strings_utf8(&command);
        size_t mark;

        out_string(ret, request->target);
        body_strings(ret, command.items, text ? command.n : 0);
        mark = out_array(ret, 8);
        if (!text) {
                out_entry(ret, "argv-bytes", "aay");
                body_bytes(ret, command.items, command.n);
        }
        for (unsigned i = 0; i < request->n_given; i++)
                body_given(ret, request, i);
        body_limits(ret, request);
        body_env(ret, &request->env);
        body_streams(ret, extra);
        body_here(ret, request, extra);
        out_array_end(ret, mark, 8);
}
