/* SPDX-License-Identifier: Apache-2.0 */
/* What polkit, and through it an administrator, is told of a request: the plan that would run, in words. Pure. */
#pragma once

#include "broker/polkit.h"

#include <stdint.h>

struct request;
struct target;
struct wire_plan;

struct prompt_input {
        const char *subject; /* unique bus name */
        const char *action;
        bool interactive;
        unsigned timeout_ms;
        const struct request *request;
        const struct target *target;
        const struct wire_plan *plan;
};

struct prompt {
        struct polkit_question question; /* points into what follows and into the input */
        char user[300];
        char target_id[64];
        char command_line[POLKIT_DETAIL_BYTES];
        char capabilities[1024];
};

void prompt_fill(struct prompt *prompt, const struct prompt_input *input);

/* Words as a shell would take them, cut at size. */
void prompt_command_line(const char *const *argv, size_t n, char *buffer, size_t size);
