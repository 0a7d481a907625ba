/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that name targets and commands: Target, Image, Label, Command. */
#include <errno.h>
#include <string.h>

#include "policy/parse.h"

int parse_pattern(struct lexer *lexer, enum pattern_flavour flavour, const struct word *word,
                  size_t skip, struct pattern *ret) {
        const char *why = NULL;
        size_t at = 0;
        int r = pattern_compile(lexer->arena, flavour, word->text + skip, word->len - skip, ret,
                                &why, &at);

        if (r != -EINVAL)
                return r;
        return lex_error(lexer, word->column + (unsigned)(word->quoted ? 0 : skip + at), NULL, "%s",
                         why);
}

int parse_patterns(struct lexer *lexer, enum pattern_flavour flavour, const struct word *words,
                   size_t n, struct pattern **ret, size_t *ret_n) {
        struct pattern *patterns = arena_take(lexer->arena, n * sizeof(*patterns));

        if (!patterns)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r = parse_pattern(lexer, flavour, &words[i], 0, &patterns[i]);

                if (r != 0)
                        return r;
        }
        *ret = patterns;
        *ret_n = n;
        return 0;
}

static int engine(struct lexer *lexer, const struct word *word, size_t len, int *ret) {
        const char *const *known = policy_engine_names();
        char name[POLICY_NAME_BYTES] = "";

        if (len == 1 && word->text[0] == '*') {
                *ret = -1;
                return 0;
        }
        if (len < sizeof(name))
                memcpy(name, word->text, len);
        for (int i = 0; known[i]; i++)
                if (strcmp(name, known[i]) == 0) {
                        *ret = i;
                        return 0;
                }
        return lex_error(lexer, word->column, errors_nearest(name, known), "unknown engine %s",
                         name);
}

static int target_item(struct lexer *lexer, const struct word *word, struct target_item *ret) {
        const char *colon = strchr(word->text, ':');
        int r;

        if (word_is(word, "*") || word_is(word, "own")) {
                ret->kind = word_is(word, "*") ? TARGET_ANY : TARGET_OWN;
                return 0;
        }
        if (!colon)
                return lex_error(lexer, word->column, NULL,
                                 "%s is none of ENGINE:NAME, *:NAME, own, *", word->text);
        if (!colon[1])
                return lex_error(lexer, word->column, NULL,
                                 "a name or pattern is missing after the colon");
        ret->kind = TARGET_NAME;
        r = engine(lexer, word, (size_t)(colon - word->text), &ret->engine);
        return r ? r
                 : parse_pattern(lexer, PATTERN_NAME, word, (size_t)(colon + 1 - word->text),
                                 &ret->name);
}

int parse_target(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                 size_t n) {
        struct target_item *items = arena_take(lexer->arena, n * sizeof(*items));

        if (!items)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r = target_item(lexer, &words[i], &items[i]);

                if (r != 0)
                        return r;
        }
        rule->targets = items;
        rule->n_targets = n;
        return 0;
}

int parse_image(struct lexer *lexer, struct policy_rule *rule, const struct word *words, size_t n) {
        return parse_patterns(lexer, PATTERN_NAME, words, n, &rule->images, &rule->n_images);
}

/* KEY or KEY=PATTERN */
static int label_item(struct lexer *lexer, const struct word *word, struct label_item *ret) {
        const char *equals = strchr(word->text, '=');
        size_t len = equals ? (size_t)(equals - word->text) : word->len;

        if (len == 0)
                return lex_error(lexer, word->column, NULL, "a label's key is missing");
        ret->key = arena_string(lexer->arena, word->text, len);
        ret->has_value = equals;
        if (!ret->key)
                return -ENOMEM;
        return equals ? parse_pattern(lexer, PATTERN_NAME, word, len + 1, &ret->value) : 0;
}

int parse_label(struct lexer *lexer, struct policy_rule *rule, const struct word *words, size_t n) {
        struct label_item *items = arena_take(lexer->arena, n * sizeof(*items));

        if (!items)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r = label_item(lexer, &words[i], &items[i]);

                if (r != 0)
                        return r;
        }
        rule->labels = items;
        rule->n_labels = n;
        return 0;
}

static int command_path(struct lexer *lexer, const struct word *word, struct command *ret) {
        const char *slash = strrchr(word->text, '/');

        if (word->text[0] != '/')
                return lex_error(lexer, word->column, NULL,
                                 "%s is no absolute path; a single * is any command", word->text);
        if (slash[1] == '\0')
                return lex_error(lexer, word->column, NULL, "a command's path does not end with /");
        return parse_pattern(lexer, PATTERN_PATH, word, 0, &ret->path);
}

static int command_args(struct lexer *lexer, const struct word *words, size_t n,
                        struct command *ret) {
        struct arg_item *args = arena_take(lexer->arena, n * sizeof(*args) + 1);

        if (!args)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r;

                args[i].kind = word_is(&words[i], "*")  ? ARG_ONE
                             : word_is(&words[i], "**") ? ARG_REST
                                                        : ARG_PATTERN;
                r = args[i].kind == ARG_PATTERN
                          ? parse_pattern(lexer, PATTERN_PATH, &words[i], 0, &args[i].pattern)
                          : 0;
                if (r != 0)
                        return r;
        }
        ret->args = args;
        ret->n_args = n;
        return 0;
}

static int command(struct lexer *lexer, const struct word *words, size_t n, struct command *ret) {
        const char *slash = strrchr(words[0].text, '/');
        int r;

        if (n == 1 && word_is(&words[0], "*")) {
                ret->any = true;
                return 0;
        }
        r = command_path(lexer, &words[0], ret);
        if (r == 0)
                r = parse_pattern(lexer, PATTERN_PATH, &words[0],
                                  (size_t)(slash + 1 - words[0].text), &ret->last);
        return r ? r : command_args(lexer, words + 1, n - 1, ret);
}

int parse_command(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                  size_t n) {
        struct command *commands;

        if (rule->n_commands == POLICY_WORDS)
                return lex_error(lexer, 1, NULL, "a rule has at most %u Command= lines",
                                 POLICY_WORDS);
        commands = arena_take(lexer->arena, (rule->n_commands + 1) * sizeof(*commands));
        if (!commands)
                return -ENOMEM;
        if (rule->n_commands)
                memcpy(commands, rule->commands, rule->n_commands * sizeof(*commands));
        rule->commands = commands;
        return command(lexer, words, n, &commands[rule->n_commands++]);
}
