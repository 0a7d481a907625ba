/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a target: the engines' folders by list, the engine's files by open, the kernel's facts by describe. Every answer leads to
 * the next question; the pidfd is opened before the facts are read, and the start time compared after, so that a number that was
 * given to another process in between is noticed. However a container is called, by its name, by the number of its init or by the
 * name that its runtime has for it, the same facts are found: or a rule about it could be passed by another spelling. */
#include "broker/lookup.h"

#include "broker/ask.h"
#include "broker/listing.h"
#include "broker/origin.h"
#include "broker/profile.h"
#include "broker/target.h"
#include "common/fd.h"
#include "common/reason.h"
#include "policy/policy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How long an engine's word on a name counts: within it a second container of this name goes unnoticed. */
#define VERIFIED_US (UINT64_C(1000) * 1000)

/* Whether one folder has the name. */
struct question {
        struct lookup *lookup;
        struct ask *ask;
        bool has_name;
};

struct lookup {
        struct lookup_context context; /* a copy: a reload does not change a lookup under way */
        struct ask *ask;
        struct listing *listing; /* while the container of a process is sought */
        struct origin *origin;   /* while its engine is asked for its name */
        uint64_t now;
        lookup_done_t done;
        void *userdata;
        char *name;
        char *container; /* its name in the engine's folder; NULL: as asked for */
        const char *engine;         /* asked for; NULL: any */
        struct question *questions; /* one for each place */
        size_t n_open;
        const struct lookup_place *found_in;
        const struct lookup_place
                *or_in; /* the same folder, told to be of another engine too: its files decide */
        struct target_found found;
        struct wire_facts facts;
        char *environ;
};

static int parse_pid(const char *text, int32_t *ret, struct error *error) {
        char *end;
        long n;

        errno = 0;
        n = strtol(text, &end, 10);
        if (errno || *end || text[0] < '1' || text[0] > '9' || n > INT32_MAX)
                return error_set(error, OUTCOME_INVALID_ARGS,
                                 "target 'pid:%s': expected pid: and the number of a process",
                                 text);
        *ret = (int32_t)n;
        return 0;
}

int target_spec_parse(const char *text, struct target_spec *ret, struct error *error) {
        const char *colon = strchr(text, ':');
        struct target_spec spec = { .name = text };

        if (colon) {
                const char *const *names = policy_engine_names();

                while (*names && (strncmp(*names, text, (size_t)(colon - text)) != 0 ||
                                  (*names)[colon - text] != 0))
                        names++;
                if (!*names)
                        return error_set(error, OUTCOME_INVALID_ARGS,
                                         "target '%s': no engine of that name", text);
                spec.engine = *names;
                spec.name = colon + 1;
        }
        if (spec.engine && strcmp(spec.engine, "pid") == 0) {
                int r = parse_pid(spec.name, &spec.pid, error);

                if (r)
                        return r;
        }
        *ret = spec;
        return 0;
}

static void finish(struct lookup *lookup, int result, struct target *target, struct error *error) {
        lookup_done_t done = lookup->done;
        void *userdata = lookup->userdata;

        lookup_free(lookup);
        done(userdata, result, target, error);
}

static void fail(struct lookup *lookup, int result) {
        struct error error = { "" };

        if (result == -ESRCH)
                result = error_set(&error, OUTCOME_TARGET_NOT_RUNNING, "target %s: is not running",
                                   lookup->name);
        else if (result < 0)
                result = ask_link_error(&error, result);
        finish(lookup, result, NULL, &error);
}

static struct asker asker(struct lookup *lookup, void (*done)(void *, struct answer *)) {
        return (struct asker){
                .links = lookup->context.links, .now = lookup->now, .done = done, .userdata = lookup
        };
}

static void complete(struct lookup *lookup) {
        struct target *target = targets_find(lookup->context.targets, lookup->found.engine,
                                             lookup->found.name);
        struct error error = { "" };
        int r = 0;

        /* One that is asked about again stays the same: somebody may be waiting for an answer about it. */
        if (!target || !target_is_as_found(target, &lookup->found))
                r = targets_add(lookup->context.targets, &lookup->found, &target);
        if (r < 0) {
                fail(lookup, r);
                return;
        }
        target->verified_us = lookup->now;
        finish(lookup, 0, target, &error);
}

