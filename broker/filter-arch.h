/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a filter that judges one architecture's system calls. */
#pragma once

#include <stdint.h>

#include "broker/filter-code.h"

struct filter_rules;

/* Where calls begin whose numbers are not this architecture's (x32's bit on x86-64); 0: none. */
struct filter_arch {
        uint32_t end;
        uint32_t end_action; /* SECCOMP_RET_ value from there on */
        bool is_32bit;       /* arguments have 32 bits, the upper half is 0 */
};

/* Writes it for rules as filter_rules_make() gives them; default_action as a SECCOMP_RET_ value. 0
 * or -errno. */
int filter_arch_write(struct code *code, const struct filter_arch *arch,
                      const struct filter_rules *rules, uint32_t default_action, code_label *ret);
