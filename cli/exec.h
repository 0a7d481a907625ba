/* SPDX-License-Identifier: Apache-2.0 */
/* airlock exec: one command, its streams and its end; and what attach and start share with it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/agent.h"
#include "cli/bus.h"
#include "cli/request.h"
#include "cli/streams.h"
#include "cli/tty.h"

struct exec {
        struct request request;
        struct streams streams;
        struct bus bus;
        struct tty tty;
        struct agent agent;
        int pid_file;            /* -1: none */
        bool asking;             /* somebody may be asked */
        char *session, *service; /* our object; the unique name that answered */
        int signals;             /* a signalfd */
        int early;               /* one that came before the answer, 0 for none */
        uint32_t wait_serial;    /* of the Wait that is under way, 0 where none is */
        unsigned unanswered;
        bool suspicious, ended, resized;
        int status;
        int64_t ask_at, drain_until;
        bool relayed; /* a relay is on the other side: it closes every stream, when all of it was delivered */
        bool relay_lost;  /* and another one takes its place */
        const char *keys; /* that detach; NULL: the session's */
};

#define EXEC_NEW                                                                          \
        {                                                                                 \
                .bus = { .fd = -1 }, .tty = TTY_NONE, .agent = AGENT_NONE, .signals = -1, \
                .pid_file = -1, .ask_at = -1                                              \
        }

/* From the connection on. 0, or an exit status after a line on stderr. */
int exec_open(struct exec *exec);
/* Start or Attach of the session that exec names, and its streams; start: the method. 0, or an exit status. */
int exec_attach(struct exec *exec, bool start, bool steal);
/* Until it has ended or somebody detached; the exit status. */
int exec_follow(struct exec *exec);
/* The id of the session at that path, as a line on stdout. 0 or 125. */
int exec_print_id(const char *path);

/* The exit status. @command is what it was called as. */
int shell_main(const char *command, int argc, char **argv);
int exec_main(const char *command, int argc, char **argv);