static void on_origin(void *userdata, int result, struct engine_container *container) {
        struct lookup *lookup = userdata;
        struct target_found *found = &lookup->found;

        lookup->origin = NULL;
        if (result < 0) {
                fail(lookup, result);
                return;
        }
        if (container) {
                struct engine_origin of;

                engine_of_cgroup(lookup->facts.cgroup, &of);
                found->as_engine = of.engine;
                memcpy(found->as_name, container->name, sizeof found->as_name);
                found->metadata = container->metadata;
                container->metadata = (struct metadata){ 0 };
        }
        complete(lookup);
}

/* A runtime's container that another engine made, by its cgroup: what counts is that one's name. As long as its files do not say
 * it, it is a process whose container is not known. */
static int ask_origin(struct lookup *lookup) {
        struct target_found *found = &lookup->found;
        struct origin_start start = { .context = &lookup->context,
                                      .now = lookup->now,
                                      .pid = found->pid,
                                      .done = on_origin,
                                      .userdata = lookup };

        engine_of_cgroup(lookup->facts.cgroup, &start.of);
        if (!start.of.engine)
                return -ENOENT;
        metadata_clear(&found->metadata);
        found->as_engine = "pid";
        snprintf(found->as_name, sizeof found->as_name, "%d", found->pid);
        memcpy(found->id, start.of.id, sizeof found->id);
        return start.of.id[0] ? origin_start(&start, &lookup->origin) : -ENOENT;
}

static void on_facts(void *userdata, struct answer *answer) {
        struct lookup *lookup = userdata;
        struct error error = { "" };
        int r;

        lookup->ask = NULL;
        if (answer->result) {
                finish(lookup, answer->result, NULL, &answer->error);
                return;
        }
        if (!(answer->facts->flags & WIRE_FACT_ALLOWED)) {
                r = error_set(&error, reason_outcome(answer->facts->reason), "target %s: %s",
                              lookup->name, reason_text(answer->facts->reason));
                finish(lookup, r, NULL, &error);
                return;
        }
        lookup->facts = *answer->facts;
        lookup->environ = answer->text;
        answer->text = NULL;
        lookup->found.facts = &lookup->facts;
        lookup->found.environ = lookup->environ;
        lookup->found.environ_size = answer->text_size;
        r = ask_origin(lookup);
        if (r == -ENOENT)
                complete(lookup);
        else if (r < 0)
                fail(lookup, r);
}

static int describe(struct lookup *lookup) {
        struct asker ask = asker(lookup, on_facts);

        return ask_describe(&ask, lookup->found.pidfd, &lookup->ask);
}

static int take_config(struct lookup *lookup, const struct answer *answer, struct error *error) {
        struct profile_error profile_error = { "" };
        int r;

        r = oci_parse_process(answer->text, answer->text_size, &lookup->found.process, error);
        if (r)
                return r;
        lookup->found.declared = true;
        r = engine_read_config(answer->text, answer->text_size, &lookup->found.metadata, error);
        if (r)
                return r;
        r = profile_parse_oci(answer->text, answer->text_size, "the target's own profile",
                              &lookup->found.profile, &profile_error);
        return r > 0 ? error_set(error, r, "%s", profile_error.text) : r;
}

static void on_config(void *userdata, struct answer *answer) {
        struct lookup *lookup = userdata;
        int r = answer->result;

        lookup->ask = NULL;
        if (r == 0)
                r = take_config(lookup, answer, &answer->error);
        if (r > 0) {
                finish(lookup, r, NULL, &answer->error);
                return;
        }
        if (r == 0)
                r = describe(lookup);
        if (r < 0)
                fail(lookup, r);
}

