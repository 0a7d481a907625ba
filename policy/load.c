/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the rules, and the test cases beside them. Never a part: one bad file and the caller keeps what it has. */
#include "policy/load.h"

#include "config.h"
#include "policy/case.h"
#include "policy/folder.h"

static const char *const system_folders[] = {
        AIRLOCK_LIB_DIR "/policy.d",
        AIRLOCK_RUN_DIR "/policy.d",
        AIRLOCK_CONF_DIR "/policy.d",
};

const struct policy_sources *policy_system_sources(void) {
        static const struct policy_sources sources = { .folders = system_folders, .n_folders = 3 };

        return &sources;
}

static int take_rules(void *data, const char *path, const char *text, size_t len,
                      struct policy_errors *errors) {
        return policy_set_add(data, path, text, len, errors);
}

int policy_load(const struct policy_sources *sources, struct policy_set **ret,
                struct policy_errors *errors) {
        struct policy_set *set = NULL;
        int r = policy_set_new(&set);

        if (r == 0)
                r = folder_read(sources, ".conf", take_rules, set, errors);
        if (r == 0)
                r = policy_set_freeze(set, errors);
        if (r == 0)
                *ret = set;
        else
                policy_set_unref(set);
        return r;
}

static int take_cases(void *data, const char *path, const char *text, size_t len,
                      struct policy_errors *errors) {
        return policy_cases_add(data, path, text, len, errors);
}

int policy_load_cases(const struct policy_sources *sources, struct policy_cases **ret,
                      struct policy_errors *errors) {
        struct policy_cases *cases = NULL;
        int r = policy_cases_new(&cases);

        if (r == 0)
                r = folder_read(sources, ".case", take_cases, cases, errors);
        if (r == 0)
                *ret = cases;
        else
                policy_cases_free(cases);
        return r;
}
