/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings about rules that are well formed and probably do not do what their author thinks. */
#include <errno.h>

#include "policy/errors.h"
#include "policy/rule.h"

static unsigned line_of(const struct policy_rule *rule, enum policy_key key) {
        for (const struct raw_value *raw = rule->raws; raw; raw = raw->next)
                if (raw->key == key)
                        return raw->line;
        return rule->line;
}

static int warn_unit(const struct policy_rule *rule, struct policy_errors *errors) {
        if (!rule_has(rule, POLICY_KEY_UNIT))
                return 0;
        return errors_warn(
                errors, rule->file, line_of(rule, POLICY_KEY_UNIT), 1, NULL,
                rule_denies(rule)
                        ? "the rule %s denies nothing where the bus gives no pidfd of the caller (before dbus 1.16)"
                        : "the rule %s never matches where the bus gives no pidfd of the caller (before dbus 1.16)",
                rule->name);
}

static int warn_command(const struct policy_rule *rule, struct policy_errors *errors) {
        if (!rule_denies(rule) || !rule->fixed_command)
                return 0;
        return errors_warn(
                errors, rule->file, line_of(rule, POLICY_KEY_COMMAND), 1, NULL,
                "the rule %s denies a command by its path: inside, the same program can be had under another one",
                rule->name);
}

static int warn_user(const struct policy_rule *rule, struct policy_errors *errors) {
        if (!rule_denies(rule) || !rule_has(rule, POLICY_KEY_AS_USER))
                return 0;
        for (size_t i = 0; i < rule->n_as_users; i++)
                if (rule->as_users[i].kind == ID_NAME)
                        return errors_warn(
                                errors, rule->file, line_of(rule, POLICY_KEY_AS_USER), 1, NULL,
                                "the rule %s denies a user by name: the same user can be asked for by number",
                                rule->name);
        return 0;
}

/* A rule of yesterday does nothing any more, and its file looks as if it did. */
static int warn_until(const struct policy_rule *rule, const struct policy_time *now,
                      struct policy_errors *errors) {
        int today = now->known ? now->year * 10000 + now->month * 100 + now->day : 0;

        if (!rule_has(rule, POLICY_KEY_WHEN) || !rule->when.has_until || today <= rule->when.until)
                return 0;
        return errors_warn(errors, rule->file, line_of(rule, POLICY_KEY_WHEN), 1, NULL,
                           "the rule %s never matches any more: its until: is over", rule->name);
}

static int warn_from(const struct policy_rule *rule, struct policy_errors *errors) {
        if (!rule_has(rule, POLICY_KEY_WHEN) || !rule->when.has_until || !rule->when.has_from ||
            rule->when.from <= rule->when.until)
                return 0;
        return errors_warn(errors, rule->file, line_of(rule, POLICY_KEY_WHEN), 1, NULL,
                           "the rule %s never matches: its from: is after its until:", rule->name);
}

int policy_set_warn(const struct policy_set *set, const struct policy_time *now,
                    struct policy_errors *errors) {
        for (size_t i = 0; i < set->n_rules; i++) {
                const struct policy_rule *rule = set->rules[i];

                if (warn_unit(rule, errors) < 0 || warn_command(rule, errors) < 0 ||
                    warn_user(rule, errors) < 0 || warn_until(rule, now, errors) < 0 ||
                    warn_from(rule, errors) < 0)
                        return -ENOMEM; /* nothing else can fail */
        }
        return 0;
}
