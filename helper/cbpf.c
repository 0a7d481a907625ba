/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks and runs classic BPF as the kernel does for seccomp (net/core/filter.c, kernel/seccomp.c:
 * its closed list of instructions). The program is hostile input: everything it names is bounded
 * before it is used.
 */
#include "helper/cbpf.h"

#include <string.h>

struct machine {
        uint32_t a, x;
        uint32_t mem[BPF_MEMWORDS];
        const struct seccomp_data *data;
        bool divided_by_zero;
};

/* The kernel lets A and X come from a constant only within these bounds. */
static bool alu_is_valid(const struct sock_filter *i) {
        bool k = BPF_SRC(i->code) == BPF_K;

        switch (BPF_OP(i->code)) {
        case BPF_ADD:
        case BPF_SUB:
        case BPF_MUL:
        case BPF_AND:
        case BPF_OR:
        case BPF_XOR: return true;
        case BPF_DIV: return !k || i->k != 0;
        case BPF_LSH:
        case BPF_RSH: return !k || i->k < 32;
        case BPF_NEG: return k;
        default: return false;
        }
}

static bool jump_is_valid(const struct sock_filter *i, size_t left) {
        switch (BPF_OP(i->code)) {
        case BPF_JA: return BPF_SRC(i->code) == BPF_K && i->k < left;
        case BPF_JEQ:
        case BPF_JGT:
        case BPF_JGE:
        case BPF_JSET: return i->jt < left && i->jf < left;
        default: return false;
        }
}

static bool move_is_valid(const struct sock_filter *i) {
        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS: return i->k < sizeof(struct seccomp_data) && i->k % 4 == 0;
        case BPF_LD | BPF_MEM:
        case BPF_LDX | BPF_MEM:
        case BPF_ST:
        case BPF_STX: return i->k < BPF_MEMWORDS;
        case BPF_LD | BPF_IMM:
        case BPF_LDX | BPF_IMM:
        case BPF_LD | BPF_W | BPF_LEN:
        case BPF_LDX | BPF_W | BPF_LEN:
        case BPF_MISC | BPF_TAX:
        case BPF_MISC | BPF_TXA:
        case BPF_RET | BPF_K:
        case BPF_RET | BPF_A: return true;
        default: return false;
        }
}

/* A code's unused bits must be clear: the kernel looks whole codes up, so 0x105 is not 0x05. */
static bool instruction_is_valid(const struct sock_filter *i, size_t left) {
        if (i->code > 0xff)
                return false;
        if (BPF_CLASS(i->code) == BPF_ALU)
                return alu_is_valid(i);
        if (BPF_CLASS(i->code) == BPF_JMP)
                return jump_is_valid(i, left);
        return move_is_valid(i);
}

bool cbpf_is_valid(const struct sock_filter *f, size_t n) {
        if (n == 0 || n > BPF_MAXINSNS || BPF_CLASS(f[n - 1].code) != BPF_RET)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!instruction_is_valid(&f[i], n - i - 1))
                        return false;
        return true;
}

static uint32_t alu(struct machine *m, const struct sock_filter *i) {
        uint32_t v = BPF_SRC(i->code) == BPF_X ? m->x : i->k;

        switch (BPF_OP(i->code)) {
        case BPF_ADD: return m->a + v;
        case BPF_SUB: return m->a - v;
        case BPF_MUL: return m->a * v;
        case BPF_AND: return m->a & v;
        case BPF_OR: return m->a | v;
        case BPF_XOR: return m->a ^ v;
        case BPF_LSH: return m->a << (v & 31);
        case BPF_RSH: return m->a >> (v & 31);
        case BPF_NEG: return -m->a;
        default: /* BPF_DIV: the kernel ends the program with 0, which is SECCOMP_RET_KILL_THREAD */
                m->divided_by_zero = v == 0;
                return v == 0 ? 0 : m->a / v;
        }
}

static size_t jump(const struct machine *m, const struct sock_filter *i) {
        uint32_t v = BPF_SRC(i->code) == BPF_X ? m->x : i->k;

        switch (BPF_OP(i->code)) {
        case BPF_JEQ: return m->a == v ? i->jt : i->jf;
        case BPF_JGT: return m->a > v ? i->jt : i->jf;
        case BPF_JGE: return m->a >= v ? i->jt : i->jf;
        case BPF_JSET: return m->a & v ? i->jt : i->jf;
        default: return i->k;
        }
}

static uint32_t load(const struct machine *m, const struct sock_filter *i) {
        uint32_t word;

        switch (BPF_MODE(i->code)) {
        case BPF_ABS: memcpy(&word, (const char *)m->data + i->k, sizeof(word)); return word;
        case BPF_MEM: return m->mem[i->k];
        case BPF_LEN: return sizeof(struct seccomp_data);
        default: return i->k;
        }
}

static void move(struct machine *m, const struct sock_filter *i) {
        switch (BPF_CLASS(i->code)) {
        case BPF_LD: m->a = load(m, i); break;
        case BPF_LDX: m->x = load(m, i); break;
        case BPF_ST: m->mem[i->k] = m->a; break;
        case BPF_STX: m->mem[i->k] = m->x; break;
        default: /* BPF_MISC */
                if (BPF_MISCOP(i->code) == BPF_TAX)
                        m->x = m->a;
                else
                        m->a = m->x;
        }
}

uint32_t cbpf_run(const struct sock_filter *f, size_t n, const struct seccomp_data *data) {
        struct machine m = { .data = data };

        for (size_t pc = 0; pc < n; pc++) {
                const struct sock_filter *i = &f[pc];

                if (BPF_CLASS(i->code) == BPF_RET)
                        return BPF_RVAL(i->code) == BPF_A ? m.a : i->k;
                if (BPF_CLASS(i->code) == BPF_JMP)
                        pc += jump(&m, i);
                else if (BPF_CLASS(i->code) == BPF_ALU)
                        m.a = alu(&m, i);
                else
                        move(&m, i);
                if (m.divided_by_zero)
                        break;
        }
        return SECCOMP_RET_KILL_THREAD;
}
