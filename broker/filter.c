/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles a seccomp profile into raw BPF with libseccomp. It must never weaken what the profile says: rules that
 * contradict each other, and what libseccomp would only approximate, are errors.
 */
#include "broker/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "broker/filter-rules.h"
#include "broker/profile-rule.h"
#include "broker/profile.h"
#include "common/fd.h"
#include "common/memfd.h"
#include "common/outcome.h"
#include "common/sha256.h"

void filter_params_init(struct filter_params *params, uint64_t caps) {
        struct utsname uts;

        *params = (struct filter_params){ .caps = caps };
        if (uname(&uts) < 0 || sscanf(uts.release, "%u.%u", &params->kernel_major, &params->kernel_minor) != 2)
                params->kernel_major = params->kernel_minor = 0; /* includes nothing that needs a newer kernel */
}

static void context_freep(scmp_filter_ctx *ctx) {
        if (*ctx)
                seccomp_release(*ctx);
}

static uint32_t scmp_action(struct profile_action action) {
        switch (action.verb) {
        case PROFILE_ALLOW: return SCMP_ACT_ALLOW;
        case PROFILE_LOG: return SCMP_ACT_LOG;
        case PROFILE_ERRNO: return SCMP_ACT_ERRNO(action.errno_ret);
        case PROFILE_TRAP: return SCMP_ACT_TRAP;
        case PROFILE_KILL_THREAD: return SCMP_ACT_KILL_THREAD;
        case PROFILE_KILL_PROCESS: break;
        }
        return SCMP_ACT_KILL_PROCESS;
}

static struct scmp_arg_cmp scmp_arg(const struct profile_arg *arg) {
        static const enum scmp_compare ops[] = {
                [PROFILE_EQ] = SCMP_CMP_EQ, [PROFILE_NE] = SCMP_CMP_NE, [PROFILE_LT] = SCMP_CMP_LT,
                [PROFILE_LE] = SCMP_CMP_LE, [PROFILE_GT] = SCMP_CMP_GT, [PROFILE_GE] = SCMP_CMP_GE,
                [PROFILE_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
        };

        return (struct scmp_arg_cmp){ arg->index, ops[arg->op], arg->value, arg->value_two };
}

/* x32 is never in the filter, listed or not: the helper's floor refuses it with the same ENOSYS as kernels that have it
 * off, and a filter without it is a third shorter. */
static int context_new(const struct profile *profile, scmp_filter_ctx *ret) {
        _cleanup_(context_freep) scmp_filter_ctx ctx = seccomp_init(scmp_action(profile->default_action));
        int r;

        if (!ctx)
                return -ENOMEM;
        r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
        if (r == 0)
                r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        if (r == 0 && profile->lists_x86)
                r = seccomp_arch_add(ctx, SCMP_ARCH_X86);
        if (r < 0)
                return r;
        *ret = ctx;
        ctx = NULL;
        return 0;
}

static int add_entry(scmp_filter_ctx ctx, const struct filter_rule *rule) {
        struct scmp_arg_cmp args[PROFILE_MAX_ARGS];

        for (size_t i = 0; i < rule->n_args; i++)
                args[i] = scmp_arg(&rule->args[i]);
        return seccomp_rule_add_array(ctx, scmp_action(rule->action), rule->nr, (unsigned)rule->n_args, args);
}

static int add_entries(scmp_filter_ctx ctx, const struct filter_rules *rules, const struct profile *profile,
                       struct profile_error *err) {
        uint32_t default_action = scmp_action(profile->default_action);

