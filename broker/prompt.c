/* SPDX-License-Identifier: Apache-2.0 */
/* Details of a prompt. Whoever looks at it decides by it: what could make one command look like another is quoted here, and escaped
 * where it is sent. */
#include "broker/prompt.h"

#include "broker/request.h"
#include "broker/target.h"
#include "common/caps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct line {
        char *buffer;
        size_t size;
        size_t used;
};

static void put(struct line *line, char c) {
        if (line->used + 1 < line->size) {
                line->buffer[line->used++] = c;
                line->buffer[line->used] = 0;
        }
}

static void put_word(struct line *line, const char *word) {
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                    "%+,-./:=@_";

        if (word[0] && strspn(word, plain) == strlen(word)) {
                while (*word)
                        put(line, *word++);
                return;
        }
        put(line, '\'');
        for (; *word; word++)
                if (*word == '\'') {
                        put(line, '\'');
                        put(line, '\\');
                        put(line, '\'');
                        put(line, '\'');
                } else {
                        put(line, *word);
                }
        put(line, '\'');
}

void prompt_command_line(const char *const *argv, size_t n, char *buffer, size_t size) {
        struct line line = { buffer, size, 0 };

        buffer[0] = 0;
        for (size_t i = 0; i < n && line.used + 1 < size; i++) {
                if (i > 0)
                        put(&line, ' ');
                put_word(&line, argv[i]);
        }
}

/* Those beyond the target's own: what a privileged exec hands to the container's programs. */
static void name_capabilities(uint64_t set, char *buffer, size_t size) {
        size_t used = 0;

        buffer[0] = 0;
        for (unsigned cap = 0; cap < CAPS_KNOWN; cap++)
                if (set & CAPS_BIT(cap) && used < size)
                        used += (size_t)snprintf(buffer + used, size - used, "%s%s",
                                                 used ? " " : "", caps_name(cap));
        if (used == 0)
                snprintf(buffer, size, "none beyond the container's");
}

static void add(struct prompt *prompt, const char *key, const char *value) {
        struct polkit_question *question = &prompt->question;

        question->details[question->n_details++] = (struct polkit_detail){ key, value,
                                                                           strlen(value) };
}

void prompt_fill(struct prompt *prompt, const struct prompt_input *input) {
        const struct request *request = input->request;
        const struct target *target = input->target;
        const struct wire_plan *plan = input->plan;

        prompt->question = (struct polkit_question){ .subject = input->subject,
                                                     .action = input->action,
                                                     .interactive = input->interactive,
                                                     .timeout_ms = input->timeout_ms };
        snprintf(prompt->user, sizeof prompt->user, "%s%s%u:%u", request->user ? request->user : "",
                 request->user ? " = " : "", plan->uid, plan->gid);
        snprintf(prompt->target_id, sizeof prompt->target_id, "%" PRIu64 "-%" PRIu64,
                 target->facts->identity.pid_ns, target->facts->identity.start_ticks);
        prompt_command_line((const char *const *)request->argv.list, request->argv.n,
                            prompt->command_line, sizeof prompt->command_line);
        name_capabilities(plan->caps[CAPS_BOUNDING] & ~target->facts->caps[CAPS_BOUNDING],
                          prompt->capabilities, sizeof prompt->capabilities);
        /* Every key that a message may name is there: polkit shows a missing one as it is written. */
        add(prompt, "target", target->display);
        add(prompt, "target-id", prompt->target_id);
        add(prompt, "engine", target->engine);
        add(prompt, "image", target->metadata.image ? target->metadata.image : "");
        add(prompt, "user", prompt->user);
        add(prompt, "program", request->argv.list[0]);
        add(prompt, "command_line", prompt->command_line);
        add(prompt, "tty", request->tty ? "yes" : "no");
        add(prompt, "capabilities", prompt->capabilities);
}