/* A pidfd of the very process that the engine meant; where there is one already it has to be that one's. */
static int pin(struct lookup *lookup, const struct oci_state *state) {
        if (state->pid <= 0 || state->pid > INT32_MAX ||
            (lookup->found.pidfd >= 0 && state->pid != lookup->found.pid))
                return -ESRCH;
        lookup->found.pid = (int32_t)state->pid;
        if (lookup->found.pidfd < 0)
                lookup->found.pidfd = (int)syscall(SYS_pidfd_open, lookup->found.pid, 0);
        if (lookup->found.pidfd < 0)
                return errno == EINVAL ? -ESRCH : -errno;
        if (state->start_ticks && target_start_ticks(lookup->found.pid) != state->start_ticks)
                return -ESRCH;
        return 0;
}

static const char *container(const struct lookup *lookup) {
        return lookup->container ? lookup->container : lookup->name;
}

static int ask_config(struct lookup *lookup) {
        struct asker ask = asker(lookup, on_config);
        char path[300];

        /* runc keeps no copy of its config: what its state does not say comes from the kernel. */
        if (strcmp(lookup->found_in->engine, "crun") != 0)
                return describe(lookup);
        snprintf(path, sizeof path, "%s/config.json", container(lookup));
        return ask_state(&ask, lookup->found_in->dir, path, &lookup->ask);
}

static int open_state(struct lookup *lookup);

static int take_runc_state(struct lookup *lookup, struct answer *answer, struct oci_state *state) {
        int r = oci_parse_runc_state(answer->text, answer->text_size, state, &answer->error);

        return r ? r
                 : engine_read_runc_state(answer->text, answer->text_size, &lookup->found.metadata,
                                          &answer->error);
}

static void on_state(void *userdata, struct answer *answer) {
        struct lookup *lookup = userdata;
        struct oci_state state = { 0 };
        int r = answer->result;

        lookup->ask = NULL;
        if (r && answer->reason == REASON_FILE_ABSENT && lookup->or_in) {
                lookup->found_in = lookup->or_in;
                lookup->or_in = NULL;
                r = open_state(lookup);
                if (r < 0)
                        fail(lookup, r);
                return;
        }
        if (r && answer->reason == REASON_FILE_ABSENT)
                r = -ESRCH;
        if (r == 0 && strcmp(lookup->found_in->engine, "crun") == 0)
                r = oci_parse_crun_status(answer->text, answer->text_size, &state, &answer->error);
        else if (r == 0)
                r = take_runc_state(lookup, answer, &state);
        if (r > 0) {
                finish(lookup, r, NULL, &answer->error);
                return;
        }
        if (r == 0)
                r = pin(lookup, &state);
        if (r == 0)
                r = ask_config(lookup);
        if (r < 0)
                fail(lookup, r);
}

static int open_state(struct lookup *lookup) {
        struct target *known = targets_find(lookup->context.targets, lookup->found_in->engine,
                                            lookup->name);
        struct asker ask = asker(lookup, on_state);
        struct error error = { "" };
        char path[300];

        if (known && !lookup->container && !target_may_be_renamed(known)) {
                known->verified_us = lookup->now;
                finish(lookup, 0, known, &error);
                return 0;
        }
        if (lookup->container) {
                lookup->found.as_engine = lookup->found_in->engine;
                snprintf(lookup->found.as_name, sizeof lookup->found.as_name, "%s",
                         lookup->container);
        } else {
                lookup->found.engine = lookup->found_in->engine;
                lookup->found.name = lookup->name;
        }
        snprintf(path, sizeof path, "%s/%s", container(lookup),
                 strcmp(lookup->found_in->engine, "crun") == 0 ? "status" : "state.json");
        return ask_state(&ask, lookup->found_in->dir, path, &lookup->ask);
}

static bool has_name(const char *names, size_t size, const char *name) {
        for (size_t at = 0; at < size; at += strlen(names + at) + 1)
                if (strcmp(names + at, name) == 0)
                        return true;
        return false;
}

