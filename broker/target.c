/* SPDX-License-Identifier: Apache-2.0 */
/* Targets that live. One is known as long as its pidfd does not report its end: then its name means nothing any more. */
#include "broker/target.h"

#include "broker/account.h"
#include "broker/profile.h"
#include "common/fd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#define PROC_EXITING 0x4 /* PF_EXITING, field 9 of /proc/PID/stat */

struct targets {
        sd_event *event;
        struct target *first;
        unsigned n;
};

int targets_new(sd_event *event, struct targets **ret) {
        struct targets *targets = calloc(1, sizeof *targets);

        if (!targets)
                return -ENOMEM;
        targets->event = sd_event_ref(event);
        *ret = targets;
        return 0;
}

/* Out of the registry; sessions in it may hold it for longer. */
static void forget(struct target *target) {
        struct targets *targets = target->registry;

        target->alive = false;
        target->watch = sd_event_source_disable_unref(target->watch);
        if (!targets)
                return;
        for (struct target **slot = &targets->first; *slot; slot = &(*slot)->next)
                if (*slot == target) {
                        *slot = target->next;
                        targets->n--;
                        break;
                }
        target->registry = NULL;
        target_unref(target);
}

struct targets *targets_free(struct targets *targets) {
        if (!targets)
                return NULL;
        while (targets->first)
                forget(targets->first);
        sd_event_unref(targets->event);
        free(targets);
        return NULL;
}

unsigned targets_count(const struct targets *targets) {
        return targets->n;
}

struct target *targets_find(struct targets *targets, const char *engine, const char *name) {
        for (struct target *target = targets->first; target; target = target->next)
                if (!target->stale && strcmp(target->key_name, name) == 0 &&
                    strcmp(target->key_engine, engine) == 0)
                        return target;
        return NULL;
}

void target_refresh(struct target *target) {
        target->stale = true;
        if (target->registry && target->n_refs == 1)
                forget(target);
}

void targets_refresh(struct targets *targets) {
        struct target *next;

        for (struct target *target = targets->first; target; target = next) {
                next = target->next;
                target_refresh(target);
        }
}

static int on_end(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        forget(userdata);
        return 0;
}

void target_found_clear(struct target_found *found) {
        found->pidfd = close_fd(found->pidfd);
        oci_process_clear(&found->process);
        found->profile = profile_free(found->profile);
        metadata_clear(&found->metadata);
}

static const char *engine_found(const struct target_found *found) {
        return found->as_engine ? found->as_engine : found->engine;
}

static const char *name_found(const struct target_found *found) {
        return found->as_engine ? found->as_name : found->name;
}

bool target_is_as_found(const struct target *target, const struct target_found *found) {
        return target->pid == found->pid &&
               target->facts->identity.start_ticks == found->facts->identity.start_ticks &&
               strcmp(target->engine, engine_found(found)) == 0 &&
               strcmp(target->name, name_found(found)) == 0;
}

bool target_may_be_renamed(const struct target *target) {
        return strcmp(target->engine, "docker") == 0 || strcmp(target->engine, "podman") == 0;
}

struct target *target_ref(struct target *target) {
        target->n_refs++;
        return target;
}

struct target *target_unref(struct target *target) {
        if (!target || --target->n_refs > 0) {
                /* The registry's own is the last one of what nobody finds any more. */
                if (target && target->stale && target->registry && target->n_refs == 1)
                        forget(target);
                return NULL;
        }
        sd_event_source_disable_unref(target->watch);
        close_fd(target->pidfd);
        free(target->key_engine);
        free(target->key_name);
        free(target->engine);
        free(target->name);
        free(target->display);
        free(target->id);
        free(target->owner_name);
        metadata_clear(&target->metadata);
        free(target->facts);
        free(target->user);
        oci_process_clear(&target->process);
        strings_clear(&target->env);
        profile_free(target->profile);
        free(target);
        return NULL;
}

/* The text of a file of /proc/PID, as far as it fits. */
static bool read_proc(int32_t pid, const char *file, char *buffer, size_t size) {
        char path[64];
        size_t n = 0;
        FILE *stream;

        snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
        stream = fopen(path, "re");
        if (!stream)
                return false;
        n = fread(buffer, 1, size - 1, stream);
        buffer[n] = 0;
        fclose(stream);
        return n > 0;
}

