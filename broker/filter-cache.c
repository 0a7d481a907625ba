/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled filters by the SHA-256 of what they were made from: compiling takes milliseconds, an
 * exec takes two.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/filter.h"
#include "broker/profile-rule.h"
#include "common/sha256.h"

struct entry {
        uint8_t key[32];
        struct filter *filter;
        uint64_t used; /* the cache's count of gets when it was last wanted */
};

struct filter_cache {
        size_t max, n;
        uint64_t gets;
        struct entry entries[];
};

int filter_cache_new(size_t max, struct filter_cache **ret) {
        struct filter_cache *cache;

        if (max == 0 || max > 4096)
                return -EINVAL;
        cache = calloc(1, sizeof(*cache) + max * sizeof(cache->entries[0]));
        if (!cache)
                return -ENOMEM;
        cache->max = max;
        *ret = cache;
        return 0;
}

void filter_cache_clear(struct filter_cache *cache) {
        for (size_t i = 0; i < cache->n; i++)
                cache->entries[i].filter = filter_free(cache->entries[i].filter);
        cache->n = 0;
}

struct filter_cache *filter_cache_free(struct filter_cache *cache) {
        if (cache)
                filter_cache_clear(cache);
        free(cache);
        return NULL;
}

/* Only what can matter goes in: a profile that asks for no capability has one filter for all
 * bounding sets. */
static void make_key(const struct profile *profile, const struct filter_params *params,
                     uint8_t ret[static 32]) {
        struct {
                uint8_t digest[32];
                uint64_t caps;
                uint32_t has_profile, kernel_major, kernel_minor, zero;
        } parts = { .kernel_major = params->kernel_major, .kernel_minor = params->kernel_minor };

        if (profile) {
                parts.has_profile = 1;
                memcpy(parts.digest, profile->digest, sizeof(parts.digest));
                parts.caps = params->caps & profile->caps_used;
        }
        sha256(&parts, sizeof(parts), ret);
}

static struct entry *find(struct filter_cache *cache, const uint8_t key[static 32]) {
        for (size_t i = 0; i < cache->n; i++)
                if (memcmp(cache->entries[i].key, key, 32) == 0)
                        return &cache->entries[i];
        return NULL;
}

static struct entry *make_room(struct filter_cache *cache) {
        struct entry *oldest = &cache->entries[0];

        if (cache->n < cache->max)
                return &cache->entries[cache->n++];
        for (size_t i = 1; i < cache->n; i++)
                if (cache->entries[i].used < oldest->used)
                        oldest = &cache->entries[i];
        oldest->filter = filter_free(oldest->filter);
        return oldest;
}

int filter_cache_get(struct filter_cache *cache, const struct profile *profile,
                     const struct filter_params *params, struct filter **ret,
                     struct profile_error *err) {
        struct filter *filter = NULL;
        struct entry *entry;
        uint8_t key[32];
        int r;

        make_key(profile, params, key);
        entry = find(cache, key);
        if (!entry) {
                r = filter_compile(profile, params, &filter, err);
                if (r != 0)
                        return r;
                entry = make_room(cache);
                memcpy(entry->key, key, sizeof(key));
                entry->filter = filter;
        }
        entry->used = ++cache->gets;
        *ret = filter_ref(entry->filter);
        return 0;
}