/* The folders that have the name: one is the target's. */
static int conclude(struct lookup *lookup) {
        struct error error;

        for (size_t i = 0; i < lookup->context.n_places; i++) {
                const struct lookup_place *place = &lookup->context.places[i],
                                          *first = lookup->found_in;

                if (!lookup->questions[i].has_name)
                        continue;
                if (!first) {
                        lookup->found_in = place;
                } else if (strcmp(first->dir, place->dir) == 0) {
                        lookup->or_in = place;
                } else {
                        error_set(&error, OUTCOME_AMBIGUOUS_TARGET,
                                  "target %s: is both %s:%s in %s and %s:%s in %s", lookup->name,
                                  first->engine, lookup->name, first->dir, place->engine,
                                  lookup->name, place->dir);
                        finish(lookup, OUTCOME_AMBIGUOUS_TARGET, NULL, &error);
                        return 0;
                }
        }
        if (lookup->found_in)
                return open_state(lookup);
        error_set(&error, OUTCOME_NO_SUCH_TARGET, "target %s: no such target", lookup->name);
        finish(lookup, OUTCOME_NO_SUCH_TARGET, NULL, &error);
        return 0;
}

static void on_names(void *userdata, struct answer *answer) {
        struct question *question = userdata;
        struct lookup *lookup = question->lookup;
        int r = 0;

        question->ask = NULL;
        lookup->n_open--;
        /* A folder that is not there, or that the ceiling does not list, has no targets; anything else is a failure. */
        if (answer->result && answer->reason != REASON_FILE_ABSENT &&
            answer->reason != REASON_DIR_UNKNOWN) {
                finish(lookup, answer->result, NULL, &answer->error);
                return;
        }
        question->has_name = answer->result == 0 &&
                             has_name(answer->text, answer->text_size, lookup->name);
        if (lookup->n_open == 0)
                r = conclude(lookup);
        if (r < 0)
                fail(lookup, r);
}

/* All folders at once: each takes a process of the helper's, and they do not wait for each other. */
static int list_all(struct lookup *lookup) {
        struct asker ask = asker(lookup, on_names);
        int r = 0;

        lookup->questions = calloc(lookup->context.n_places, sizeof *lookup->questions);
        if (!lookup->questions)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < lookup->context.n_places; i++) {
                const struct lookup_place *place = &lookup->context.places[i];

                if (lookup->engine && strcmp(place->engine, lookup->engine) != 0)
                        continue;
                lookup->questions[i].lookup = lookup;
                ask.userdata = &lookup->questions[i];
                r = ask_list(&ask, place->dir, &lookup->questions[i].ask);
                lookup->n_open += r == 0;
        }
        return r;
}

/* ---- a process by its number: first, whose init it is ---- */

static bool is_container(void *userdata, const char *engine, const char *name) {
        return strcmp(engine, "pid") != 0;
}

static int take_container(struct lookup *lookup, const struct listed *listed) {
        for (size_t i = 0; i < lookup->context.n_places; i++)
                if (lookup->context.places[i].dir == listed->dir &&
                    lookup->context.places[i].engine == listed->engine)
                        lookup->found_in = &lookup->context.places[i];
        lookup->container = strdup(listed->name);
        return lookup->container ? open_state(lookup) : -ENOMEM;
}

static void on_listed(void *userdata, int result, const struct listed *list, size_t n,
                      const char *text) {
        struct lookup *lookup = userdata;
        size_t i = 0;
        int r;

        lookup->listing = NULL;
        if (result) {
                struct error error;

                error_set(&error, result, "%s", text);
                finish(lookup, result, NULL, &error);
                return;
        }
        while (i < n && list[i].pid != lookup->found.pid)
                i++;
        r = i < n ? take_container(lookup, &list[i]) : describe(lookup);
        if (r < 0)
                fail(lookup, r);
}

static int find_container(struct lookup *lookup) {
        struct listing_start start = { .context = &lookup->context,
                                       .now = lookup->now,
                                       .wanted = is_container,
                                       .done = on_listed,
                                       .userdata = lookup };
        int r = listing_start(&start, &lookup->listing);

        return r == -ENOENT ? describe(lookup) : r;
}

static int begin_pid(struct lookup *lookup, int32_t pid, struct error *error) {
        lookup->found.engine = "pid";
        lookup->found.name = lookup->name;
        lookup->found.pid = pid;
        lookup->found.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        /* A process that is no container's init answers as one that is not there: a caller learns nothing of the host's. */
        if (lookup->found.pidfd < 0 || !target_is_init(pid))
                return error_set(error, OUTCOME_NO_SUCH_TARGET, "target pid:%d: no such target",
                                 pid);
        return find_container(lookup);
}

