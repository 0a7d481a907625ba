/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles a seccomp profile into raw BPF. System calls' names and numbers are libseccomp's, the
 * program is our own: on 32-bit x86 libseccomp 2.5 lets the multiplexer socketcall pass where the
 * profile only allows socket with conditions, or refuses the profile; and ours loads in half the
 * time. Tests compare both call by call.
 */
#include "broker/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "broker/filter-arch.h"
#include "broker/filter-code.h"
#include "broker/filter-rules.h"
#include "broker/profile-rule.h"
#include "broker/profile.h"
#include "common/fd.h"
#include "common/memfd.h"
#include "common/sha256.h"

void filter_params_init(struct filter_params *params, uint64_t caps) {
        struct utsname uts;

        *params = (struct filter_params){ .caps = caps };
        if (uname(&uts) < 0 ||
            sscanf(uts.release, "%u.%u", &params->kernel_major, &params->kernel_minor) != 2)
                params->kernel_major = params->kernel_minor =
                        0; /* includes nothing that needs a newer kernel */
}

static int write_arch(struct code *code, const struct profile *profile,
                      const struct filter_params *params, uint32_t scmp_arch,
                      const struct filter_arch *arch, code_label *ret, struct profile_error *err) {
        _cleanup_(filter_rules_done) struct filter_rules rules = { 0 };
        int r;

        r = filter_rules_make(profile, params, scmp_arch, &rules, err);
        return r != 0 ? r
                      : filter_arch_write(code, arch, &rules,
                                          filter_action(profile->default_action), ret);
}

/* x32 is refused whether it is listed or not, with the ENOSYS of a kernel that has it off, as the
 * helper's floor does; an architecture that is not listed ends the process. Written backwards, so
 * the native part, which counts, comes first. */
static int write_program(struct code *code, const struct profile *profile,
                         const struct filter_params *params, struct profile_error *err) {
        static const struct filter_arch native = { .end = 0x40000000,
                                                   .end_action = SECCOMP_RET_ERRNO | ENOSYS };
        static const struct filter_arch compat = { .is_32bit = true };
        code_label other = code_return(code, SECCOMP_RET_KILL_PROCESS), label;
        int r = 0;

        if (profile->lists_x86) {
                r = write_arch(code, profile, params, SCMP_ARCH_X86, &compat, &label, err);
                if (r == 0)
                        other = code_branch(code, BPF_JEQ, AUDIT_ARCH_I386, label, other);
        }
        if (r == 0)
                r = write_arch(code, profile, params, SCMP_ARCH_X86_64, &native, &label, err);
        if (r != 0)
                return r;
        code_branch(code, BPF_JEQ, AUDIT_ARCH_X86_64, label, other);
        code_statement(code, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
        return 0;
}

static int too_long(const struct profile *profile, const struct code *code,
                    struct profile_error *err) {
        struct profile_place place = { profile->origin, "", err };

        return profile_refuse(&place, "the filter has %u%s instructions; the kernel takes %d",
                              code->n, code->full ? " and more" : "", FILTER_MAX_INSTRUCTIONS);
}

static int take_program(struct filter *filter, const struct sock_filter *program, size_t n) {
        filter->program = calloc(n, sizeof(*program));
        if (!filter->program)
                return -ENOMEM;
        memcpy(filter->program, program, n * sizeof(*program));
        filter->n = n;
        return 0;
}

static int compile(const struct profile *profile, const struct filter_params *params,
                   struct filter *filter, struct profile_error *err) {
        _cleanup_(code_done) struct code code = { 0 };
        int r;

        filter->allows_32bit = profile->lists_x86;
        r = code_init(&code);
        if (r == 0)
                r = write_program(&code, profile, params, err);
        if (r == 0 && (code.full || code.n > FILTER_MAX_INSTRUCTIONS))
                r = too_long(profile, &code, err);
        return r != 0 ? r : take_program(filter, code_start(&code), code.n);
}

static int allow_all(struct filter *filter) {
        static const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

        filter->allows_32bit = true;
        return take_program(filter, &allow, 1);
}

int filter_compile(const struct profile *profile, const struct filter_params *params,
                   struct filter **ret, struct profile_error *err) {
        _cleanup_(filter_freep) struct filter *filter = calloc(1, sizeof(*filter));
        int r;

        if (!filter)
                return -ENOMEM;
        filter->memfd = -1;
        filter->n_refs = 1;
        r = profile ? compile(profile, params, filter, err) : allow_all(filter);
        if (r != 0)
                return r;
        sha256(filter->program, filter->n * sizeof(*filter->program), filter->hash);
        *ret = filter;
        filter = NULL;
        return 0;
}

struct filter *filter_ref(struct filter *filter) {
        filter->n_refs++;
        return filter;
}

struct filter *filter_free(struct filter *filter) {
        if (!filter || --filter->n_refs > 0)
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
