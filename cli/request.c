/* SPDX-License-Identifier: Apache-2.0 */
/* What a command line asks for. Wrong values are found here only where the service could not say so better. */
#include "cli/request.h"

#include <ctype.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/help.h"
#include "cli/nearby.h"
#include "cli/option.h"
#include "cli/text.h"

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
        else if (!strcmp(row->name, "pid-file"))
                request->pid_file = value;
        else if (!strcmp(row->name, "detach-keys"))
                request->detach_keys = value;
        else if (!strcmp(row->name, "wait")) {
                if (!option_duration(value, &ms) || ms > 86400000)
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
        else if (row->letter == 'l')
                request->latest = on;
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
        if (row->kind == SENT_DURATION && !option_duration(value, &number))
                return wrong(row, value, "a duration such as 500ms, 30s, 5m or 1h");
        if (row->kind == SENT_LIMIT && !option_amount(value, &number))
                return wrong(row, value, "a number, for bytes with k, m or g");
        return keep(request, row, value);
}

static int take(struct request *request, const struct option_row *row, const char *value) {
        bool on = true;

        if (row->kind == LATER)
                return not_yet(row);
        if (option_takes_value(row))
                return row->kind == HERE_VALUE ? here_value(request, row, value)
                                               : sent(request, row, value);
        if (!option_flag(value, &on))
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
        for (size_t i = 0; i < option_count; i++) {
                int has_arg = option_takes_value(&option_rows[i]) ? required_argument
                                                                  : optional_argument;

                longs[i] = (struct option){ option_rows[i].name, has_arg, NULL, 256 + (int)i };
                if (!option_rows[i].letter)
                        continue;
                *letters++ = option_rows[i].letter;
                if (option_takes_value(&option_rows[i]))
                        *letters++ = ':';
        }
        *letters = 0;
        longs[option_count] = (struct option){ 0 };
}

static const struct option_row *row_of(int c) {
        if (c >= 256)
                return &option_rows[c - 256];
        for (size_t i = 0; i < option_count; i++)
                if (option_rows[i].letter == c)
                        return &option_rows[i];
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
        struct option longs[OPTIONS_MAX];
        char letters[2 * OPTIONS_MAX + 3];
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

/* USER@TARGET of shell. A user's name may hold an @, a container's may not. */
static int split_user(struct request *request) {
        static const char what[] = "shell";
        char *at = strrchr(request->target, '@');
        const struct option_row *row = row_of('u');
        const char *user;

        if (!at)
                return 0;
        for (unsigned i = 0; i < request->n_given; i++)
                if (request->given[i].row == row) {
                        complain(what, "has a user twice; --user or USER@TARGET was expected");
                        return 125;
                }
        if (at == request->target || !at[1]) {
                complain(what, "%s: USER@TARGET was expected", request->target);
                return 125;
        }
        *at = 0;
        user = request->target;
        request->target = at + 1;
        return sent(request, row, user);
}

/* Its command is the user's shell and nothing else. */
static int take_shell(struct request *request) {
        if (request->argc) {
                complain("shell", "takes no command; airlock exec does");
                return 125;
        }
        return split_user(request);
}

static int take_target(struct request *request, const char *command, int argc, char **argv) {
        int status = 0;

        if (request->cidfile && request->latest) {
                complain(command, "has --cidfile and --latest; one of them was expected");
                return 125;
        }
        if (request->cidfile)
                status = read_cidfile(request);
        else if (request->latest)
                status = nearby_latest(request->target_buffer, sizeof(request->target_buffer));
        else if (optind < argc)
                request->target = argv[optind++];
        if (!status && request->latest)
                request->target = request->target_buffer;
        if (!status && (!request->target || !*request->target)) {
                complain(command, "has no target; the name of a container was expected");
                status = 125;
        }
        request->argv = argv + optind;
        request->argc = argc - optind;
        if (!status && request->shell)
                status = take_shell(request);
        else if (!status && request->argc < 1) {
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

        *request = (struct request){ .shell = request->shell,
                                     .interactive = request->interactive,
                                     .tty = request->tty };
        status = parse_options(request, command, argc, argv);
        if (!status)
                status = take_target(request, command, argc, argv);
        if (!status)
                status = read_environment(request);
        if (!status && request->detach_keys && !utf8_valid(request->detach_keys)) {
                complain("--detach-keys", "is no UTF-8; keys such as ctrl-p,ctrl-q were expected");
                status = 125;
        }
        return status;
}

void request_free(struct request *request) {
        strings_free(&request->env);
        strings_free(&request->files);
        strings_free(&request->specs);
}
