/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles by name, of the three folders of seccomp.d. */
#include "broker/profiles.h"

#include "broker/profile.h"
#include "broker/target.h"
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROFILES_MAX 64

struct named {
        char *name;
        struct profile *profile;
};

struct profiles {
        struct named list[PROFILES_MAX];
        unsigned n;
};

struct profiles *profiles_new(void) {
        return calloc(1, sizeof(struct profiles));
}

void profiles_clear(struct profiles *profiles) {
        for (unsigned i = 0; i < profiles->n; i++) {
                free(profiles->list[i].name);
                profile_free(profiles->list[i].profile);
        }
        profiles->n = 0;
}

struct profiles *profiles_free(struct profiles *profiles) {
        if (!profiles)
                return NULL;
        profiles_clear(profiles);
        free(profiles);
        return NULL;
}

static int load(const char *name, struct profile **ret, struct error *error) {
        static const char *const folders[] = { AIRLOCK_CONF_DIR "/seccomp.d",
                                               AIRLOCK_RUN_DIR "/seccomp.d",
                                               AIRLOCK_LIB_DIR "/seccomp.d", NULL };
        struct profile_error why = { "" };
        int r;

        if (!profile_name_is_valid(name))
                return error_set(error, OUTCOME_BAD_PROFILE,
                                 "seccomp '%s': not the name of a profile", name);
        r = profile_load(folders, name, ret, &why);
        if (r == -ENOENT)
                return error_set(error, OUTCOME_BAD_PROFILE, "seccomp '%s': no such profile", name);
        return r > 0 ? error_set(error, r, "%s", why.text) : r;
}

static int by_name(struct profiles *profiles, const char *name, const struct profile **ret,
                   struct error *error) {
        struct profile *profile;
        char *copy;
        int r;

        for (unsigned i = 0; i < profiles->n; i++)
                if (strcmp(profiles->list[i].name, name) == 0) {
                        *ret = profiles->list[i].profile;
                        return 0;
                }
        r = load(name, &profile, error);
        if (r)
                return r;
        copy = strdup(name);
        if (!copy) {
                profile_free(profile);
                return -ENOMEM;
        }
        if (profiles->n == PROFILES_MAX)
                profiles_clear(profiles);
        profiles->list[profiles->n++] = (struct named){ copy, profile };
        *ret = profile;
        return 0;
}

int profiles_get(struct profiles *profiles, const char *name, const struct target *target,
                 const struct profile **ret, struct error *error) {
        if (strcmp(name, "target") != 0)
                return by_name(profiles, name, ret, error);
        /* A target without a profile of its own does not make the command unconfined: that is asked for by name, and
         * the ceiling has to allow it. */
        *ret = target->profile;
        return *ret ? 0 : by_name(profiles, "default", ret, error);
}
