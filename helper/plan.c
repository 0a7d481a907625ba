/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling, applied. Everything here is refused by name and never trimmed: a plan that asks for too much is
 * either a mistake that somebody must see, or an attack. */
#include "helper/plan.h"

#include "common/caps.h"
#include "helper/ceiling.h"
#include "helper/context.h"
#include "helper/job.h"

#include <linux/capability.h>
#include <string.h>

/* The broker approved a process; this must be it, by what cannot be reused while we hold the pidfd. */
static int check_identity(const struct job *job, struct fail *f) {
        return memcmp(&job->plan->target, &job->target.facts.identity, sizeof(job->plan->target)) == 0
                       ? 0
                       : refuse(f, REASON_TARGET_CHANGED);
}

/* As whom the target's init runs, and no ambient capability with which that could be changed again. */
static int check_same_user(const struct job *job, struct fail *f) {
        const struct wire_plan *p = job->plan;

        if (job->host_uid != job->target.facts.uid || p->caps[CAPS_AMBIENT])
                return refuse_arg(f, REASON_UID_OTHER, p->uid);
        if (job->host_gid != job->target.facts.gid || p->n_groups > 1 || (p->n_groups == 1 && p->groups[0] != p->gid))
                return refuse_arg(f, REASON_UID_OTHER, p->gid);
        return 0;
}

static int check_ids(struct job *job, struct fail *f) {
        const struct wire_plan *p = job->plan;
        const struct wire_facts *t = &job->target.facts;
        uint32_t dummy;

        if (p->uid == UINT32_MAX || !target_map(&t->uid_map, p->uid, &job->host_uid))
                return refuse_arg(f, REASON_UID, p->uid);
        if (p->gid == UINT32_MAX || !target_map(&t->gid_map, p->gid, &job->host_gid))
                return refuse_arg(f, REASON_GID, p->gid);
        for (uint32_t i = 0; i < p->n_groups; i++)
                if (!target_map(&t->gid_map, p->groups[i], &dummy))
                        return refuse_arg(f, REASON_GID, p->groups[i]);
        if (p->n_groups > 0 && t->flags & WIRE_FACT_SETGROUPS_DENIED)
                return refuse(f, REASON_SETGROUPS);
        /* Their processes could then signal and trace the broker or a supervisor. */
        if (job->host_uid == context.broker_uid || job->host_uid == context.session_uid)
                return refuse_arg(f, REASON_UID_OURS, p->uid);
        return context.ceiling->allow_other_user ? 0 : check_same_user(job, f);
}

/* Without no_new_privs a program's set-uid bit may make the command root inside, whatever its uid was: so where
 * the ceiling forbids uid 0, no_new_privs is a must. */
static int check_uid0(const struct job *job, struct fail *f) {
        if (context.ceiling->allow_uid0)
                return 0;
        /* Ambient ones outlive execve(2) whatever the uid: CAP_SETUID alone is uid 0. */
        if (job->plan->uid == 0 || job->plan->caps[CAPS_AMBIENT])
                return refuse(f, REASON_UID_ZERO);
        return job->plan->flags & WIRE_PLAN_NNP ? 0 : refuse(f, REASON_NNP_WEAKER);
}

static int check_sets(const struct wire_plan *p, struct fail *f) {
        const uint64_t known = (UINT64_C(2) << context.cap_last) - 1;
        const uint64_t *c = p->caps;

        for (unsigned i = 0; i < CAPS_SETS; i++)
                if (!caps_subset(c[i], known))
                        return refuse_arg(f, REASON_CAPS_KERNEL, (uint32_t)caps_first(c[i] & ~known));
        /* Bounding holds everything: it is what a set-uid program of the container could gain. */
        if (!caps_subset(c[CAPS_PERMITTED], c[CAPS_BOUNDING]) || !caps_subset(c[CAPS_EFFECTIVE], c[CAPS_PERMITTED]) ||
            !caps_subset(c[CAPS_INHERITABLE], c[CAPS_BOUNDING]) ||
            !caps_subset(c[CAPS_AMBIENT], c[CAPS_INHERITABLE] & c[CAPS_PERMITTED]))
                return refuse(f, REASON_CAPS_SETS);
        return 0;
}

/* Every process of such a container could seize a privileged command and use what it has. */
static bool may_be_seized(const struct target *t) {
        return !target_has_own_userns(t) && !context.ceiling->privileged_into_ptrace &&
               t->facts.caps[CAPS_BOUNDING] & CAPS_BIT(CAP_SYS_PTRACE);
}

static uint64_t plain_caps(const struct target *t) {
        return t->facts.caps[CAPS_BOUNDING] & context.ceiling->plain_caps;
}

/* What this service itself was given bounds everything that shares its user namespace. */
static uint64_t host_caps(const struct target *t) {
        return target_has_own_userns(t) ? CAPS_ALL : context.own->caps[CAPS_BOUNDING];
}

