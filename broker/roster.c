/* SPDX-License-Identifier: Apache-2.0 */
/* A table by folder and name. */
#include "broker/roster.h"

#include "broker/limits.h"
#include "broker/target.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024u

struct entry {
        struct entry *next;
        const char *dir;
        char *name;
        int32_t pid;
        uint64_t start_ticks;
};

struct roster {
        struct entry *buckets[BUCKETS];
        unsigned n;
};

struct roster *roster_new(void) {
        return calloc(1, sizeof(struct roster));
}

static unsigned bucket_of(const char *name) {
        uint32_t hash = 2166136261u;

        while (*name)
                hash = (hash ^ (unsigned char)*name++) * 16777619u;
        return hash % BUCKETS;
}

static bool lives(const struct entry *entry) {
        return target_start_ticks(entry->pid) == entry->start_ticks;
}

static void drop(struct roster *roster, struct entry **slot) {
        struct entry *entry = *slot;

        *slot = entry->next;
        roster->n--;
        free(entry->name);
        free(entry);
}

static void drop_dead(struct roster *roster, bool all) {
        for (unsigned i = 0; i < BUCKETS; i++)
                for (struct entry **slot = &roster->buckets[i]; *slot;) {
                        if (all || !lives(*slot))
                                drop(roster, slot);
                        else
                                slot = &(*slot)->next;
                }
}

struct roster *roster_free(struct roster *roster) {
        if (roster)
                drop_dead(roster, true);
        free(roster);
        return NULL;
}

static struct entry **find(const struct roster *roster, const char *dir, const char *name) {
        struct entry **slot = (struct entry **)&roster->buckets[bucket_of(name)];

        while (*slot && (strcmp((*slot)->name, name) != 0 || strcmp((*slot)->dir, dir) != 0))
                slot = &(*slot)->next;
        return slot;
}

void roster_add(struct roster *roster, const char *dir, const char *name, int32_t pid,
                uint64_t start_ticks) {
        struct entry **slot = find(roster, dir, name), *entry;

        if (*slot)
                drop(roster, slot);
        if (roster->n == LIMIT_ROSTER)
                drop_dead(roster, false);
        entry = roster->n < LIMIT_ROSTER && start_ticks ? calloc(1, sizeof *entry) : NULL;
        if (!entry)
                return;
        *entry = (struct entry){ .dir = dir, .name = strdup(name), .pid = pid,
                                 .start_ticks = start_ticks };
        if (!entry->name) {
                free(entry);
                return;
        }
        slot = &roster->buckets[bucket_of(name)];
        entry->next = *slot;
        *slot = entry;
        roster->n++;
}

int32_t roster_find(const struct roster *roster, const char *dir, const char *name) {
        struct entry **slot = find(roster, dir, name);

        return *slot && lives(*slot) ? (*slot)->pid : 0;
}
