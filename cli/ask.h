/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands that ask the service and print what it says, and the options that they share. */
#pragma once

#include <stdbool.h>

#include "cli/bus.h"
#include "cli/dict.h"
#include "cli/environment.h"

struct ask {
        const char *command;
        bool json, all, quiet, no_trunc, latest, force;
        uint64_t since_us; /* of --since; 0: not given */
        const char *signal, *scope;
        unsigned grace_ms;
        struct strings filters;
        int n_args;
        char **args;
};

struct request;

/* @letters: which of the options the subcommand has. 0, HELP_SHOWN, or an exit status after a line on stderr. */
int ask_parse(struct ask *ask, const char *command, const char *letters, int argc, char **argv);
/* Calls and waits for an answer of the signature @wanted; 0, or the exit status after a line on stderr. */
struct question {
        const char *path, *interface, *member, *signature, *wanted, *what;
        const struct out *body;
        const struct request *request; /* of Run, or NULL */
        bool runs;                     /* the exit status is that of exec and its kin */
};
int ask_service(struct bus *bus, const struct question *question, struct message *ret);
/* The filters as an a{sv}. 0, or 2. */
int ask_filters(const struct ask *ask, struct out *ret);
/* Prints an aa{sv} or a{sv} as one line of JSON. */
int ask_json(struct in body, const char *type);

/* The session that @wanted means: an id, a unique beginning of one, or a name. @ret points into @reply. 0, or 1 or 125 after a line. */
int sessions_find(struct bus *bus, const char *command, const char *wanted, struct message *reply,
                  struct in *ret);

int rm_main(const char *command, int argc, char **argv);
int ps_main(const char *command, int argc, char **argv);
int inspect_main(const char *command, int argc, char **argv);
int stop_main(const char *command, int argc, char **argv);
int kill_main(const char *command, int argc, char **argv);
int events_main(const char *command, int argc, char **argv);
int resize_main(const char *command, int argc, char **argv);
int history_main(const char *command, int argc, char **argv);
int wait_main(const char *command, int argc, char **argv);
int targets_main(const char *command, int argc, char **argv);
int policy_main(const char *command, int argc, char **argv);
int status_main(const char *command, int argc, char **argv);
int explain_main(const char *command, int argc, char **argv);
int run_main(const char *command, int argc, char **argv);
