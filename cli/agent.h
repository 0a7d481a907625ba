/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks for a password on our terminal: polkit's own agent, as a child for as long as a question is open. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "cli/tty.h"

struct agent {
        pid_t pid; /* 0: none */
        struct tty tty; /* an agent that is killed leaves it without echo */
};

#define AGENT_NONE \
        { .tty = TTY_NONE }

/* A terminal is on stdin to ask on. */
bool agent_possible(void);
/* Returns when it is ready, or has failed: then another agent of the user's may still answer. */
void agent_start(struct agent *agent);
/* The terminal echoes again, whatever the agent had come to. */
void agent_stop(struct agent *agent);
