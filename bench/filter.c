/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a seccomp filter costs an exec: our own program for a profile beside libseccomp's, plain and
 * optimised, each loaded on top of the helper's plain floor in a fresh process, in turn, medians of
 * one run; and what filtered calls cost then.
 * Usage: filter [--json] PROFILE.json
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "broker/filter-rules.h"
#include "broker/filter.h"
#include "broker/profile-rule.h"
#include "broker/profile.h"
#include "helper/floor.h"
#include "helper/step-filter.h"

#define ROUNDS 300
#define CALLS 2000
#define CAPS 0xa80425fbULL /* what engines give by default */

enum { FLOOR, OURS, OPTIMISED, PLAIN, N_PROGRAMS };

struct program {
        const char *name;
        struct sock_filter f[16384];
        size_t n;
        unsigned skipped; /* rules that libseccomp refuses */
        double compile_us;
        double load_us[ROUNDS], call_ns[ROUNDS], ioctl_ns[ROUNDS];
};

static struct program programs[N_PROGRAMS] = {
        { .name = "floor" },
        { .name = "ours" },
        { .name = "libseccomp" },
        { .name = "libseccomp_plain" },
};

static double now_us(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what) {
        fprintf(stderr, "filter: %s\n", what);
        exit(1);
}

static int by_value(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double median(double *values) {
        qsort(values, ROUNDS, sizeof(*values), by_value);
        return values[ROUNDS / 2];
}

static struct profile *read_profile(const char *path) {
        static char text[PROFILE_MAX_BYTES];
        struct profile_error err = { .text = "cannot be read" };
        struct profile *profile = NULL;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

        if (n < 0 || profile_parse(text, (size_t)n, path, &profile, &err) != 0)
                die(err.text);
        return profile;
}

static void make_ours(struct program *p, const struct profile *profile) {
        struct filter_params params;
        struct profile_error err;
        struct filter *filter = NULL;
        double start = now_us();

        filter_params_init(&params, CAPS);
        if (filter_compile(profile, &params, &filter, &err) != 0)
                die(err.text);
        p->compile_us = now_us() - start;
        p->n = filter->n;
        memcpy(p->f, filter->program, filter->n * sizeof(*p->f));
        filter_free(filter);
}

/* Each rule as the engines add it. libseccomp answers with an error where two rules for a carried
 * 32-bit call differ. */
static void add_rules(scmp_filter_ctx ctx, const struct profile_rule *rule, struct program *p,
                      uint32_t default_action) {
        static const enum scmp_compare ops[] = {
                SCMP_CMP_EQ, SCMP_CMP_NE, SCMP_CMP_LT,        SCMP_CMP_LE,
                SCMP_CMP_GT, SCMP_CMP_GE, SCMP_CMP_MASKED_EQ,
        };
        struct scmp_arg_cmp args[PROFILE_MAX_ARGS];
        uint32_t action = filter_action(rule->action);

        for (size_t i = 0; i < rule->n_args; i++)
                args[i] = (struct scmp_arg_cmp){ rule->args[i].index, ops[rule->args[i].op],
                                                 rule->args[i].value, rule->args[i].value_two };
        for (size_t i = 0; action != default_action && i < rule->n_names; i++) {
                int nr = seccomp_syscall_resolve_name(rule->names[i]);

                if (nr != __NR_SCMP_ERROR &&
                    seccomp_rule_add_array(ctx, action, nr, (unsigned)rule->n_args, args) < 0)
                        p->skipped++;
        }
}

static void make_libseccomp(struct program *p, const struct profile *profile, uint32_t optimise) {
        uint32_t default_action = filter_action(profile->default_action);
        int fd = memfd_create("export", MFD_CLOEXEC);
        double start = now_us();
        scmp_filter_ctx ctx = seccomp_init(default_action);

        if (!ctx || seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, optimise) < 0)
                die("libseccomp");
        if (profile->lists_x86 &&
            (seccomp_arch_add(ctx, SCMP_ARCH_X86) < 0 || seccomp_arch_add(ctx, SCMP_ARCH_X32) < 0))
                die("libseccomp: architectures");
        for (size_t i = 0; i < profile->n_rules; i++)
                if ((profile->rules[i].includes.caps & ~CAPS) == 0 &&
                    (profile->rules[i].excludes.caps & CAPS) == 0 &&
                    (!profile->rules[i].includes.has_arches ||
                     profile->rules[i].includes.native_listed))
                        add_rules(ctx, &profile->rules[i], p, default_action);
        if (seccomp_export_bpf(ctx, fd) < 0)
                die("libseccomp: export");
        p->compile_us = now_us() - start;
        p->n = (size_t)pread(fd, p->f, sizeof(p->f), 0) / sizeof(*p->f);
        seccomp_release(ctx);
        close(fd);
}

