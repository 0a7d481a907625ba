/* SPDX-License-Identifier: Apache-2.0 */
/* The name service may be slow: who asks keeps the answer. */
#include "broker/account.h"

#include "common/outcome.h"
#include "policy/policy.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

int account_name(bool group, uint32_t id, char **ret) {
        char buffer[16384];
        struct passwd user, *found_user = NULL;
        struct group entry, *found_group = NULL;
        const char *name = NULL;
        int r;

        if (group)
                r = getgrgid_r(id, &entry, buffer, sizeof buffer, &found_group);
        else
                r = getpwuid_r(id, &user, buffer, sizeof buffer, &found_user);
        if (found_group)
                name = entry.gr_name;
        else if (found_user)
                name = user.pw_name;
        *ret = NULL;
        if (!name)
                return r == ENOENT || r == ESRCH ? 0 : -r;
        *ret = strdup(name);
        return *ret ? 0 : -ENOMEM;
}

int account_find(const char *user, uint32_t *ret_uid, uint32_t *ret_gid, char **ret_name) {
        char buffer[16384];
        struct passwd line, *found = NULL;
        bool is_number;
        uint32_t uid;
        int r;

        if (policy_id_parse(user, strlen(user), &is_number, &uid) == 0 && is_number)
                r = getpwuid_r(uid, &line, buffer, sizeof buffer, &found);
        else
                r = getpwnam_r(user, &line, buffer, sizeof buffer, &found);
        if (!found && r && r != ENOENT && r != ESRCH)
                return -r;
        if (!found || found->pw_uid == UINT32_MAX)
                return OUTCOME_INVALID_ARGS;
        *ret_name = strdup(found->pw_name);
        *ret_uid = found->pw_uid;
        *ret_gid = found->pw_gid;
        return *ret_name ? 0 : -ENOMEM;
}

int account_groups(const char *name, uint32_t gid, uint32_t *groups, unsigned max) {
        int n = (int)max;

        return getgrouplist(name, gid, groups, &n) < 0 ? -E2BIG : n;
}
