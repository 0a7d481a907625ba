/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles and matches patterns. A pattern becomes a literal prefix and tokens. Where it has two kinds of stars they are
 * run as a set of states over the text: backtracking would let a caller's argument cost seconds.
 */
#include "policy/pattern.h"

#include <errno.h>
#include <string.h>

#include "policy/arena.h"

enum token_kind {
        TOKEN_BYTE,  /* this byte */
        TOKEN_SET,   /* one of these bytes */
        TOKEN_STARS, /* any number of the bytes of the set */
};

struct pattern_token {
        enum token_kind kind;
        unsigned char byte;
        uint32_t set[8];
};

struct compiler {
        enum pattern_flavour flavour;
        const char *text;
        size_t len, at;
        struct pattern_token tokens[PATTERN_BYTES];
        size_t n;
        const char *why;
        bool in_set;
};

static void set_add(uint32_t set[8], unsigned char c) {
        set[c / 32] |= UINT32_C(1) << (c % 32);
}

static void set_remove(uint32_t set[8], unsigned char c) {
        set[c / 32] &= ~(UINT32_C(1) << (c % 32));
}

static bool set_has(const uint32_t set[8], unsigned char c) {
        return set[c / 32] >> (c % 32) & 1;
}

static int bad(struct compiler *c, const char *why) {
        c->why = why;
        return -EINVAL;
}

static void set_fill(const struct compiler *c, uint32_t set[8]) {
        memset(set, 0xff, 8 * sizeof(*set));
        if (c->flavour == PATTERN_PATH)
                set_remove(set, '/');
}

static int take_escape(struct compiler *c, unsigned char *ret) {
        bool escaped = c->text[c->at] == '\\';

        if (escaped && c->at + 1 == c->len)
                return bad(c, "a backslash at the end escapes nothing");
        c->at += escaped;
        if (c->flavour == PATTERN_PATH && c->text[c->at] == '/' && (c->in_set || escaped))
                return bad(c, "in a path a slash stands for itself: neither escaped nor in []");
        *ret = (unsigned char)c->text[c->at++];
        return 0;
}

/* One member of a [...]: a byte or a range of bytes. */
static int take_member(struct compiler *c, uint32_t set[8]) {
        unsigned char low, high;
        size_t start = c->at;

        if (take_escape(c, &low) < 0)
                return -EINVAL;
        high = low;
        if (c->len - c->at >= 2 && c->text[c->at] == '-' && c->text[c->at + 1] != ']') {
                c->at++;
                if (take_escape(c, &high) < 0)
                        return -EINVAL;
        }
        if (high < low) {
                c->at = start;
                return bad(c, "this range is empty: its first byte comes after its last");
        }
        for (unsigned b = low; b <= high; b++)
                set_add(set, (unsigned char)b);
        return 0;
}

static int take_set(struct compiler *c, struct pattern_token *token) {
        size_t start = c->at++;
        bool negated = c->at < c->len && c->text[c->at] == '!';
        size_t first;

        if (negated)
                c->at++;
        first = c->at;
        c->in_set = true;
        token->kind = TOKEN_SET;
        while (c->at < c->len && c->text[c->at] != ']')
                if (take_member(c, token->set) < 0)
                        return -EINVAL;
        if (c->at == c->len) {
                c->at = start;
                return bad(c, "this [ is not closed; write \\[ for the character");
        }
        if (c->at++ == first) {
                c->at = start;
                return bad(c, "an empty [] matches nothing");
        }
        c->in_set = false;
        for (unsigned i = 0; negated && i < 8; i++)
                token->set[i] = ~token->set[i];
        if (c->flavour == PATTERN_PATH)
                set_remove(token->set, '/');
        return 0;
}

static void take_stars(struct compiler *c, struct pattern_token *token) {
        size_t n = 0;

        for (; c->at < c->len && c->text[c->at] == '*'; c->at++)
                n++;
        token->kind = TOKEN_STARS;
        set_fill(c, token->set);
        if (n >= 2)
                set_add(token->set, '/');
}

static int take_token(struct compiler *c) {
        struct pattern_token *token = &c->tokens[c->n++];

        memset(token, 0, sizeof(*token));
        switch (c->text[c->at]) {
        case '*': take_stars(c, token); return 0;
        case '?':
                c->at++;
                token->kind = TOKEN_SET;
                set_fill(c, token->set);
                return 0;
        case '[': return take_set(c, token);
        default: token->kind = TOKEN_BYTE; return take_escape(c, &token->byte);
        }
}

/* The literal bytes from token n on; 0 and -ENOMEM as everywhere. */
static int take_literal(struct compiler *c, struct arena *arena, size_t n, size_t len,
                        const char **ret, uint16_t *ret_len) {
        char bytes[PATTERN_BYTES];

        for (size_t i = 0; i < len; i++)
                bytes[i] = (char)c->tokens[n + i].byte;
        *ret = arena_string(arena, bytes, len);
        *ret_len = (uint16_t)len;
        return *ret ? 0 : -ENOMEM;
}

