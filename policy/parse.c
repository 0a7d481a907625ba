/* SPDX-License-Identifier: Apache-2.0 */
/* Text of one file into rules: sections, known keys, each once, and what a rule must say. */
#include "policy/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEY_REPEATS (1u << 0)      /* each line is one alternative */
#define KEY_MAY_BE_EMPTY (1u << 1) /* but not in a denying rule */
#define KEY_NOT_IN_DENY \
        (1u << 2) /* it only sets something, or would deny by what a request leaves out */

static const struct key_row {
        parse_key *parse;
        unsigned flags;
} rows[POLICY_N_KEYS] = {
        [POLICY_KEY_WHO] = { parse_who, 0 },
        [POLICY_KEY_ACTIVE] = { parse_active, 0 },
        [POLICY_KEY_UNIT] = { parse_unit, 0 },
        [POLICY_KEY_TARGET] = { parse_target, 0 },
        [POLICY_KEY_IMAGE] = { parse_image, 0 },
        [POLICY_KEY_LABEL] = { parse_label, 0 },
        [POLICY_KEY_OWNER] = { parse_owner, 0 },
        [POLICY_KEY_COMMAND] = { parse_command, KEY_REPEATS },
        [POLICY_KEY_AS_USER] = { parse_as_user, 0 },
        [POLICY_KEY_AS_GROUP] = { parse_as_group, 0 },
        [POLICY_KEY_CAPABILITIES] = { parse_capabilities, KEY_MAY_BE_EMPTY },
        [POLICY_KEY_SECCOMP] = { parse_seccomp, 0 },
        [POLICY_KEY_NO_NEW_PRIVILEGES] = { parse_no_new_privileges, KEY_NOT_IN_DENY },
        [POLICY_KEY_SELINUX_LABEL] = { parse_selinux_label, 0 },
        [POLICY_KEY_TTY] = { parse_tty, 0 },
        [POLICY_KEY_FDS] = { parse_fds, 0 },
        [POLICY_KEY_FILES] = { parse_files, 0 },
        [POLICY_KEY_ENV_ALLOW] = { parse_env_allow, KEY_MAY_BE_EMPTY | KEY_NOT_IN_DENY },
        [POLICY_KEY_ENV_DENY] = { parse_env_deny, 0 },
        [POLICY_KEY_ENV_SET] = { parse_env_set, KEY_NOT_IN_DENY },
        [POLICY_KEY_LIMITS] = { parse_limits, KEY_NOT_IN_DENY },
        [POLICY_KEY_CLIENT_GONE] = { parse_client_gone, 0 },
        [POLICY_KEY_REASON] = { parse_reason, 0 },
        [POLICY_KEY_WHEN] = { parse_when, 0 },
        [POLICY_KEY_ANSWER] = { parse_answer, 0 },
};

static enum policy_key find_key(const char *name) {
        for (enum policy_key k = POLICY_KEY_NONE + 1; k < POLICY_N_KEYS; k++)
                if (strcmp(name, policy_key_name(k)) == 0)
                        return k;
        return POLICY_KEY_NONE;
}

static int unknown_key(struct lexer *lexer, const struct line *line) {
        const char *known[POLICY_N_KEYS] = { NULL };

        for (enum policy_key k = POLICY_KEY_NONE + 1; k < POLICY_N_KEYS; k++)
                known[k - 1] = policy_key_name(k);
        return lex_error(lexer, line->key_column, errors_nearest(line->key, known),
                         "unknown key %s", line->key);
}

static int keep_raw(struct lexer *lexer, struct policy_rule *rule, enum policy_key key,
                    const struct line *line) {
        struct raw_value *raw = arena_take(lexer->arena, sizeof(*raw));

        if (!raw)
                return -ENOMEM;
        *raw = (struct raw_value){ .key = key, .line = line->number, .text = line->value };
        *rule->raws_end = raw;
        rule->raws_end = &raw->next;
        rule->present |= UINT32_C(1) << key;
        return 0;
}

static int take_key(struct lexer *lexer, struct policy_rule *rule, const struct line *line) {
        enum policy_key key = find_key(line->key);
        struct word *words;
        size_t n;
        int r;

        if (key == POLICY_KEY_NONE)
                return unknown_key(lexer, line);
        if (rule_has(rule, key) && !(rows[key].flags & KEY_REPEATS))
                return lex_error(lexer, line->key_column, NULL, "%s is given twice in this rule",
                                 line->key);
        r = keep_raw(lexer, rule, key, line);
        if (r == 0)
                r = lex_words(lexer, line, &words, &n);
        if (r != 0)
                return r;
        if (n == 0 && !(rows[key].flags & KEY_MAY_BE_EMPTY))
                return lex_error(lexer, line->value_column, NULL,
                                 "%s= is empty; leave the line out", line->key);
        return rows[key].parse(lexer, rule, words, n);
}

static int missing(struct lexer *lexer, const struct policy_rule *rule, enum policy_key key) {
        if (rule_has(rule, key))
                return 0;
        return errors_add(lexer->errors, rule->file, rule->line, 1, NULL,
                          "the rule %s has no %s=", rule->name, policy_key_name(key));
}

