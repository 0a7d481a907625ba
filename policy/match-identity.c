/* SPDX-License-Identifier: Apache-2.0 */
/* The keys AsUser and AsGroup: by the name as asked, and by number once it was resolved; 0 only where it is listed. */
#include <string.h>

#include "policy/match-internal.h"
#include "policy/tri.h"

static const struct id_item only_default = { .kind = ID_DEFAULT };

/* One identity as asked, and what is known of its number. */
struct identity {
        const char *asked;
        bool known; /* the number */
        uint32_t id;
        enum policy_tri is_default;
};

static struct identity identify(const char *asked, bool resolved, uint32_t id,
                                enum policy_tri is_default) {
        struct identity ret = {
                .asked = asked, .known = resolved, .id = id, .is_default = is_default
        };
        bool is_number;
        uint32_t n;

        if (!resolved && asked && policy_id_parse(asked, strlen(asked), &is_number, &n) == 0 &&
            is_number) {
                ret.known = true;
                ret.id = n;
        }
        return ret;
}

static enum policy_tri match_item(const struct id_item *item, const struct identity *who) {
        switch (item->kind) {
        case ID_ANY: return POLICY_YES;
        case ID_DEFAULT: return who->is_default;
        case ID_NAME: return tri(who->asked && strcmp(who->asked, item->name) == 0);
        case ID_NUMBER:
                return who->known ? tri(who->id >= item->low && who->id <= item->high)
                                  : POLICY_UNKNOWN;
        case ID_GROUP: return POLICY_NO;
        }
        return POLICY_NO;
}

static bool lists_zero(const struct id_item *items, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (items[i].kind == ID_NUMBER && items[i].low == 0)
                        return true;
        return false;
}

static enum policy_tri match_items(const struct id_item *items, size_t n,
                                   const struct identity *who, bool denies) {
        enum policy_tri ret = POLICY_NO;

        for (size_t i = 0; i < n && ret != POLICY_YES; i++)
                ret = tri_or(ret, match_item(&items[i], who));
        if (denies || lists_zero(items, n))
                return ret;
        return tri_and(ret, who->known ? tri(who->id != 0) : POLICY_UNKNOWN);
}

enum policy_tri match_as_user(const struct policy_rule *rule, const struct policy_request *req) {
        const struct policy_as_user *user = &req->user;
        const struct id_item *items = rule_has(rule, POLICY_KEY_AS_USER) ? rule->as_users
                                                                         : &only_default;
        size_t n = rule_has(rule, POLICY_KEY_AS_USER) ? rule->n_as_users : 1;
        struct identity who = identify(user->asked, user->resolved, user->uid,
                                       user->asked ? user->is_default : POLICY_YES);
        enum policy_tri ret = match_items(items, n, &who, rule_denies(rule));

        if (rule_denies(rule) || user->resolved)
                return ret;
        return tri_and(ret, POLICY_UNKNOWN); /* nothing is allowed before the identity is whole */
}

static enum policy_tri denied_groups(const struct policy_rule *rule,
                                     const struct policy_as_user *user) {
        struct identity own = { .known = user->resolved, .id = user->gid, .is_default = POLICY_NO };
        enum policy_tri ret = match_items(rule->as_groups, rule->n_as_groups, &own, true);

        for (size_t i = 0; i < user->n_groups; i++) {
                own.id = user->groups[i];
                ret = tri_or(ret, match_items(rule->as_groups, rule->n_as_groups, &own, true));
        }
        return ret;
}

enum policy_tri match_as_group(const struct policy_rule *rule, const struct policy_request *req) {
        const struct policy_as_user *user = &req->user;
        bool denies = rule_denies(rule);
        enum policy_tri ret = denies ? denied_groups(rule, user) : POLICY_YES;

        for (size_t i = 0; i < user->n_asked_groups; i++) {
                const struct policy_as_group *g = &user->asked_groups[i];
                struct identity who = identify(g->asked, g->resolved, g->gid, POLICY_NO);
                enum policy_tri t = match_items(rule->as_groups, rule->n_as_groups, &who, denies);

                ret = denies ? tri_or(ret, t) : tri_and(ret, t);
        }
        return ret;
}
