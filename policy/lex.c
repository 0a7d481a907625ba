/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the text of rules apart: lines, sections, assignments, words. Strict: what is not known to be harmless is an error. */
#include "policy/lex.h"

#include <errno.h>
#include <string.h>

#include "policy/errors.h"
#include "policy/rule.h"

struct span {
        const char *start; /* stands in this column ... */
        const char *at, *end;
        unsigned column; /* ... or the first, where this is 0 */
};

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static unsigned column(const struct span *s, const char *at) {
        return (unsigned)(at - s->start) + (s->column ? s->column : 1);
}

static void trim(struct span *s) {
        while (s->at < s->end && is_blank(*s->at))
                s->at++;
        while (s->end > s->at && is_blank(s->end[-1]))
                s->end--;
}

/* Bytes that an editor does not show would make a rule look like another one; a comment may be in any language. */
static int check_bytes(struct lexer *lexer, const struct span *s) {
        bool comment = s->at < s->end && (*s->at == '#' || *s->at == ';');

        for (const char *p = s->start; p < s->end; p++) {
                unsigned char c = (unsigned char)*p;

                if (c == '\r')
                        return lex_error(lexer, column(s, p), NULL,
                                         "a carriage return: lines end with a newline alone");
                if ((c < 0x20 && c != '\t') || c == 0x7f)
                        return lex_error(lexer, column(s, p), NULL, "control byte 0x%02x", c);
                if (c >= 0x80 && !comment)
                        return lex_error(
                                lexer, column(s, p), NULL,
                                "byte 0x%02x is not ASCII: write it as \\x%02x inside double quotes",
                                c, c);
        }
        return 0;
}

static const char *take_string(struct lexer *lexer, const char *from, const char *end) {
        return arena_string(lexer->arena, from, (size_t)(end - from));
}

/* [Rule NAME] */
static int take_section(struct lexer *lexer, struct span *s, struct line *ret) {
        struct span inner = { s->start, s->at + 1, s->end - 1, 0 };
        const char *gap;

        ret->kind = LINE_SECTION;
        if (s->end[-1] != ']' || s->end - s->at < 2)
                return lex_error(lexer, column(s, s->end), NULL, "a section line ends with ]");
        trim(&inner);
        gap = inner.at;
        while (gap < inner.end && !is_blank(*gap))
                gap++;
        ret->key_column = column(s, inner.at);
        ret->key = take_string(lexer, inner.at, gap);
        inner.at = gap;
        trim(&inner);
        ret->value_column = column(s, inner.at);
        ret->value_len = (size_t)(inner.end - inner.at);
        ret->value = take_string(lexer, inner.at, inner.end);
        return ret->key && ret->value ? 0 : -ENOMEM;
}

static int take_assignment(struct lexer *lexer, struct span *s, struct line *ret) {
        const char *equals = memchr(s->at, '=', (size_t)(s->end - s->at));
        struct span key, value;

        if (!equals)
                return lex_error(lexer, column(s, s->at), NULL,
                                 "neither a [section], a key=value nor a # comment");
        key = (struct span){ s->start, s->at, equals, 0 };
        value = (struct span){ s->start, equals + 1, s->end, 0 };
        trim(&key);
        trim(&value);
        if (key.at == key.end)
                return lex_error(lexer, column(s, equals), NULL, "a key is missing before =");
        ret->kind = LINE_ASSIGNMENT;
        ret->key_column = column(s, key.at);
        ret->key = take_string(lexer, key.at, key.end);
        ret->value_column = column(s, value.at);
        ret->value_len = (size_t)(value.end - value.at);
        ret->value = take_string(lexer, value.at, value.end);
        return ret->key && ret->value ? 0 : -ENOMEM;
}

static bool take_line(struct lexer *lexer, struct span *ret) {
        const char *end;

        if (lexer->text == lexer->end)
                return false;
        end = memchr(lexer->text, '\n', (size_t)(lexer->end - lexer->text));
        *ret = (struct span){ .start = lexer->text,
                              .at = lexer->text,
                              .end = end ? end : lexer->end };
        lexer->text = end ? end + 1 : lexer->end;
        lexer->line++;
        return true;
}