static bool has_two_kinds(const struct compiler *c) {
        bool slash[2] = { false, false };

        for (size_t i = 0; i < c->n; i++)
                if (c->tokens[i].kind == TOKEN_STARS)
                        slash[set_has(c->tokens[i].set, '/')] = true;
        return slash[0] && slash[1];
}

static int finish(struct compiler *c, struct arena *arena, struct pattern *ret) {
        size_t n = 0, last = c->n;

        while (n < c->n && c->tokens[n].kind == TOKEN_BYTE)
                n++;
        while (last > n && c->tokens[last - 1].kind == TOKEN_BYTE)
                last--;
        *ret = (struct pattern){ .n_tokens = (uint16_t)(c->n - n), .two_kinds = has_two_kinds(c) };
        for (size_t i = 0; i < c->n; i++)
                if (c->tokens[i].kind == TOKEN_BYTE && c->tokens[i].byte == '/')
                        ret->has_slash = true;
        ret->tokens = arena_copy(arena, c->tokens + n, c->n - n, sizeof(*c->tokens));
        if (!ret->tokens || take_literal(c, arena, 0, n, &ret->prefix, &ret->prefix_len) < 0)
                return -ENOMEM;
        return take_literal(c, arena, last, c->n - last, &ret->suffix, &ret->suffix_len);
}

int pattern_compile(struct arena *arena, enum pattern_flavour flavour, const char *text, size_t len,
                    struct pattern *ret, const char **ret_why, size_t *ret_at) {
        struct compiler c = { .flavour = flavour, .text = text, .len = len };
        int r = 0;

        if (len > PATTERN_BYTES)
                r = bad(&c, "a pattern has at most 255 bytes");
        while (r == 0 && c.at < c.len)
                r = take_token(&c);
        if (r == 0)
                return finish(&c, arena, ret);
        *ret_why = c.why;
        *ret_at = c.at;
        return r;
}

/* A star is also passed without taking a byte. */
static void close_states(const struct pattern *p, unsigned char *states) {
        for (unsigned i = 0; i < p->n_tokens; i++)
                if (states[i] && p->tokens[i].kind == TOKEN_STARS)
                        states[i + 1] = 1;
}

static bool step(const struct pattern *p, const unsigned char *from, unsigned char *to,
                 unsigned char c) {
        bool any = false;

        memset(to, 0, p->n_tokens + 1u);
        for (unsigned i = 0; i < p->n_tokens; i++) {
                const struct pattern_token *t = &p->tokens[i];

                if (!from[i] || (t->kind == TOKEN_BYTE ? t->byte != c : !set_has(t->set, c)))
                        continue;
                to[t->kind == TOKEN_STARS ? i : i + 1] = 1;
                any = true;
        }
        return any;
}

/* Two kinds of stars: a set of states, since a star that must not take a slash sends the search back to one that may. */
static bool run_states(const struct pattern *p, const char *text, size_t len) {
        unsigned char states[2][PATTERN_BYTES + 1] = { { 1 } };
        unsigned now = 0;

        close_states(p, states[now]);
        for (size_t i = 0; i < len; i++, now = !now) {
                if (!step(p, states[now], states[!now], (unsigned char)text[i]))
                        return false;
                close_states(p, states[!now]);
        }
        return states[now][p->n_tokens];
}

static bool takes(const struct pattern_token *t, unsigned char c) {
        return t->kind == TOKEN_BYTE ? t->byte == c : set_has(t->set, c);
}

/* One kind of stars: on a mismatch the last one takes one byte more. */
static bool run_stars(const struct pattern *p, const char *text, size_t len) {
        size_t i = 0, k = 0, star = SIZE_MAX, star_k = 0;

        while (k < len) {
                if (i < p->n_tokens && p->tokens[i].kind == TOKEN_STARS) {
                        star = i++;
                        star_k = k;
                } else if (i < p->n_tokens && takes(&p->tokens[i], (unsigned char)text[k])) {
                        i++;
                        k++;
                } else if (star != SIZE_MAX &&
                           takes(&p->tokens[star], (unsigned char)text[star_k])) {
                        i = star + 1;
                        k = ++star_k;
                } else {
                        return false;
                }
        }
        while (i < p->n_tokens && p->tokens[i].kind == TOKEN_STARS)
                i++;
        return i == p->n_tokens;
}

bool pattern_matches(const struct pattern *p, const char *text) {
        size_t len;

        if (strncmp(text, p->prefix, p->prefix_len) != 0)
                return false;
        text += p->prefix_len;
        if (p->n_tokens == 0)
                return *text == '\0';
        len = strnlen(text, PATTERN_TEXT_BYTES + 1);
        if (len + p->prefix_len > PATTERN_TEXT_BYTES || len < p->suffix_len ||
            memcmp(text + len - p->suffix_len, p->suffix, p->suffix_len) != 0)
                return false;
        return p->two_kinds ? run_states(p, text, len) : run_stars(p, text, len);
}
