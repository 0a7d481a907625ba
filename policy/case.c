/* SPDX-License-Identifier: Apache-2.0 */
/* Text of test cases into requests, and what a rule set makes of them. */
#include "policy/case.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/case-keys.h"
#include "policy/errors.h"
#include "policy/parse.h"
#include "policy/rule.h"
#include "policy/phrase.h"

#define MAX_CASES 65536u

struct policy_cases {
        struct arena arena;
        struct policy_case **list;
        size_t n, room;
};

int policy_cases_new(struct policy_cases **ret) {
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

struct policy_cases *policy_cases_free(struct policy_cases *cases) {
        if (!cases)
                return NULL;
        arena_free(&cases->arena);
        free(cases->list);
        free(cases);
        return NULL;
}

size_t policy_cases_count(const struct policy_cases *cases) {
        return cases->n;
}

const struct policy_case *policy_cases_get(const struct policy_cases *cases, size_t i) {
        return i < cases->n ? cases->list[i] : NULL;
}

static int append(struct policy_cases *cases, struct policy_case *c) {
        if (cases->n == cases->room) {
                size_t room = cases->room ? cases->room * 2 : 16;
                struct policy_case **list = reallocarray(cases->list, room, sizeof(*list));

                if (!list)
                        return -ENOMEM;
                cases->list = list;
                cases->room = room;
        }
        cases->list[cases->n++] = c;
        return 0;
}

static int unknown_key(struct lexer *lexer, const struct line *line) {
        const char **known = arena_take(lexer->arena, (case_n_rows + 1) * sizeof(*known));

        for (size_t i = 0; known && i < case_n_rows; i++)
                known[i] = case_rows[i].name;
        return lex_error(lexer, line->key_column, known ? errors_nearest(line->key, known) : NULL,
                         "unknown key %s", line->key);
}

static int take_key(struct case_draft *d, const struct line *line) {
        struct word *words;
        size_t row = 0, n;
        int r;

        while (row < case_n_rows && strcmp(case_rows[row].name, line->key) != 0)
                row++;
        if (row == case_n_rows)
                return unknown_key(d->lexer, line);
        if (d->seen >> row & 1)
                return lex_error(d->lexer, line->key_column, NULL, "%s is given twice in this case",
                                 line->key);
        d->seen |= UINT64_C(1) << row;
        r = lex_words(d->lexer, line, &words, &n);
        if (r != 0)
                return r;
        if (n == 0 || (case_rows[row].single && n > 1))
                return lex_error(d->lexer, n ? words[1].column : line->value_column, NULL,
                                 "%s= takes %s", line->key,
                                 case_rows[row].single ? "one word" : "words");
        return case_rows[row].parse(d, words, n);
}

/* What a case leaves out (docs/policy.md, section 6). */
static void complete(struct case_draft *d) {
        struct policy_as_user *u = &d->c->request.user;
        bool is_number;
        uint32_t id;

        if (!d->uid_given) {
                u->resolved = true;
                u->uid = 1000;
                if (u->asked && strcmp(u->asked, "root") == 0)
                        u->uid = 0;
                else if (u->asked &&
                         policy_id_parse(u->asked, strlen(u->asked), &is_number, &id) == 0 &&
                         is_number)
                        u->uid = id;
        }
        if (!d->gid_given)
                u->gid = u->uid;
        if (!d->default_given)
                u->is_default = u->asked ? POLICY_NO : POLICY_YES;
}

static int finish(struct case_draft *d) {
        int bad = 0;

        if (!d->c)
                return 0;
        for (size_t i = 0; i < case_n_rows && bad >= 0; i++)
                if (case_rows[i].needed && !(d->seen >> i & 1))
                        bad = errors_add(d->lexer->errors, d->c->file, d->c->line, 1, NULL,
                                         "the case %s has no %s=", d->c->name, case_rows[i].name);
        complete(d);
        *d = (struct case_draft){ .lexer = d->lexer };
        return bad;
}

static int start(struct policy_cases *cases, struct case_draft *d, const struct line *line) {
        struct policy_case *c;

        if (strcmp(line->key, "Case") != 0)
                return lex_error(d->lexer, line->key_column, "Case", "unknown section %s",
                                 line->key);
        if (!parse_is_name(line->value))
                return lex_error(
                        d->lexer, line->value_column, NULL,
                        "a case's name is 1 to %u letters, digits, dots, dashes and underscores",
                        POLICY_NAME_BYTES);
        if (cases->n >= MAX_CASES)
                return lex_error(d->lexer, line->key_column, NULL, "more than %u cases", MAX_CASES);
        c = arena_take(d->lexer->arena, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->name = line->value;
        c->file = d->lexer->file;
        c->line = line->number;
        c->request.target.image_known = c->request.target.labels_known = true;
        d->c = c;
        return append(cases, c);
}

static int take_line(struct policy_cases *cases, struct case_draft *d, const struct line *line) {
        int bad, r;

        if (line->kind == LINE_ASSIGNMENT)
                return d->c ? take_key(d, line)
                            : lex_error(d->lexer, line->key_column, NULL,
                                        "a key outside of a [Case NAME]");
        bad = finish(d);
        if (bad < 0 || line->kind == LINE_END)
                return bad;
        r = start(cases, d, line);
        return r < 0 ? r : bad | r;
}

static int take_all(struct policy_cases *cases, struct lexer *lexer) {
        struct case_draft d = { .lexer = lexer };
        struct line line;
        int bad = 0, malformed, r;

        do {
                malformed = lex_line(lexer, &line);
                if (malformed < 0)
                        return malformed;
                r = malformed ? 0 : take_line(cases, &d, &line);
                if (r < 0)
                        return r;
                bad |= malformed | r;
        } while (malformed || line.kind != LINE_END);
        return bad;
}

int policy_cases_add(struct policy_cases *cases, const char *file, const char *text, size_t len,
                     struct policy_errors *errors) {
        struct lexer lexer = {
                .text = text, .end = text + len, .arena = &cases->arena, .errors = errors
        };

        lexer.file = arena_string(&cases->arena, file, strlen(file));
        if (!lexer.file)
                return -ENOMEM;
        if (len > POLICY_FILE_BYTES)
                return errors_add(errors, file, 1, 1, NULL, "a file of cases has at most %u bytes",
                                  POLICY_FILE_BYTES);
        return take_all(cases, &lexer);
}

static bool is_expected(const struct policy_case *c, const struct policy_verdict *got) {
        if (got->answer != c->expect)
                return false;
        return !c->rule || strcmp(c->rule, got->rule ? policy_rule_name(got->rule) : "none") == 0;
}

int policy_case_check(const struct policy_set *set, const struct policy_case *c,
                      struct policy_verdict *ret) {
        int r = policy_decide(set, &c->request, NULL, ret);

        return r < 0 ? r : !is_expected(c, ret);
}

int policy_case_text(const struct policy_case *c, const struct policy_verdict *got, char *buf,
                     size_t size) {
        struct phrase text = { .buf = buf, .size = size };

        phrase_escaped(&text, c->file);
        phrase_add(&text, ":%u: %s: %s by ", c->line, c->name, policy_answer_name(got->answer));
        if (got->rule) {
                phrase_add(&text, "rule %s (", policy_rule_name(got->rule));
                phrase_escaped(&text, policy_rule_file(got->rule));
                phrase_add(&text, ":%u)", policy_rule_line(got->rule));
        } else {
                phrase_add(&text, "no rule");
        }
        phrase_add(&text, ", expected %s", policy_answer_name(c->expect));
        if (c->rule) {
                phrase_add(&text, " by ");
                phrase_escaped(&text, c->rule);
        }
        return phrase_end(&text);
}