        for (size_t i = 0; i < rules->n; i++) {
                char name[64];
                int r;

                if (scmp_action(rules->rule[i].action) == default_action)
                        continue; /* libseccomp refuses what says nothing new */
                r = add_entry(ctx, &rules->rule[i]);
                if (r < 0 && r != -ENOMEM) {
                        snprintf(err->text, sizeof(err->text), "%.60s: %s: libseccomp refuses the rule: %s", profile->origin,
                                 filter_syscall_name(rules->rule[i].nr, name), strerror(-r));
                        return OUTCOME_BAD_PROFILE;
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

static int too_long(const char *origin, size_t n, struct profile_error *err) {
        snprintf(err->text, sizeof(err->text), "%.60s: the filter has %zu instructions; the kernel takes %d", origin, n,
                 FILTER_MAX_INSTRUCTIONS);
        return OUTCOME_BAD_PROFILE;
}

static int program_read(int fd, const char *origin, struct filter *filter, struct profile_error *err) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        filter->n = (size_t)st.st_size / sizeof(*filter->program);
        if (filter->n == 0 || (size_t)st.st_size % sizeof(*filter->program) != 0)
                return -EIO;
        if (filter->n > FILTER_MAX_INSTRUCTIONS)
                return too_long(origin, filter->n, err);
        filter->program = malloc((size_t)st.st_size);
        if (!filter->program)
                return -ENOMEM;
        if (pread(fd, filter->program, (size_t)st.st_size, 0) != st.st_size)
                return -EIO;
        return 0;
}

/* libseccomp 2.5 exports to an fd only. */
static int context_export(scmp_filter_ctx ctx, const char *origin, struct filter *filter, struct profile_error *err) {
        _cleanup_close_ int fd = memfd_create("airlock-filter-export", MFD_CLOEXEC);
        int r;

        if (fd < 0)
                return -errno;
        r = seccomp_export_bpf(ctx, fd);
        return r < 0 ? r : program_read(fd, origin, filter, err);
}

static int compile(const struct profile *profile, const struct filter_params *params, struct filter *filter,
                   struct profile_error *err) {
        _cleanup_(filter_rules_done) struct filter_rules rules = { 0 };
        _cleanup_(context_freep) scmp_filter_ctx ctx = NULL;
        int r;

        filter->allows_32bit = profile->lists_x86;
        r = filter_rules_make(profile, params, &rules, err);
        if (r == 0)
                r = context_new(profile, &ctx);
        if (r == 0)
                r = add_entries(ctx, &rules, profile, err);
        return r != 0 ? r : context_export(ctx, profile->origin, filter, err);
}

static int allow_all(struct filter *filter) {
        static const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

        filter->allows_32bit = true;
        filter->program = malloc(sizeof(allow));
        if (!filter->program)
                return -ENOMEM;
        memcpy(filter->program, &allow, sizeof(allow));
        filter->n = 1;
        return 0;
}

int filter_compile(const struct profile *profile, const struct filter_params *params, struct filter **ret,
                   struct profile_error *err) {
        _cleanup_(filter_freep) struct filter *filter = calloc(1, sizeof(*filter));
        int r;

        if (!filter)
                return -ENOMEM;
        filter->memfd = -1;
        r = profile ? compile(profile, params, filter, err) : allow_all(filter);
        if (r != 0)
                return r;
        sha256(filter->program, filter->n * sizeof(*filter->program), filter->hash);
        *ret = filter;
        filter = NULL;
        return 0;
}

struct filter *filter_free(struct filter *filter) {
        if (!filter)
                return NULL;
        close_fd(filter->memfd);
        free(filter->program);
        free(filter);
        return NULL;
}

void filter_freep(struct filter **filter) {
        *filter = filter_free(*filter);
}

int filter_memfd(struct filter *filter, int *ret_fd) {
        struct iovec part = { filter->program, filter->n * sizeof(*filter->program) };

        if (filter->memfd < 0) {
                int fd = memfd_sealed("airlock-filter", &part, 1);

                if (fd < 0)
                        return fd;
                filter->memfd = fd;
        }
        *ret_fd = filter->memfd;
        return 0;
}

const char *filter_syscall_name(int nr, char buf[static 64]) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);

        if (name)
                snprintf(buf, 64, "%s", name);
        else
                snprintf(buf, 64, "%d", nr);
        free(name);
        return buf;
}
