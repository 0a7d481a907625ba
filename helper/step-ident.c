/* SPDX-License-Identifier: Apache-2.0 */
/* Groups, bounding set, ids, capability sets: each set once, in the one order that works, and read back. */
#include "common/caps.h"
#include "helper/context.h"
#include "helper/ident.h"
#include "helper/steps.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int caps_write(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = {
                { (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
                { (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32) },
        };

        return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int caps_compare(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct d[2] = {};

        if (syscall(SYS_capget, &head, d) < 0)
                return -errno;
        if ((d[0].effective | (uint64_t)d[1].effective << 32) != effective ||
            (d[0].permitted | (uint64_t)d[1].permitted << 32) != permitted ||
            (d[0].inheritable | (uint64_t)d[1].inheritable << 32) != inheritable)
                return -EPERM;
        return 0;
}

int caps_set_bounding(uint64_t keep) {
        for (unsigned cap = 0; cap <= context.cap_last; cap++)
                if (!(keep & CAPS_BIT(cap)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
                        return -errno;
        return 0;
}

int step_groups(struct run *r, struct fail *f) {
        const struct wire_plan *p = r->job->plan;
        gid_t groups[LIMIT_GROUPS];

        /* A rootless target forbids it; then they are empty since the supervisor's first act. */
        if (r->job->target.facts.flags & WIRE_FACT_SETGROUPS_DENIED)
                return 0;
        for (uint32_t i = 0; i < p->n_groups; i++)
                groups[i] = p->groups[i];
        if (setgroups(p->n_groups, groups) < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_GROUPS, errno);
        return 0;
}

int step_bounding(struct run *r, struct fail *f) {
        int e = caps_set_bounding(r->job->plan->caps[CAPS_BOUNDING]);

        return e < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_BOUNDING, -e) : 0;
}

static int check_ids(const struct wire_plan *p) {
        uid_t u[3];
        gid_t g[3];

        if (getresuid(&u[0], &u[1], &u[2]) < 0 || getresgid(&g[0], &g[1], &g[2]) < 0)
                return -errno;
        for (unsigned i = 0; i < 3; i++)
                if (u[i] != p->uid || g[i] != p->gid)
                        return -EPERM;
        return 0;
}

/* Raw calls: the command is one thread, and glibc's wrappers would only add to what has to be understood. */
int step_ids(struct run *r, struct fail *f) {
        const struct wire_plan *p = r->job->plan;
        int e;

        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_UID, errno);
        if (syscall(SYS_setresgid, p->gid, p->gid, p->gid) < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_GID, errno);
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        if (syscall(SYS_setresuid, p->uid, p->uid, p->uid) < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_UID, errno);
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        e = check_ids(p);
        if (e == 0 && prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
                e = -errno;
        return e < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_UID, -e) : 0;
}

static int set_ambient(uint64_t set) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
                return -errno;
        for (unsigned cap = 0; cap <= context.cap_last; cap++)
                if (set & CAPS_BIT(cap) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
                        return -errno;
        for (unsigned cap = 0; set && cap <= context.cap_last; cap++)
                if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) != !!(set & CAPS_BIT(cap)))
                        return -EPERM;
        return 0;
}

/* Final, but for the one right that loading a filter without no_new_privs needs, and that only in permitted. */
int step_caps_open(struct run *r, struct fail *f) {
        const struct wire_plan *p = r->job->plan;
        const uint64_t load = p->flags & WIRE_PLAN_NNP ? 0 : CAPS_BIT(CAP_SYS_ADMIN);
        int e = caps_write(p->caps[CAPS_EFFECTIVE], p->caps[CAPS_PERMITTED] | load, p->caps[CAPS_INHERITABLE]);

        if (e == 0)
                e = set_ambient(p->caps[CAPS_AMBIENT]);
        if (e == 0)
                prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        return e < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_CAPS_OPEN, -e) : 0;
}