static bool is_fresh(const struct lookup_start *start, const struct target *target) {
        return start->now - target->verified_us < VERIFIED_US;
}

/* A target that is known by this name, whose engine's word is fresh enough. */
static struct target *known_by_name(const struct lookup_start *start) {
        struct target *target = NULL;
        unsigned n_engines = 0, n_places = 0;
        const char *engine = NULL;

        for (size_t i = 0; i < start->context->n_places; i++) {
                const char *other = start->context->places[i].engine;

                if (start->spec.engine && strcmp(other, start->spec.engine) != 0)
                        continue;
                n_places++;
                if (engine && strcmp(engine, other) == 0)
                        continue;
                engine = other;
                if (targets_find(start->context->targets, other, start->spec.name)) {
                        target = targets_find(start->context->targets, other, start->spec.name);
                        n_engines++;
                }
        }
        if (n_engines != 1)
                return NULL;
        /* One folder has one container of a name, and this one lives: only where others could have it too is their word needed. */
        if (n_places == 1)
                return target;
        return is_fresh(start, target) ? target : NULL;
}

static struct target *known_target(const struct lookup_start *start) {
        struct target *target = start->spec.pid ? targets_find(start->context->targets, "pid",
                                                               start->spec.name)
                                                : known_by_name(start);

        return target && target_may_be_renamed(target) && !is_fresh(start, target) ? NULL : target;
}

static bool engine_is_built(const struct lookup_start *start) {
        if (!start->spec.engine || start->spec.pid)
                return true;
        return strcmp(start->spec.engine, "crun") == 0 || strcmp(start->spec.engine, "runc") == 0;
}

static bool has_place(const struct lookup_start *start) {
        for (size_t i = 0; i < start->context->n_places; i++)
                if (!start->spec.engine ||
                    strcmp(start->context->places[i].engine, start->spec.engine) == 0)
                        return true;
        return start->spec.pid != 0;
}

static int lookup_new(const struct lookup_start *start, struct lookup **ret) {
        struct lookup *lookup = calloc(1, sizeof *lookup);

        if (!lookup)
                return -ENOMEM;
        lookup->found.pidfd = -1;
        lookup->context = *start->context;
        lookup->now = start->now;
        lookup->done = start->done;
        lookup->userdata = start->userdata;
        lookup->engine = start->spec.engine;
        lookup->name = strdup(start->spec.name);
        if (!lookup->name) {
                lookup_free(lookup);
                return -ENOMEM;
        }
        *ret = lookup;
        return 0;
}

int lookup_start(const struct lookup_start *start, struct target **ret_target,
                 struct lookup **ret_lookup, struct error *error) {
        struct target *known = known_target(start);
        struct lookup *lookup;
        int r;

        if (known) {
                *ret_target = known;
                return 0;
        }
        if (!engine_is_built(start))
                return error_set(error, OUTCOME_NOT_SUPPORTED,
                                 "target %s:%s: %s is not known by name yet; use pid:N of its init",
                                 start->spec.engine, start->spec.name, start->spec.engine);
        if (!has_place(start) || (!start->spec.pid && !target_name_is_valid(start->spec.name)))
                return error_set(error, OUTCOME_NO_SUCH_TARGET, "target %s: no such target",
                                 start->spec.name);
        r = lookup_new(start, &lookup);
        if (r < 0)
                return r;
        r = start->spec.pid ? begin_pid(lookup, start->spec.pid, error) : list_all(lookup);
        if (r) {
                lookup_free(lookup);
                return r < 0 ? ask_link_error(error, r) : r;
        }
        *ret_lookup = lookup;
        return 0;
}

struct lookup *lookup_free(struct lookup *lookup) {
        if (!lookup)
                return NULL;
        ask_free(lookup->ask);
        listing_free(lookup->listing);
        origin_free(lookup->origin);
        for (size_t i = 0; lookup->questions && i < lookup->context.n_places; i++)
                ask_free(lookup->questions[i].ask);
        free(lookup->questions);
        target_found_clear(&lookup->found);
        free(lookup->name);
        free(lookup->container);
        free(lookup->environ);
        free(lookup);
        return NULL;
}
