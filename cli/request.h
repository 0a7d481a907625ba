/* SPDX-License-Identifier: Apache-2.0 */
/* What a command line asks for: target, command and options of exec, run, create and explain, and their form on the bus. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/environment.h"
#include "cli/message.h"

struct given {
        const struct option_row *row;
        const char *value;
};

struct request {
        const char *target;
        char **argv;
        int argc;
        struct given given[256];
        unsigned n_given;
        struct strings env, files, specs;
        /* What is done here and not by the service. */
        bool interactive, tty, detach, json;
        bool latest; /* in place of a target */
        bool shell; /* the user's, in place of a command */
        const char *cidfile, *detach_keys, *pid_file;
        unsigned wait_s;
        int preserve[16]; /* descriptor numbers of extra streams */
        unsigned n_preserve;
        char target_buffer[256];
};

/* 0, HELP_SHOWN, or the exit status after a line on stderr. @command is the subcommand's name. */
int request_parse(struct request *request, const char *command, int argc, char **argv);
void request_free(struct request *request);

/* The number inside and ours for it. */
struct stream {
        uint32_t inside;
        int fd;
};

/* What is added to the options that were typed. */
struct request_extra {
        const struct stream *streams;
        unsigned n_streams;
        const char *output;      /* NULL: not said */
        const char *detach_keys; /* NULL: none */
        bool open_stdin;
        uint16_t rows, cols;
        bool raw; /* Run's output as bytes */
};

/* The body of Exec and its kin: target, argv, options; the fds of the streams are handles 0, 1, … in their order. */
void request_body(const struct request *request, const struct request_extra *extra,
                  struct out *ret);
