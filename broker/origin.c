/* SPDX-License-Identifier: Apache-2.0 */
/* docker says name and pid in one file, podman in two of two folders; the storage driver is part of podman's paths. A file that is
 * absent, too big or odd says nothing. */
#include "broker/origin.h"

#include "broker/ask.h"
#include "broker/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One file that may be there: a folder below a store of this kind, and the path in it; %s is the id. */
static const struct place {
        const char *store;
        const char *folder;
        const char *file;
} places[] = {
        { "docker", "containers", "%s/config.v2.json" },
        { "podman", "overlay-containers", "containers.json" },
        { "podman", "vfs-containers", "containers.json" },
        { "podman-run", "overlay-containers", "%s/userdata/pidfile" },
        { "podman-run", "vfs-containers", "%s/userdata/pidfile" },
};
#define N_PLACES (sizeof places / sizeof places[0])

struct origin {
        struct origin_start start;
        struct ask *ask;
        size_t place;
        size_t store; /* of the context; that is being asked, or next */
        struct engine_container found;
        bool is_init; /* the engine says that the process is its init */
};

static void finish(struct origin *origin, int result) {
        struct origin_start start = origin->start;
        struct engine_container found = origin->found;
        bool known = result == 0 && origin->is_init && found.name[0];

        origin->found = (struct engine_container){ 0 };
        origin_free(origin);
        start.done(start.userdata, result, known ? &found : NULL);
        metadata_clear(&found.metadata);
}

static bool is_asked_for(const struct origin *origin) {
        const char *store = places[origin->place].store;
        size_t n = strlen(origin->start.of.engine);

        if (strncmp(store, origin->start.of.engine, n) != 0)
                return false;
        /* A name is sought until there is one, then the pid; docker's file says both. */
        return store[n] == 0 ? !origin->found.name[0] : origin->found.name[0] && !origin->is_init;
}

static int ask_next(struct origin *origin);

static int take(struct origin *origin, const struct answer *answer) {
        struct engine_container *found = &origin->found;
        const char *id = origin->start.of.id;
        struct error ignored;
        int r = 0;

        if (!found->name[0])
                metadata_clear(&found->metadata);
        if (strcmp(places[origin->place].store, "docker") == 0)
                r = engine_read_docker(answer->text, answer->text_size, id, found, &ignored);
        else if (strcmp(places[origin->place].store, "podman") == 0)
                r = engine_read_podman(answer->text, answer->text_size, id, found, &ignored);
        else
                found->pid = engine_read_pidfile(answer->text, answer->text_size);
        origin->is_init = found->pid == origin->start.pid;
        return r < 0 ? r : 0;
}

static void on_file(void *userdata, struct answer *answer) {
        struct origin *origin = userdata;
        int r = 0;

        origin->ask = NULL;
        if (answer->result == 0)
                r = take(origin, answer);
        origin->store++;
        if (r == 0)
                r = ask_next(origin);
        if (r < 0)
                finish(origin, r == -ENOENT ? 0 : r);
}

/* Asks the next file. 0; -ENOENT: there is none left; -errno. */
static int ask_next(struct origin *origin) {
        const struct lookup_context *context = origin->start.context;
        struct asker asker = { .links = context->links,
                               .now = origin->start.now,
                               .done = on_file,
                               .userdata = origin };
        char dir[300], path[128];
        int r;

        for (; origin->place < N_PLACES; origin->place++, origin->store = 0) {
                const struct place *place = &places[origin->place];

                for (; origin->store < context->n_stores && is_asked_for(origin); origin->store++) {
                        const struct lookup_place *store = &context->stores[origin->store];

                        if (strcmp(store->engine, place->store) != 0)
                                continue;
                        snprintf(dir, sizeof dir, "%s/%s", store->dir, place->folder);
                        if (place->file[0] == '%')
                                snprintf(path, sizeof path, "%s%s", origin->start.of.id,
                                         place->file + 2);
                        else
                                snprintf(path, sizeof path, "%s", place->file);
                        r = ask_state(&asker, dir, path, &origin->ask);
                        if (r != -ENAMETOOLONG)
                                return r;
                }
        }
        return -ENOENT;
}

int origin_start(const struct origin_start *start, struct origin **ret) {
        struct origin *origin = calloc(1, sizeof *origin);
        int r;

        if (!origin)
                return -ENOMEM;
        origin->start = *start;
        r = ask_next(origin);
        if (r < 0)
                origin_free(origin);
        else
                *ret = origin;
        return r;
}

struct origin *origin_free(struct origin *origin) {
        if (!origin)
                return NULL;
        ask_free(origin->ask);
        metadata_clear(&origin->found.metadata);
        free(origin);
        return NULL;
}