uint64_t plan_ceiling_caps(const struct target *t) {
        return (plain_caps(t) | context.ceiling->privileged_caps) & host_caps(t);
}

static int refuse_caps(uint64_t beyond, struct fail *f) {
        return beyond ? refuse_arg(f, REASON_CAPS_CEILING, (uint32_t)caps_first(beyond)) : 0;
}

static int check_caps(struct job *job, struct fail *f) {
        const struct target *t = &job->target;
        const uint64_t asked = job->plan->caps[CAPS_BOUNDING];

        if (check_sets(job->plan, f) < 0)
                return -1;
        if (refuse_caps(asked & ~plain_caps(t) & ~context.ceiling->privileged_caps, f) < 0)
                return -1;
        job->privileged = !caps_subset(asked, t->facts.caps[CAPS_BOUNDING]);
        if (job->privileged && may_be_seized(t))
                return refuse(f, REASON_TARGET_PTRACE);
        return refuse_caps(asked & ~host_caps(t), f);
}

/* A rootless container is its owner's: nobody else's requests, and no rights that its owner does not have. */
static int check_owner(const struct job *job, struct fail *f) {
        const struct target *t = &job->target;

        if (!target_has_own_userns(t) || t->facts.owner_uid == 0)
                return 0;
        if (job->privileged || (job->plan->caller_uid != 0 && job->plan->caller_uid != t->facts.owner_uid))
                return refuse_arg(f, REASON_TARGET_USERNS, t->facts.owner_uid);
        return 0;
}

static int check_filter(struct job *job, struct fail *f) {
        const bool unconfined = !job->filter;

        if (unconfined && !context.ceiling->allow_unconfined)
                return refuse(f, REASON_UNCONFINED);
        job->floor = job->privileged || unconfined ? FLOOR_PRIVILEGED : FLOOR_PLAIN;
        return 0;
}

/* no_new_privs is what the target's init has, or stricter. */
static int check_nnp(const struct job *job, struct fail *f) {
        return job->target.facts.no_new_privs && !(job->plan->flags & WIRE_PLAN_NNP) ? refuse(f, REASON_NNP_WEAKER) : 0;
}

static int check_label(const struct job *job, struct fail *f) {
        const char *label = job->strings.label;

        return *label && strcmp(label, job->target.facts.label) != 0 ? refuse(f, REASON_PLAN_LABEL) : 0;
}

/* Whether the host's root is somebody in there: then its own user namespace protects none of root's files. */
static bool maps_root(const struct wire_map *map) {
        for (uint32_t i = 0; i < map->n; i++)
                if (map->extents[i].outside == 0)
                        return true;
        return false;
}

/* What is passed is a way back, and these are not for every target. A file that root owns can be reopened for writing through
 * /proc/self/fd, and a unix socket bring a directory of the host: only where the identities inside are not the host's. A socket
 * keeps its network namespace, which whoever holds CAP_NET_ADMIN there can configure, and the command can hand it to any
 * process of the container: so the target's own capabilities count beside the plan's. */
unsigned plan_fd_kinds(const struct target *t, uint64_t bounding) {
        unsigned kinds = context.ceiling->fd_kinds;

        if (!target_has_own_userns(t) && (bounding | t->facts.caps[CAPS_BOUNDING]) & CAPS_BIT(CAP_NET_ADMIN))
                kinds &= ~(unsigned)(FD_KIND_INET | FD_KIND_INET_LISTEN);
        if (!target_has_own_userns(t) || maps_root(&t->facts.uid_map) || maps_root(&t->facts.gid_map))
                kinds &= ~(unsigned)(FD_KIND_UNIX | FD_KIND_FILE);
        return kinds;
}

static int check_fds(const struct job *job, struct fail *f) {
        const unsigned kinds = plan_fd_kinds(&job->target, job->plan->caps[CAPS_BOUNDING]);

        for (unsigned i = WIRE_SLOT_STDIN; i < WIRE_SLOT_EXTRA + job->n_extra; i++)
                if (job->fds[i] >= 0 && !(job->fd_kinds[i] & kinds))
                        return refuse_arg(f, REASON_FD_TARGET, i);
        return 0;
}

static void set_mask(struct job *job) {
        for (unsigned i = 0; i < WIRE_NS_KINDS; i++)
                if (job->target.facts.ns[i] != context.own_ns[i])
                        job->ns_mask |= ns_kinds[i].flag;
}

int plan_check(struct job *job, struct fail *f) {
        set_mask(job);
        if (check_identity(job, f) < 0 || check_ids(job, f) < 0 || check_uid0(job, f) < 0 || check_caps(job, f) < 0)
                return -1;
        if (check_owner(job, f) < 0 || check_filter(job, f) < 0 || check_nnp(job, f) < 0)
                return -1;
        return check_label(job, f) < 0 || check_fds(job, f) < 0 ? -1 : 0;
}
