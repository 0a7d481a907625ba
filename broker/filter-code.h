/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes classic BPF backwards, from the last instruction to the first: every jump's goal exists
 * before the jump, so its distance is known, and one that is too far for eight bits gets a long
 * jump beside it.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_MAX 65536 /* room to count how much too long a program is, for the error's text */

/* Position of an instruction, counted from the program's end: 0 is the last one. */
typedef uint32_t code_label;

struct code {
        struct sock_filter *buf; /* filled from its end */
        uint32_t n;
        bool full;
};

int code_init(struct code *code);
void code_done(struct code *code);
const struct sock_filter *code_start(const struct code *code);

/* All of them return the label of what they wrote; an instruction without a jump runs on into the
 * one written before. */
code_label code_statement(struct code *code, uint16_t op, uint32_t k);
code_label code_branch(struct code *code, uint16_t op, uint32_t k, code_label yes, code_label no);
/* A return with this value that a short jump reaches: one that is there, or a new one. */
code_label code_return(struct code *code, uint32_t k);
