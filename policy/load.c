/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the rules, and the test cases beside them. Never a part: one bad file and the caller keeps what it has. */
#include "policy/load.h"

#include <string.h>

#include "common/sha256.h"
#include "config.h"
#include "policy/case.h"
#include "policy/folder.h"
#include "policy/rule.h"

static const char *const system_folders[] = {
        AIRLOCK_LIB_DIR "/policy.d",
        AIRLOCK_RUN_DIR "/policy.d",
        AIRLOCK_CONF_DIR "/policy.d",
};

const struct policy_sources *policy_system_sources(void) {
        static const struct policy_sources sources = { .folders = system_folders, .n_folders = 3 };

        return &sources;
}

struct rules {
        struct policy_set *set;
        struct sha256 digest;
};

/* Names and texts, each with its end: other files, or the same under another name, are another digest. */
static int take_rules(void *data, const char *path, const char *text, size_t len,
                      struct policy_errors *errors) {
        struct rules *rules = data;
        uint64_t size = len;

        sha256_update(&rules->digest, path, strlen(path) + 1);
        sha256_update(&rules->digest, &size, sizeof(size));
        sha256_update(&rules->digest, text, len);
        return policy_set_add(rules->set, path, text, len, errors);
}

int policy_load(const struct policy_sources *sources, struct policy_set **ret,
                struct policy_errors *errors) {
        struct rules rules = { 0 };
        uint8_t digest[32];
        int r = policy_set_new(&rules.set);

        sha256_init(&rules.digest);
        if (r == 0)
                r = folder_read(sources, ".conf", take_rules, &rules, errors);
        if (r == 0)
                r = policy_set_freeze(rules.set, errors);
        if (r != 0) {
                policy_set_unref(rules.set);
                return r;
        }
        sha256_final(&rules.digest, digest);
        sha256_hex(digest, rules.set->digest);
        *ret = rules.set;
        return 0;
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
