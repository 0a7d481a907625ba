/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns with * ? [...] and \, compiled once; matching takes time linear in the text, whatever both sides hold. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_BYTES 255u       /* of one pattern as written */
#define PATTERN_TEXT_BYTES 4096u /* a longer text matches no pattern */

struct arena;

enum pattern_flavour {
        PATTERN_NAME, /* wildcards match any byte */
        PATTERN_PATH, /* wildcards do not match '/', but ** does */
};

struct pattern_token;

struct pattern {
        const char *prefix; /* the literal beginning, unescaped; all of it if there are no tokens */
        uint16_t prefix_len;
        uint16_t n_tokens; /* after the prefix; 0: the pattern is literal */
        bool has_slash;
        bool two_kinds;     /* of stars */
        const char *suffix; /* the literal end behind the last wildcard; not for literal patterns */
        uint16_t suffix_len;
        const struct pattern_token *tokens;
};

/* 0; -ENOMEM; -EINVAL with a reason and the byte (from 0) it is about. */
int pattern_compile(struct arena *arena, enum pattern_flavour flavour, const char *text, size_t len,
                    struct pattern *ret, const char **ret_why, size_t *ret_at);
bool pattern_matches(const struct pattern *pattern, const char *text);