static int check_denying(struct lexer *lexer, const struct policy_rule *rule) {
        int bad = 0;

        for (const struct raw_value *raw = rule->raws; raw && bad >= 0; raw = raw->next) {
                unsigned flags = rows[raw->key].flags;
                bool empty = *raw->text == '\0' && flags & KEY_MAY_BE_EMPTY;
                int r = 0;

                if (flags & KEY_NOT_IN_DENY)
                        r = errors_add(lexer->errors, rule->file, raw->line, 1, NULL,
                                       "%s= has no meaning in a rule with Answer=deny",
                                       policy_key_name(raw->key));
                else if (empty)
                        r = errors_add(
                                lexer->errors, rule->file, raw->line, 1, NULL,
                                "%s= is empty in a rule with Answer=deny; leave the line out",
                                policy_key_name(raw->key));
                bad = r < 0 ? r : bad | r;
        }
        return bad;
}

static int finish_rule(struct lexer *lexer, struct policy_rule *rule) {
        static const enum policy_key needed[] = { POLICY_KEY_WHO, POLICY_KEY_TARGET,
                                                  POLICY_KEY_ANSWER };
        int bad = 0;

        for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
                int r = missing(lexer, rule, needed[i]);

                if (r < 0)
                        return r;
                bad |= r;
        }
        if (!bad && rule_denies(rule))
                bad = check_denying(lexer, rule);
        rule->fixed_command = rule->n_commands > 0;
        for (size_t i = 0; i < rule->n_commands; i++)
                if (rule->commands[i].any)
                        rule->fixed_command = false;
        return bad;
}

static int add_rule(struct policy_set *set, struct policy_rule *rule) {
        if (set->n_rules == set->room) {
                size_t room = set->room ? set->room * 2 : 16;
                struct policy_rule **rules = reallocarray(set->rules, room, sizeof(*rules));

                if (!rules)
                        return -ENOMEM;
                set->rules = rules;
                set->room = room;
        }
        set->rules[set->n_rules++] = rule;
        return 0;
}

bool parse_is_name(const char *name) {
        size_t len = strlen(name);

        if (len == 0 || len > POLICY_NAME_BYTES)
                return false;
        return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               len;
}

static int start_rule(struct lexer *lexer, struct policy_set *set, const struct line *line,
                      struct policy_rule **ret) {
        static const char *const sections[] = { "Rule", NULL };
        struct policy_rule *rule;

        if (strcmp(line->key, "Rule") != 0)
                return lex_error(lexer, line->key_column, errors_nearest(line->key, sections),
                                 "unknown section %s", line->key);
        if (!parse_is_name(line->value))
                return lex_error(
                        lexer, line->value_column, NULL,
                        "a rule's name is 1 to %u letters, digits, dots, dashes and underscores",
                        POLICY_NAME_BYTES);
        if (set->n_rules >= POLICY_RULES)
                return lex_error(lexer, line->key_column, NULL, "more than %u rules", POLICY_RULES);
        rule = arena_take(lexer->arena, sizeof(*rule));
        if (!rule)
                return -ENOMEM;
        rule->name = line->value;
        rule->file = lexer->file;
        rule->line = line->number;
        rule->raws_end = &rule->raws;
        *ret = rule;
        return add_rule(set, rule);
}

struct parser {
        struct lexer lexer;
        struct policy_set *set;
        struct policy_rule *rule; /* NULL: outside of one */
        bool skipping; /* the section line was wrong and reported: its keys would only be noise */
};

static int end_rule(struct parser *p) {
        struct policy_rule *rule = p->rule;

        p->rule = NULL;
        return rule ? finish_rule(&p->lexer, rule) : 0;
}

static int take_line(struct parser *p, const struct line *line) {
        int bad, r;

        if (line->kind == LINE_ASSIGNMENT) {
                if (p->rule)
                        return take_key(&p->lexer, p->rule, line);
                return p->skipping ? 0
                                   : lex_error(&p->lexer, line->key_column, NULL,
                                               "a key outside of a [Rule NAME]");
        }
        bad = end_rule(p);
        if (bad < 0 || line->kind == LINE_END)
                return bad;
        r = start_rule(&p->lexer, p->set, line, &p->rule);
        p->skipping = r > 0;
        return r < 0 ? r : bad | r;
}

/* What is wrong with a line was reported; the lines after it are looked at, so that one look shows all errors. */
static int pass_line(struct parser *p, const struct line *line) {
        if (line->kind != LINE_SECTION)
                return 0;
        p->skipping = true;
        return end_rule(p);
}

static int take_all(struct parser *p) {
        struct line line;
        int bad = 0, malformed, r;

        do {
                malformed = lex_line(&p->lexer, &line);
                if (malformed < 0)
                        return malformed;
                r = malformed ? pass_line(p, &line) : take_line(p, &line);
                if (r < 0)
                        return r;
                bad |= malformed | r;
        } while (malformed || line.kind != LINE_END);
        return bad;
}

int policy_set_add(struct policy_set *set, const char *file, const char *text, size_t len,
                   struct policy_errors *errors) {
        struct parser p = {
                .lexer = { .text = text,
                           .end = text + len,
                           .arena = &set->arena,
                           .errors = errors },
                .set = set,
        };

        if (set->frozen)
                return -EBUSY;
        p.lexer.file = arena_string(&set->arena, file, strlen(file));
        if (!p.lexer.file)
                return -ENOMEM;
        if (len > POLICY_FILE_BYTES)
                return errors_add(errors, file, 1, 1, NULL, "a file of rules has at most %u bytes",
                                  POLICY_FILE_BYTES);
        return take_all(&p);
}
