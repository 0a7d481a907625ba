/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a test case; of case*.c only. */
#pragma once

#include "policy/case.h"
#include "policy/lex.h"

struct case_draft {
        struct policy_case *c;
        struct lexer *lexer;
        uint64_t seen; /* bit of each row of the table */
        bool uid_given, gid_given, default_given;
};

typedef int case_key(struct case_draft *draft, const struct word *words, size_t n);

struct case_row {
        const char *name;
        case_key *parse;
        bool needed;
        bool single; /* exactly one word */
};

extern const struct case_row case_rows[];
extern const size_t case_n_rows;