static bool is_entry(const char *entry, size_t n) {
        static const char letters[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
        const char *equals = memchr(entry, '=', n);

        return equals && equals > entry && strspn(entry, letters) == (size_t)(equals - entry) &&
               (entry[0] < '0' || entry[0] > '9');
}

/* What the container's own environment passes on. Names that no shell can use are left out: the helper would refuse the plan for
 * them, and the container chose them. */
static int inherit_one(struct target *target, const char *entry, size_t n) {
        int r;

        if (!is_entry(entry, n) || n >= LIMIT_STRING_BYTES)
                return 0;
        r = strings_add(&target->env, entry, n);
        return r == -E2BIG ? 0 : r;
}

static int inherit_env(struct target *target, const struct target_found *found) {
        size_t at = 0;
        int r = 0;

        for (size_t i = 0; found->declared && r == 0 && i < target->process.env.n; i++)
                r = inherit_one(target, target->process.env.list[i],
                                strlen(target->process.env.list[i]));
        while (!found->declared && r == 0 && at < found->environ_size) {
                size_t n = strnlen(found->environ + at, found->environ_size - at);

                r = inherit_one(target, found->environ + at, n);
                at += n + 1;
        }
        return r < 0 ? r : strings_index(&target->env);
}

/* An id of ours as the target's user namespace knows it; one that it does not know is left out. */
static bool inside(const struct wire_map *map, uint32_t outside, uint32_t *ret) {
        for (uint32_t i = 0; i < map->n && i < LIMIT_ID_EXTENTS; i++) {
                const struct wire_extent *e = &map->extents[i];

                if (outside >= e->outside && outside - e->outside < e->count) {
                        *ret = e->inside + (outside - e->outside);
                        return true;
                }
        }
        return false;
}

/* Who the init is, where no engine says who the container's user is: the kernel's truth. */
static void take_kernel_user(struct target *target) {
        struct oci_process *process = &target->process;
        char text[4096], *groups;

        inside(&target->facts->uid_map, target->facts->uid, &process->uid);
        inside(&target->facts->gid_map, target->facts->gid, &process->gid);
        if (target->facts->flags & WIRE_FACT_SETGROUPS_DENIED ||
            !read_proc(target->pid, "status", text, sizeof text))
                return;
        groups = strstr(text, "\nGroups:");
        for (groups = groups ? groups + strlen("\nGroups:") : NULL;
             groups && process->n_groups < LIMIT_GROUPS;) {
                char *end;
                unsigned long gid;

                groups += strspn(groups, " \t");
                gid = strtoul(groups, &end, 10);
                if (end == groups || *groups == '\n')
                        break;
                groups = end;
                if (inside(&target->facts->gid_map, (uint32_t)gid,
                           &process->groups[process->n_groups]))
                        process->n_groups++;
        }
}

/* Which namespaces an exec enters. Helper and broker are in the same ones but for the mount namespace, which no target shares. */
static unsigned entered(const struct wire_facts *facts) {
        static const char *const names[] = { "user", "mnt", "pid",    "net",
                                             "ipc",  "uts", "cgroup", "time" };
        unsigned mask = 0;

        for (unsigned i = 0; i < WIRE_NS_KINDS; i++) {
                char path[64];
                struct stat st;

                snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
                if (stat(path, &st) == 0 && st.st_ino != facts->ns[i])
                        mask |= 1u << i;
        }
        return mask;
}

static int fill_names(struct target *target, const struct target_found *found) {
        target->key_engine = strdup(found->engine);
        target->key_name = strdup(found->name);
        target->engine = strdup(engine_found(found));
        target->name = strdup(name_found(found));
        target->id = found->id[0] ? strdup(found->id) : NULL;
        if (!target->key_engine || !target->key_name || !target->engine || !target->name ||
            (found->id[0] && !target->id))
                return -ENOMEM;
        return asprintf(&target->display, "%s:%s", target->engine, target->name) < 0 ? -ENOMEM : 0;
}

static int fill(struct target *target, struct target_found *found) {
        int r = fill_names(target, found);

        target->facts = malloc(sizeof *target->facts);
        if (r < 0 || !target->facts)
                return -ENOMEM;
        *target->facts = *found->facts;
        target->entered = entered(found->facts);
        target->pid = found->pid;
        target->declared = found->declared;
        if (!target->declared)
                take_kernel_user(target);
        target->owner_name_failed = account_name(false, found->facts->owner_uid,
                                                 &target->owner_name) < 0;
        return inherit_env(target, found);
}

int targets_add(struct targets *targets, struct target_found *found, struct target **ret) {
        struct target *target = calloc(1, sizeof *target), *older;
        int r;

        if (!target) {
                target_found_clear(found);
                return -ENOMEM;
        }
        target->n_refs = 1;
        target->pidfd = take_fd(&found->pidfd);
        target->process = found->process;
        target->profile = found->profile;
        found->process = (struct oci_process){ 0 };
        found->profile = NULL;
        target->metadata = found->metadata;
        found->metadata = (struct metadata){ 0 };
        r = fill(target, found);
        if (r == 0)
                r = sd_event_add_io(targets->event, &target->watch, target->pidfd, EPOLLIN, on_end,
                                    target);
        if (r < 0) {
                target_unref(target);
                return r;
        }
        older = targets_find(targets, target->key_engine, target->key_name);
        if (older)
                forget(older);
        target->alive = true;
        target->registry = targets;
        target->next = targets->first;
        targets->first = target;
        targets->n++;
        *ret = target;
        return 0;
}

bool target_name_is_valid(const char *name) {
        static const char allowed[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";
        size_t n = strlen(name);

        return n > 0 && n <= 255 && name[0] != '.' && name[0] != '-' && strspn(name, allowed) == n;
}

bool target_is_init(int32_t pid) {
        char text[4096], *line, *tab;
        unsigned depth = 0;

        if (pid <= 1 || !read_proc(pid, "status", text, sizeof text))
                return false;
        line = strstr(text, "\nNSpid:");
        if (!line)
                return false;
        line += strlen("\nNSpid:");
        line[strcspn(line, "\n")] = 0;
        for (tab = strchr(line, '\t'); tab; tab = strchr(tab + 1, '\t')) {
                depth++;
                line = tab;
        }
        return depth >= 2 && strcmp(line, "\t1") == 0;
}

/* Field n of /proc/PID/stat, from 3 on; NULL: not there. The name in field 2 is the process's own choice: fields count from its last
 * parenthesis. */
static char *stat_field(int32_t pid, unsigned n, char *text, size_t size) {
        char *field;

        if (!read_proc(pid, "stat", text, size) || !(field = strrchr(text, ')')))
                return NULL;
        for (unsigned i = 2; i < n && field; i++)
                field = strchr(field + 1, ' ');
        return field ? field + 1 : NULL;
}

uint64_t target_start_ticks(int32_t pid) {
        char text[1024], *field = stat_field(pid, 22, text, sizeof text);

        return field ? strtoull(field, NULL, 10) : 0;
}

bool target_is_ending(int32_t pid, uint64_t start_ticks) {
        char text[1024], *flags = stat_field(pid, 9, text, sizeof text);

        return !flags || (strtoul(flags, NULL, 10) & PROC_EXITING) ||
               target_start_ticks(pid) != start_ticks;
}

void target_cgroup_path(int32_t pid, char *buffer, size_t size) {
        char text[4096], *line = text;

        buffer[0] = 0;
        if (!read_proc(pid, "cgroup", text, sizeof text))
                return;
        while (line && strncmp(line, "0::", 3) != 0)
                line = (line = strchr(line, '\n')) ? line + 1 : NULL;
        if (line)
                snprintf(buffer, size, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
}

int32_t target_pid_of(int pidfd) {
        char path[64], text[1024], *line;
        long pid;
        FILE *stream;
        size_t n;

        snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
        stream = fopen(path, "re");
        if (!stream)
                return -1;
        n = fread(text, 1, sizeof text - 1, stream);
        text[n] = 0;
        fclose(stream);
        line = strstr(text, "\nPid:");
        pid = line ? strtol(line + strlen("\nPid:"), NULL, 10) : -1;
        return !line ? -1 : pid > 0 && pid <= INT32_MAX ? (int32_t)pid : 0;
}
