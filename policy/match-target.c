/* SPDX-License-Identifier: Apache-2.0 */
/* The keys about the target and the command: Target, Image, Label, Owner, Command. */
#include <string.h>

#include "policy/match-internal.h"
#include "policy/match.h"
#include "policy/tri.h"

int engine_index(const char *name) {
        const char *const *known = policy_engine_names();

        for (int i = 0; name && known[i]; i++)
                if (strcmp(name, known[i]) == 0)
                        return i;
        return -1;
}

static bool engine_fits(const struct target_item *item, const struct policy_target *target) {
        return item->engine < 0 || strcmp(policy_engine_names()[item->engine], target->engine) == 0;
}

/* A process named by its number can be the init of any engine's container: a rule that denies that container must
 * not be passed by calling it something else. */
static bool may_be_other_name(const struct target_item *item, const struct policy_target *t) {
        return strcmp(t->engine, "pid") == 0 &&
               (item->engine < 0 || strcmp(policy_engine_names()[item->engine], "pid") != 0);
}

static enum policy_tri match_target_item(const struct target_item *item,
                                         const struct policy_target *t) {
        switch (item->kind) {
        case TARGET_ANY: return POLICY_YES;
        case TARGET_OWN: return t->own;
        case TARGET_NAME:
                if (engine_fits(item, t) && (pattern_matches(&item->name, t->name) ||
                                             (t->id && pattern_matches(&item->name, t->id))))
                        return POLICY_YES;
                return may_be_other_name(item, t) ? POLICY_UNKNOWN : POLICY_NO;
        }
        return POLICY_NO;
}

enum policy_tri match_target(const struct policy_rule *rule, const struct policy_request *req) {
        enum policy_tri ret = POLICY_NO;

        for (size_t i = 0; i < rule->n_targets && ret != POLICY_YES; i++)
                ret = tri_or(ret, match_target_item(&rule->targets[i], &req->target));
        return ret;
}

static bool may_be_id(const char *name) {
        return *name && name[strspn(name, "0123456789abcdef")] == '\0';
}

enum policy_tri rule_matches_target_name(const struct policy_rule *rule, int engine,
                                         const char *name) {
        enum policy_tri ret = POLICY_NO;

        for (size_t i = 0; i < rule->n_targets; i++) {
                const struct target_item *item = &rule->targets[i];
                bool engine_known = item->engine < 0 || engine >= 0;

                if (item->kind == TARGET_ANY)
                        return POLICY_YES;
                if (item->kind == TARGET_OWN)
                        ret = tri_or(ret, POLICY_UNKNOWN);
                else if (engine_known && item->engine >= 0 && item->engine != engine)
                        continue;
                else if (pattern_matches(&item->name, name))
                        ret = tri_or(ret, engine_known ? POLICY_YES : POLICY_UNKNOWN);
                else if (may_be_id(name))
                        ret = tri_or(ret, POLICY_UNKNOWN);
        }
        return ret;
}

enum policy_tri match_image(const struct policy_rule *rule, const struct policy_request *req) {
        const struct policy_target *t = &req->target;

        if (!rule_has(rule, POLICY_KEY_IMAGE))
                return POLICY_YES;
        if (!t->image_known)
                return POLICY_UNKNOWN;
        return tri(t->image && patterns_match(rule->images, rule->n_images, t->image));
}

static bool has_label(const struct policy_target *t, const struct label_item *item) {
        for (size_t i = 0; i < t->n_labels; i++)
                if (strcmp(t->labels[i].key, item->key) == 0 &&
                    (!item->has_value || pattern_matches(&item->value, t->labels[i].value)))
                        return true;
        return false;
}

enum policy_tri match_label(const struct policy_rule *rule, const struct policy_request *req) {
        if (!rule_has(rule, POLICY_KEY_LABEL))
                return POLICY_YES;
        if (!req->target.labels_known)
                return POLICY_UNKNOWN;
        for (size_t i = 0; i < rule->n_labels; i++)
                if (has_label(&req->target, &rule->labels[i]))
                        return POLICY_YES;
        return POLICY_NO;
}

