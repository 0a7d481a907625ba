/* SPDX-License-Identifier: Apache-2.0 */
/* The name service may be slow: who asks keeps the answer. */
#include "broker/account.h"

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
