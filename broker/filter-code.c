/* SPDX-License-Identifier: Apache-2.0 */
/* The backward writer of classic BPF. */
#include "broker/filter-code.h"

#include <errno.h>
#include <stdlib.h>

#define SHORT_JUMP 255

int code_init(struct code *code) {
        *code = (struct code){ .buf = calloc(CODE_MAX, sizeof(*code->buf)) };
        return code->buf ? 0 : -ENOMEM;
}

void code_done(struct code *code) {
        free(code->buf);
        *code = (struct code){ 0 };
}

const struct sock_filter *code_start(const struct code *code) {
        return code->buf + CODE_MAX - code->n;
}

static code_label add(struct code *code, struct sock_filter instruction) {
        if (code->n == CODE_MAX) {
                code->full = true;
                return code->n - 1;
        }
        code->buf[CODE_MAX - 1 - code->n] = instruction;
        return code->n++;
}

/* What a jump written next must skip to arrive at label. */
static uint32_t distance(const struct code *code, code_label label) {
        return code->n - label - 1;
}

code_label code_statement(struct code *code, uint16_t op, uint32_t k) {
        return add(code, (struct sock_filter)BPF_STMT(op, k));
}

/* Room for both long jumps of one branch, so that bringing one near cannot push the other one out
 * of reach. */
static code_label bring_near(struct code *code, code_label label) {
        if (distance(code, label) <= SHORT_JUMP - 2)
                return label;
        return code_statement(code, BPF_JMP | BPF_JA, distance(code, label));
}

code_label code_branch(struct code *code, uint16_t op, uint32_t k, code_label yes, code_label no) {
        yes = bring_near(code, yes);
        no = bring_near(code, no);
        return add(code, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | op, k,
                                                      (uint8_t)distance(code, yes),
                                                      (uint8_t)distance(code, no)));
}

code_label code_return(struct code *code, uint32_t k) {
        const struct sock_filter *start = code_start(code);

        for (uint32_t i = 0; i < code->n && i < SHORT_JUMP - 2; i++)
                if (start[i].code == (BPF_RET | BPF_K) && start[i].k == k)
                        return code->n - 1 - i;
        return code_statement(code, BPF_RET | BPF_K, k);
}