static enum policy_tri match_owner_item(const struct id_item *item,
                                        const struct policy_request *req) {
        const struct policy_target *t = &req->target;

        switch (item->kind) {
        case ID_DEFAULT: return tri(t->owner_uid == req->caller.uid);
        case ID_NAME:
                if (!t->owner_name && t->owner_name_failed)
                        return POLICY_UNKNOWN;
                return tri(t->owner_name && strcmp(t->owner_name, item->name) == 0);
        case ID_NUMBER: return tri(t->owner_uid >= item->low && t->owner_uid <= item->high);
        case ID_ANY:
        case ID_GROUP: return POLICY_NO;
        }
        return POLICY_NO;
}

enum policy_tri match_owner(const struct policy_rule *rule, const struct policy_request *req) {
        enum policy_tri ret = POLICY_NO;

        if (!rule_has(rule, POLICY_KEY_OWNER))
                return POLICY_YES;
        if (!req->target.owner_known)
                return POLICY_UNKNOWN;
        for (size_t i = 0; i < rule->n_owners && ret != POLICY_YES; i++)
                ret = tri_or(ret, match_owner_item(&rule->owners[i], req));
        return ret;
}

static bool has_dotdot(const char *text) {
        for (;;) {
                size_t len = strcspn(text, "/");

                if (len == 2 && text[0] == '.' && text[1] == '.')
                        return true;
                if (text[len] == '\0')
                        return false;
                text += len + 1;
        }
}

/* A pattern for a folder must not be led out of it: there, .. is matched by a pattern without wildcards only. */
static bool word_matches(const struct pattern *pattern, const char *text, bool denies) {
        if (denies && strnlen(text, PATTERN_TEXT_BYTES + 1) > PATTERN_TEXT_BYTES)
                return true; /* or a long word would pass unseen */
        if (!denies && pattern->has_slash && pattern->n_tokens && has_dotdot(text))
                return false;
        return pattern_matches(pattern, text);
}

static bool arg_matches(const struct arg_item *item, const char *text, bool denies) {
        return item->kind != ARG_PATTERN || word_matches(&item->pattern, text, denies);
}

/* The stars of words: on a mismatch the last ** takes one argument more. */
static bool args_match(const struct command *command, const char *const *args, size_t n,
                       bool denies) {
        size_t i = 0, k = 0, star = SIZE_MAX, star_k = 0;

        while (k < n) {
                if (i < command->n_args && command->args[i].kind == ARG_REST) {
                        star = ++i;
                        star_k = k;
                } else if (i < command->n_args && arg_matches(&command->args[i], args[k], denies)) {
                        i++;
                        k++;
                } else if (star != SIZE_MAX) {
                        i = star;
                        k = ++star_k;
                } else {
                        return false;
                }
        }
        while (i < command->n_args && command->args[i].kind == ARG_REST)
                i++;
        return i == command->n_args;
}

/* A bare name is searched inside the target: what a denying rule names may be found, what an allowing one names may not. */
static bool path_matches(const struct command *command, const char *path, bool denies) {
        if (path[0] == '/' || !denies)
                return word_matches(&command->path, path, denies);
        return !strchr(path, '/') && word_matches(&command->last, path, denies);
}

static bool command_matches(const struct command *command, const struct policy_request *req,
                            bool denies) {
        if (command->any)
                return true;
        return req->n_argv > 0 && path_matches(command, req->argv[0], denies) &&
               args_match(command, req->argv + 1, req->n_argv - 1, denies);
}

enum policy_tri match_command(const struct policy_rule *rule, const struct policy_request *req) {
        if (!rule_has(rule, POLICY_KEY_COMMAND))
                return POLICY_YES;
        for (size_t i = 0; i < rule->n_commands; i++)
                if (command_matches(&rule->commands[i], req, rule_denies(rule)))
                        return POLICY_YES;
        return req->command_unknown ? POLICY_UNKNOWN : POLICY_NO;
}
