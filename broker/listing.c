/* SPDX-License-Identifier: Apache-2.0 */
/* The list of targets. One question at a time: folder after folder, container after container, then /proc. */
#include "broker/listing.h"

#include "broker/ask.h"
#include "broker/lookup.h"
#include "broker/oci.h"
#include "broker/roster.h"
#include "broker/target.h"
#include "common/reason.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTED_MAX 4096

struct listing {
        struct listing_start start;
        struct lookup_context context; /* a copy: a reload does not change a list under way */
        struct ask *ask;
        size_t place;
        char *names; /* of this place, NUL-ended each */
        size_t names_size;
        size_t at;  /* the name that is next */
        char *name; /* that is being opened: points into names */
        struct listed *list;
        size_t n;
        struct error error;
};

static void finish(struct listing *listing, int result) {
        struct listing_start start = listing->start;

        if (result < 0)
                result = ask_link_error(&listing->error, result);
        start.done(start.userdata, result, listing->list, listing->n, listing->error.text);
        listing_free(listing);
}

static int add(struct listing *listing, const struct lookup_place *place, const char *name,
               int32_t pid) {
        struct listed *grown = reallocarray(listing->list, listing->n + 1, sizeof *grown);

        if (!grown)
                return -ENOMEM;
        listing->list = grown;
        grown[listing->n] = (struct listed){ place->engine, place->dir, strdup(name), pid };
        if (!grown[listing->n].name)
                return -ENOMEM;
        listing->n++;
        return 0;
}

static bool is_listed(const struct listing *listing, int32_t pid) {
        for (size_t i = 0; i < listing->n; i++)
                if (listing->list[i].pid == pid)
                        return true;
        return false;
}

/* Inits that no engine named, by kernel truth. */
static int scan_proc(struct listing *listing) {
        static const struct lookup_place none = { "pid", NULL };
        DIR *dir = opendir("/proc");
        struct dirent *entry;
        int r = 0;

        if (!dir)
                return -errno;
        while (r == 0 && listing->n < LISTED_MAX && (entry = readdir(dir))) {
                int32_t pid = (int32_t)strtol(entry->d_name, NULL, 10);

                if (pid > 1 && listing->start.wanted(listing->start.userdata, "pid", entry->d_name) &&
                    target_is_init(pid) && !is_listed(listing, pid))
                        r = add(listing, &none, entry->d_name, pid);
        }
        closedir(dir);
        return r;
}

static const struct lookup_place *place(const struct listing *listing) {
        return &listing->context.places[listing->place];
}

static void next(struct listing *listing);

static void on_state(void *userdata, struct answer *answer) {
        struct listing *listing = userdata;
        bool crun = strcmp(place(listing)->engine, "crun") == 0;
        struct oci_state state = { 0 };
        struct error error;
        int r = answer->result;

        listing->ask = NULL;
        if (r == 0)
                r = crun ? oci_parse_crun_status(answer->text, answer->text_size, &state, &error)
                         : oci_parse_runc_state(answer->text, answer->text_size, &state, &error);
        /* One whose files are odd or gone is left out; the others are shown. */
        if (r == 0 && state.pid > 0 &&
            (!state.start_ticks || target_start_ticks((int32_t)state.pid) == state.start_ticks)) {
                roster_add(listing->context.roster, place(listing)->dir, listing->name,
                           (int32_t)state.pid, state.start_ticks);
                if (listing->n < LISTED_MAX &&
                    add(listing, place(listing), listing->name, (int32_t)state.pid) < 0) {
                        finish(listing, -ENOMEM);
                        return;
                }
        }
        next(listing);
}

static void on_names(void *userdata, struct answer *answer) {
        struct listing *listing = userdata;

        listing->ask = NULL;
        if (answer->result && answer->reason == 0) {
                listing->error = answer->error;
                finish(listing, answer->result);
                return;
        }
        listing->names = answer->text;
        listing->names_size = answer->text_size;
        listing->at = 0;
        answer->text = NULL;
        if (!listing->names)
                listing->place++;
        next(listing);
}

/* The next name of this place that is to be shown; NULL: there is none. */
static char *next_name(struct listing *listing) {
        while (listing->names && listing->at < listing->names_size) {
                char *name = listing->names + listing->at;

                listing->at += strlen(name) + 1;
                if (target_name_is_valid(name) &&
                    listing->start.wanted(listing->start.userdata, place(listing)->engine, name))
                        return name;
        }
        return NULL;
}

/* Those that are remembered are not opened again: the first that has to be, or NULL. */
static char *next_unknown(struct listing *listing, int *ret) {
        char *name;
        int32_t pid;

        *ret = 0;
        while ((name = next_name(listing))) {
                pid = roster_find(listing->context.roster, place(listing)->dir, name);
                if (!pid)
                        return name;
                if (listing->n < LISTED_MAX && (*ret = add(listing, place(listing), name, pid)) < 0)
                        return NULL;
        }
        return NULL;
}

static int open_next(struct listing *listing, const struct asker *asker) {
        const char *file = strcmp(place(listing)->engine, "crun") == 0 ? "status" : "state.json";
        char path[300];

        snprintf(path, sizeof path, "%s/%s", listing->name, file);
        return ask_state(asker, place(listing)->dir, path, &listing->ask);
}

static void next(struct listing *listing) {
        struct asker asker = { .links = listing->context.links,
                               .now = listing->start.now,
                               .userdata = listing };
        int r;

        listing->name = next_unknown(listing, &r);
        if (r < 0) {
                finish(listing, r);
                return;
        }
        if (listing->name) {
                asker.done = on_state;
                r = open_next(listing, &asker);
        } else {
                if (listing->names)
                        listing->place++;
                free(listing->names);
                listing->names = NULL;
                if (listing->place == listing->context.n_places) {
                        finish(listing, scan_proc(listing));
                        return;
                }
                asker.done = on_names;
                r = ask_list(&asker, place(listing)->dir, &listing->ask);
        }
        if (r < 0)
                finish(listing, r);
}

int listing_start(const struct listing_start *start, struct listing **ret) {
        struct asker asker = { .links = start->context->links,
                               .now = start->now,
                               .done = on_names };
        struct listing *listing = calloc(1, sizeof *listing);
        int r;

        if (!listing)
                return -ENOMEM;
        listing->start = *start;
        listing->context = *start->context;
        asker.userdata = listing;
        if (start->context->n_places == 0) {
                free(listing);
                return -ENOENT;
        }
        r = ask_list(&asker, start->context->places[0].dir, &listing->ask);
        if (r < 0) {
                free(listing);
                return r;
        }
        *ret = listing;
        return 0;
}

struct listing *listing_free(struct listing *listing) {
        if (!listing)
                return NULL;
        ask_free(listing->ask);
        for (size_t i = 0; i < listing->n; i++)
                free(listing->list[i].name);
        free(listing->list);
        free(listing->names);
        free(listing);
        return NULL;
}