struct sample {
        double load_us, call_ns, ioctl_ns;
};

/* getppid is one that the kernel's bitmap lets pass, ioctl one for which the filter runs. */
static struct sample measure(const struct program *p) {
        struct sample s;
        double start = now_us();

        if (filter_load(floor_get(FLOOR_PLAIN, true), p->n > 0 ? p->f : NULL, p->n) < 0)
                die("loading");
        s.load_us = now_us() - start;
        start = now_us();
        for (int i = 0; i < CALLS; i++)
                syscall(SYS_getppid);
        s.call_ns = (now_us() - start) * 1000 / CALLS;
        start = now_us();
        for (int i = 0; i < CALLS; i++)
                syscall(SYS_ioctl, -1, 0, 0);
        s.ioctl_ns = (now_us() - start) * 1000 / CALLS;
        return s;
}

static void one_round(struct program *p, int round) {
        struct sample s = { 0 };
        int channel[2];
        pid_t pid;

        if (pipe(channel) < 0 || (pid = fork()) < 0)
                die(strerror(errno));
        if (pid == 0) {
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                s = measure(p);
                _exit(write(channel[1], &s, sizeof(s)) != sizeof(s));
        }
        close(channel[1]);
        if (read(channel[0], &s, sizeof(s)) != sizeof(s))
                die("a child failed");
        close(channel[0]);
        waitpid(pid, NULL, 0);
        p->load_us[round] = s.load_us;
        p->call_ns[round] = s.call_ns;
        p->ioctl_ns[round] = s.ioctl_ns;
}

static void print_json(void) {
        for (int i = 0; i < N_PROGRAMS; i++) {
                struct program *p = &programs[i];

                printf("%s\"%s_instructions\":%zu,\"%s_compile_us\":%.0f,\"%s_load_us\":%.1f,\"%s_call_ns\":%.0f,"
                       "\"%s_ioctl_ns\":%.0f,\"%s_skipped_rules\":%u",
                       i ? "," : "{", p->name, p->n, p->name, p->compile_us, p->name,
                       median(p->load_us), p->name, median(p->call_ns), p->name,
                       median(p->ioctl_ns), p->name, p->skipped);
        }
        printf("}\n");
}

static void print_table(void) {
        printf("%-18s %12s %11s %9s %9s %9s %8s\n", "floor and", "instructions", "compile us",
               "load us", "call ns", "ioctl ns", "skipped");
        for (int i = 0; i < N_PROGRAMS; i++) {
                struct program *p = &programs[i];

                printf("%-18s %12zu %11.0f %9.1f %9.0f %9.0f %8u\n", i ? p->name : "nothing", p->n,
                       p->compile_us, median(p->load_us), median(p->call_ns), median(p->ioctl_ns),
                       p->skipped);
        }
}

int main(int argc, char **argv) {
        bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
        struct profile *profile;

        if (argc != (json ? 3 : 2))
                die("usage: filter [--json] PROFILE.json");
        profile = read_profile(argv[json ? 2 : 1]);
        make_ours(&programs[OURS], profile);
        make_libseccomp(&programs[OPTIMISED], profile, 2);
        make_libseccomp(&programs[PLAIN], profile, 1);
        for (int round = 0; round < ROUNDS; round++)
                for (int i = 0; i < N_PROGRAMS; i++)
                        one_round(&programs[i], round);
        if (json)
                print_json();
        else
                print_table();
        profile_free(profile);
        return 0;
}
