/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that name people and identities: Who, Active, Unit, Owner, AsUser, AsGroup. */
#include <errno.h>
#include <string.h>

#include "policy/parse.h"

#define HOST_NAME_BYTES 255u

bool word_is(const struct word *word, const char *text) {
        return !word->quoted && strcmp(word->text, text) == 0;
}

const char *word_after(const struct word *word, const char *prefix) {
        size_t n = strlen(prefix);

        return strncmp(word->text, prefix, n) == 0 ? word->text + n : NULL;
}

int parse_choice(struct lexer *lexer, const struct word *words, size_t n,
                 const char *const *choices, unsigned *ret) {
        if (n > 1)
                return lex_error(lexer, words[1].column, NULL, "only one word is taken here");
        for (unsigned i = 0; choices[i]; i++)
                if (word_is(&words[0], choices[i])) {
                        *ret = i;
                        return 0;
                }
        return lex_error(lexer, words[0].column, errors_nearest(words[0].text, choices),
                         "unknown value %s", words[0].text);
}

static bool number(const char *text, size_t len, uint32_t *ret) {
        bool is_number;

        return policy_id_parse(text, len, &is_number, ret) == 0 && is_number;
}

/* N or N-M */
static bool number_range(const char *text, struct id_item *ret) {
        const char *dash = strchr(text, '-');
        size_t len = strlen(text);

        ret->kind = ID_NUMBER;
        if (!dash) {
                if (!number(text, len, &ret->low))
                        return false;
                ret->high = ret->low;
                return true;
        }
        return number(text, (size_t)(dash - text), &ret->low) &&
               number(dash + 1, len - (size_t)(dash + 1 - text), &ret->high) &&
               ret->low <= ret->high;
}

static bool looks_like_number(const char *text) {
        return *text >= '0' && *text <= '9';
}

static int host_name(struct lexer *lexer, const struct word *word, const char *name,
                     struct id_item *ret) {
        size_t len = strlen(name);

        if (len == 0 || len > HOST_NAME_BYTES)
                return lex_error(lexer, word->column, NULL, "a name has 1 to %u bytes",
                                 HOST_NAME_BYTES);
        if (strspn(name, "0123456789") == len)
                return lex_error(lexer, word->column, "uid:N", "%s is a number, not a name", name);
        ret->name = name;
        return 0;
}

static int uid_range(struct lexer *lexer, const struct word *word, const char *text,
                     struct id_item *ret) {
        if (number_range(text, ret))
                return 0;
        return lex_error(
                lexer, word->column, NULL,
                "%s is no number or range: N or N-M, 0 to 4294967294, without leading zeros", text);
}

static int who_item(struct lexer *lexer, const struct word *word, struct id_item *ret) {
        static const char *const known[] = { "user:", "group:", "uid:", "*", NULL };
        const char *rest;

        if (word_is(word, "*")) {
                ret->kind = ID_ANY;
                return 0;
        }
        if ((rest = word_after(word, "user:"))) {
                ret->kind = ID_NAME;
                return host_name(lexer, word, rest, ret);
        }
        if ((rest = word_after(word, "group:"))) {
                ret->kind = ID_GROUP;
                return host_name(lexer, word, rest, ret);
        }
        if ((rest = word_after(word, "uid:")))
                return uid_range(lexer, word, rest, ret);
        return lex_error(lexer, word->column, errors_nearest(word->text, known),
                         "%s is none of user:NAME, group:NAME, uid:N, uid:N-M, *", word->text);
}

static int owner_item(struct lexer *lexer, const struct word *word, struct id_item *ret) {
        const char *rest;

        if (word_is(word, "caller")) {
                ret->kind = ID_DEFAULT;
                return 0;
        }
        if (word_is(word, "root")) {
                ret->kind = ID_NUMBER;
                return 0;
        }
        if ((rest = word_after(word, "user:"))) {
                ret->kind = ID_NAME;
                return host_name(lexer, word, rest, ret);
        }
        if ((rest = word_after(word, "uid:")))
                return uid_range(lexer, word, rest, ret);
        return lex_error(lexer, word->column, NULL,
                         "%s is none of caller, root, user:NAME, uid:N, uid:N-M", word->text);
}

/* An identity inside: a range that reached down to 0 would hand out root unseen. */
static int inside_item(struct lexer *lexer, const struct word *word, struct id_item *ret) {
        bool is_number;

        if (word_is(word, "*")) {
                ret->kind = ID_ANY;
                return 0;
        }
        if (word_is(word, "root")) {
                ret->kind = ID_NUMBER;
                return 0;
        }
        if (looks_like_number(word->text)) {
                if (!number_range(word->text, ret))
                        return uid_range(lexer, word, word->text, ret);
                if (ret->low == 0 && ret->high != 0)
                        return lex_error(lexer, word->column, NULL,
                                         "a range begins above 0: list root by itself");
                return 0;
        }
        if (policy_id_parse(word->text, word->len, &is_number, &ret->low) != 0)
                return lex_error(lexer, word->column, NULL,
                                 "%s is neither a name nor a number nor a range", word->text);
        ret->kind = ID_NAME;
        ret->name = word->text;
        return 0;
}

static int as_user_item(struct lexer *lexer, const struct word *word, struct id_item *ret) {
        if (!word_is(word, "default"))
                return inside_item(lexer, word, ret);
        ret->kind = ID_DEFAULT;
        return 0;
}

typedef int item_function(struct lexer *lexer, const struct word *word, struct id_item *ret);

static int id_items(struct lexer *lexer, item_function *take, const struct word *words, size_t n,
                    struct id_item **ret, size_t *ret_n) {
        struct id_item *items = arena_take(lexer->arena, n * sizeof(*items));

        if (!items)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r = take(lexer, &words[i], &items[i]);

                if (r != 0)
                        return r;
        }
        *ret = items;
        *ret_n = n;
        return 0;
}

int parse_who(struct lexer *lexer, struct policy_rule *rule, const struct word *words, size_t n) {
        return id_items(lexer, who_item, words, n, &rule->who, &rule->n_who);
}

int parse_owner(struct lexer *lexer, struct policy_rule *rule, const struct word *words, size_t n) {
        return id_items(lexer, owner_item, words, n, &rule->owners, &rule->n_owners);
}

int parse_as_user(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                  size_t n) {
        return id_items(lexer, as_user_item, words, n, &rule->as_users, &rule->n_as_users);
}

int parse_as_group(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                   size_t n) {
        return id_items(lexer, inside_item, words, n, &rule->as_groups, &rule->n_as_groups);
}

int parse_active(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                 size_t n) {
        static const char *const choices[] = { "no", "yes", NULL };
        unsigned i;
        int r = parse_choice(lexer, words, n, choices, &i);

        if (r == 0)
                rule->active = i ? POLICY_YES : POLICY_NO;
        return r;
}

int parse_unit(struct lexer *lexer, struct policy_rule *rule, const struct word *words, size_t n) {
        struct unit_item *items = arena_take(lexer->arena, n * sizeof(*items));

        if (!items)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const char *path = word_after(&words[i], "cgroup:");
                int r;

                items[i].is_cgroup = path;
                if (path && *path != '/')
                        return lex_error(lexer, words[i].column, NULL,
                                         "a cgroup's path begins with /");
                r = parse_pattern(lexer, path ? PATTERN_PATH : PATTERN_NAME, &words[i],
                                  path ? strlen("cgroup:") : 0, &items[i].pattern);
                if (r != 0)
                        return r;
        }
        rule->units = items;
        rule->n_units = n;
        return 0;
}
