/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that say how a command may run: Capabilities, Seccomp, NoNewPrivileges, SELinuxLabel, Tty, Fds, Files, Answer. */
#include <errno.h>
#include <string.h>

#include "common/caps.h"
#include "policy/parse.h"

#define MAX_FDS 12u /* what one D-Bus message carries beside the streams */

int parse_answer(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                 size_t n) {
        static const char *const choices[] = { "deny", "allow", "ask-self", "ask-admin", NULL };
        unsigned i;
        int r = parse_choice(lexer, words, n, choices, &i);

        if (r == 0)
                rule->answer = (enum policy_answer)i;
        return r;
}

static int capability(struct lexer *lexer, const struct word *word, uint64_t *ret) {
        const char *known[CAPS_KNOWN + 1] = { NULL };
        int cap = caps_from_name(word->text);

        if (cap >= 0) {
                *ret |= CAPS_BIT((unsigned)cap);
                return 0;
        }
        for (unsigned i = 0; i < CAPS_KNOWN; i++)
                known[i] = caps_name(i);
        return lex_error(lexer, word->column, errors_nearest(word->text, known),
                         "unknown capability %s", word->text);
}

int parse_capabilities(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                       size_t n) {
        if (n == 1 && word_is(&words[0], "all")) {
                rule->caps = UINT64_MAX;
                rule->caps_all = true;
                return 0;
        }
        for (size_t i = 0; i < n; i++) {
                int r;

                if (word_is(&words[i], "all"))
                        return lex_error(lexer, words[i].column, NULL, "all stands alone");
                r = capability(lexer, &words[i], &rule->caps);
                if (r != 0)
                        return r;
        }
        return 0;
}

static bool is_profile(const char *name) {
        size_t len = strlen(name);

        return len > 0 && len <= POLICY_NAME_BYTES && name[0] != '.' &&
               strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
                       len;
}

int parse_seccomp(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                  size_t n) {
        const char **profiles = arena_take(lexer->arena, n * sizeof(*profiles));

        if (!profiles)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                if (!word_is(&words[i], "*") && !is_profile(words[i].text))
                        return lex_error(
                                lexer, words[i].column, NULL,
                                "%s is no profile: target, default, unconfined, a name of a file in seccomp.d, *",
                                words[i].text);
                profiles[i] = words[i].text;
        }
        rule->profiles = profiles;
        rule->n_profiles = n;
        return 0;
}

int parse_no_new_privileges(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                            size_t n) {
        static const char *const choices[] = { "target", "yes", NULL };
        unsigned i;
        int r = parse_choice(lexer, words, n, choices, &i);

        if (r == 0)
                rule->no_new_privs = i;
        return r;
}

int parse_selinux_label(struct lexer *lexer, struct policy_rule *rule, const struct word *words,
                        size_t n) {
        return parse_patterns(lexer, PATTERN_NAME, words, n, &rule->selinux_labels,
                              &rule->n_selinux_labels);
}

int parse_tty(struct lexer *lexer, struct policy_rule *rule, const struct word *words, size_t n) {
        static const char *const choices[] = { "any", "no", "yes", NULL };
        unsigned i;
        int r = parse_choice(lexer, words, n, choices, &i);

        if (r == 0)
                rule->tty = (enum policy_tri)i;
        return r;
}

static bool fd_kind(const struct word *word, unsigned *ret) {
        static const struct {
                const char *name;
                enum policy_fd_kind kind;
        } kinds[] = {
                { "pipe", POLICY_FD_PIPE },
                { "inet", POLICY_FD_INET },
                { "inet-listen", POLICY_FD_INET_LISTEN },
                { "unix", POLICY_FD_UNIX },
        };

        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
                if (word_is(word, kinds[i].name)) {
                        *ret |= kinds[i].kind;
                        return true;
                }
        return false;
}

/* At most one number and any kinds. */
int parse_fds(struct lexer *lexer, struct policy_rule *rule, const struct word *words, size_t n) {
        bool counted = false;

        for (size_t i = 0; i < n; i++) {
                uint64_t count = 0;

                if (fd_kind(&words[i], &rule->fd_kinds))
                        continue;
                if (strcmp(words[i].text, "0") != 0 &&
                    !parse_count(words[i].text, words[i].len, MAX_FDS, &count))
                        return lex_error(
                                lexer, words[i].column, NULL,
                                "%s is neither a number up to %u nor one of pipe, inet, inet-listen, unix",
                                words[i].text, MAX_FDS);
                if (counted)
                        return lex_error(lexer, words[i].column, NULL, "a second number");
                counted = true;
                rule->max_fds = (uint32_t)count;
        }
        return 0;
}

int parse_files(struct lexer *lexer, struct policy_rule *rule, const struct word *words, size_t n) {
        static const char *const choices[] = { "no", "yes", NULL };
        unsigned i;
        int r = parse_choice(lexer, words, n, choices, &i);

        if (r == 0)
                rule->files = i;
        return r;
}