int lex_line(struct lexer *lexer, struct line *ret) {
        struct span s;

        *ret = (struct line){ .kind = LINE_END };
        while (take_line(lexer, &s)) {
                int r;

                ret->number = lexer->line;
                if (s.end - s.start > POLICY_LINE_BYTES)
                        return lex_error(lexer, POLICY_LINE_BYTES + 1, NULL,
                                         "a line has at most %u bytes", POLICY_LINE_BYTES);
                while (s.at < s.end && is_blank(*s.at))
                        s.at++;
                r = check_bytes(lexer, &s);
                if (r != 0)
                        return r;
                trim(&s);
                if (s.at == s.end || *s.at == '#' || *s.at == ';')
                        continue;
                return *s.at == '[' ? take_section(lexer, &s, ret)
                                    : take_assignment(lexer, &s, ret);
        }
        return 0;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* What follows a backslash inside quotes; the length it takes, 0 for none that is known. */
static size_t quoted_escape(const char *at, const char *end, char *ret) {
        int high, low;

        if (at == end)
                return 0;
        if (*at == '"' || *at == '\\') {
                *ret = *at;
                return 1;
        }
        if (*at == 'n' || *at == 't') {
                *ret = *at == 'n' ? '\n' : '\t';
                return 1;
        }
        if (*at != 'x' || end - at < 3)
                return 0;
        high = hex_digit(at[1]);
        low = hex_digit(at[2]);
        *ret = (char)(high * 16 + low);
        return high < 0 || low < 0 || *ret == 0 ? 0 : 3;
}

static int take_quoted(struct lexer *lexer, struct span *s, struct word *word, char *out) {
        const char *open = s->at++;
        size_t n = 0;

        while (s->at < s->end && *s->at != '"') {
                char c = *s->at++;
                size_t used = 0;

                if (c == '\\') {
                        used = quoted_escape(s->at, s->end, &c);
                        if (used == 0)
                                return lex_error(
                                        lexer, column(s, s->at - 1), NULL,
                                        "inside quotes a backslash is followed by \\, \", n, t or xHH (not 00)");
                }
                s->at += used;
                out[n++] = c;
        }
        if (s->at == s->end)
                return lex_error(lexer, column(s, open), NULL, "this quote is not closed");
        s->at++;
        if (s->at < s->end && !is_blank(*s->at))
                return lex_error(lexer, column(s, s->at), NULL,
                                 "a blank must follow the closing quote");
        word->quoted = true;
        word->len = n;
        return 0;
}

static int take_bare(struct lexer *lexer, struct span *s, struct word *word, char *out) {
        size_t n = 0;

        for (; s->at < s->end && !is_blank(*s->at); s->at++) {
                if (*s->at == '"')
                        return lex_error(lexer, column(s, s->at), NULL,
                                         "quotes enclose a whole word");
                out[n++] = *s->at;
        }
        word->len = n;
        return 0;
}

static int take_word(struct lexer *lexer, struct span *s, struct word *ret) {
        char out[POLICY_LINE_BYTES];
        int r;

        *ret = (struct word){ .column = column(s, s->at) };
        r = *s->at == '"' ? take_quoted(lexer, s, ret, out) : take_bare(lexer, s, ret, out);
        if (r != 0)
                return r;
        ret->text = arena_string(lexer->arena, out, ret->len);
        return ret->text ? 0 : -ENOMEM;
}

int lex_words(struct lexer *lexer, const struct line *line, struct word **ret, size_t *ret_n) {
        struct word words[POLICY_WORDS];
        struct span s = { line->value, line->value, line->value + line->value_len,
                          line->value_column };
        size_t n = 0;

        for (trim(&s); s.at < s.end; trim(&s)) {
                int r;

                if (n == POLICY_WORDS)
                        return lex_error(lexer, column(&s, s.at), NULL,
                                         "a value has at most %u words", POLICY_WORDS);
                r = take_word(lexer, &s, &words[n++]);
                if (r != 0)
                        return r;
        }
        *ret = arena_copy(lexer->arena, words, n, sizeof(*words));
        *ret_n = n;
        return *ret ? 0 : -ENOMEM;
}
