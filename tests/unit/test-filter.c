/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled filters, interpreted and held call by call against an evaluation of the profile that
 * shares nothing with the compiler, and against libseccomp's own filter for the same rules. Native,
 * 32-bit and x32; every number from 0 to 1023.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/filter.h"
#include "broker/profile-rule.h"
#include "broker/profile.h"
#include "common/caps.h"
#include "common/outcome.h"
#include "common/sha256.h"
#include "helper/cbpf.h"
#include "helper/step-filter.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define N_CALLS 1024
#define X32 0x40000000u
#define DOCKER_CAPS 0xa80425fbULL

static struct profile *parse(const char *text) {
        struct profile_error err = { .text = "" };
        struct profile *p = NULL;

        if (profile_parse(text, strlen(text), "mine", &p, &err) != 0)
                fail_msg("%s", err.text);
        return p;
}

static struct profile *parse_file(const char *path) {
        static char text[PROFILE_MAX_BYTES + 1];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return NULL;
        n = read(fd, text, PROFILE_MAX_BYTES);
        close(fd);
        assert_true(n > 0);
        text[n] = 0;
        return parse(text);
}

static struct filter *compile(const struct profile *p, uint64_t caps) {
        struct profile_error err = { .text = "" };
        struct filter_params params;
        struct filter *f = NULL;

        filter_params_init(&params, caps);
        if (filter_compile(p, &params, &f, &err) != 0)
                fail_msg("%s", err.text);
        assert_int_equal(filter_check(f->program, f->n * sizeof(*f->program)), FILTER_OK);
        return f;
}

static int compile_error(const char *text, char *ret_text) {
        struct profile_error err = { .text = "" };
        struct filter_params params;
        struct filter *f = NULL;
        struct profile *p = parse(text);
        int r;

        filter_params_init(&params, 0);
        r = filter_compile(p, &params, &f, &err);
        assert_true((r == 0) == (f != NULL));
        strcpy(ret_text, err.text);
        filter_free(f);
        profile_free(p);
        return r;
}

/* --- the evaluation --- */

/* A profile's rules for each number of one architecture: names are resolved here once, by the
 * system's library. */
struct table {
        uint32_t scmp_arch;
        const struct profile_rule *rules[N_CALLS][32];
        size_t n[N_CALLS];
};

static bool applies(const struct profile_rule *r, uint64_t caps) {
        bool in = (r->includes.caps & caps) == r->includes.caps &&
                  (!r->includes.has_arches || r->includes.native_listed);
        bool out = (r->excludes.caps & caps) != 0 ||
                   (r->excludes.has_arches && r->excludes.native_listed);

        return in && !out;
}

/* The kernel's direct numbers for what libseccomp only knows as carried by socketcall and ipc on
 * 32-bit x86; those that have none are -1. */
static int resolve(uint32_t scmp_arch, const char *name) {
        static const struct {
                const char *name;
                int nr;
        } direct[] = {
                { "recvmmsg", 337 },   { "sendmmsg", 345 },    { "socket", 359 },
                { "socketpair", 360 }, { "bind", 361 },        { "connect", 362 },
                { "listen", 363 },     { "accept4", 364 },     { "getsockopt", 365 },
                { "setsockopt", 366 }, { "getsockname", 367 }, { "getpeername", 368 },
                { "sendto", 369 },     { "sendmsg", 370 },     { "recvfrom", 371 },
                { "recvmsg", 372 },    { "shutdown", 373 },    { "semget", 393 },
                { "semctl", 394 },     { "shmget", 395 },      { "shmctl", 396 },
                { "shmat", 397 },      { "shmdt", 398 },       { "msgget", 399 },
                { "msgsnd", 400 },     { "msgrcv", 401 },      { "msgctl", 402 },
        };

        for (size_t i = 0; scmp_arch == SCMP_ARCH_X86 && i < N(direct); i++)
                if (strcmp(direct[i].name, name) == 0)
                        return direct[i].nr;
        return seccomp_syscall_resolve_name_arch(scmp_arch, name);
}

static void table_make(struct table *t, uint32_t scmp_arch, const struct profile *p,
                       uint64_t caps) {
        memset(t, 0, sizeof(*t));
        t->scmp_arch = scmp_arch;
        for (size_t i = 0; i < p->n_rules; i++)
                for (size_t k = 0; applies(&p->rules[i], caps) && k < p->rules[i].n_names; k++) {
                        int nr = resolve(scmp_arch, p->rules[i].names[k]);

                        if (nr < 0)
                                continue;
                        assert_true(nr < N_CALLS && t->n[nr] < N(t->rules[nr]));
                        t->rules[nr][t->n[nr]++] = &p->rules[i];
                }
}

static bool holds(const struct profile_arg *a, uint64_t v) {
        switch (a->op) {
        case PROFILE_EQ: return v == a->value;
        case PROFILE_NE: return v != a->value;
        case PROFILE_LT: return v < a->value;
        case PROFILE_LE: return v <= a->value;
        case PROFILE_GT: return v > a->value;
        case PROFILE_GE: return v >= a->value;
        case PROFILE_MASKED_EQ: break;
        }
        return (v & a->value) == a->value_two;
}

static bool matches(const struct profile_rule *r, const struct seccomp_data *d) {
        size_t n = 0;

        for (size_t i = 0; i < r->n_args; i++)
                n += holds(&r->args[i], d->args[r->args[i].index]);
        return r->any ? n > 0 : n == r->n_args;
}

static uint32_t action_value(struct profile_action a) {
        static const uint32_t values[] = {
                [PROFILE_ALLOW] = 0x7fff0000, [PROFILE_LOG] = 0x7ffc0000,
                [PROFILE_ERRNO] = 0x00050000, [PROFILE_TRAP] = 0x00030000,
                [PROFILE_KILL_THREAD] = 0,    [PROFILE_KILL_PROCESS] = 0x80000000,
        };

        return values[a.verb] | a.errno_ret;
}

/* The first unconditional rule; else whichever conditional one matches; else the default. */
static uint32_t evaluate(const struct profile *p, const struct table *t,
                         const struct seccomp_data *d) {
        for (size_t i = 0; i < t->n[d->nr]; i++)
                if (t->rules[d->nr][i]->n_args == 0)
                        return action_value(t->rules[d->nr][i]->action);
        for (size_t i = 0; i < t->n[d->nr]; i++)
                if (matches(t->rules[d->nr][i], d))
                        return action_value(t->rules[d->nr][i]->action);
        return action_value(p->default_action);
}

/* --- values worth trying: around every value that the call's rules name --- */

struct values {
        uint64_t v[4096];
        size_t n;
};

static void value_add(struct values *vs, uint64_t v) {
        if (vs->n < N(vs->v))
                vs->v[vs->n++] = v;
}

static void values_around(struct values *vs, uint64_t v) {
        for (int step = -1; step <= 1; step++) {
                value_add(vs, v + (uint64_t)step);
                value_add(vs, (v + (uint64_t)step) ^ UINT64_C(1) << 32);
                value_add(vs, (v + (uint64_t)step) ^ UINT64_C(1) << 63);
        }
        value_add(vs, ~v);
        value_add(vs, v << 32);
}

static void values_make(struct values *vs, const struct table *t, uint32_t nr, unsigned index) {
        vs->n = 0;
        values_around(vs, 0);
        values_around(vs, 38);
        values_around(vs, 0xffffffff);
        for (size_t i = 0; i < t->n[nr]; i++)
                for (size_t k = 0; k < t->rules[nr][i]->n_args; k++) {
                        const struct profile_arg *a = &t->rules[nr][i]->args[k];

                        if (a->index != index)
                                continue;
                        values_around(vs, a->value);
                        values_around(vs, a->value_two);
                        values_around(vs, a->value_two | ~a->value);
                        for (int bit = 0; bit < 64; bit++)
                                value_add(vs, a->value_two ^ UINT64_C(1) << bit);
                }
}

typedef void check_function(const struct filter *f, const struct profile *p, const struct table *t,
                            const struct seccomp_data *d, const void *other);

static bool is_conditional(const struct table *t, uint32_t nr) {
        for (size_t i = 0; i < t->n[nr]; i++)
                if (t->rules[nr][i]->n_args > 0)
                        return true;
        return false;
}

/* A 32-bit call's arguments have 32 bits; the kernel clears the rest. */
static uint64_t fits(const struct table *t, uint64_t v) {
        return t->scmp_arch == SCMP_ARCH_X86 ? (uint32_t)v : v;
}

/* Each argument through all its values, the others at base or random. */
static void each_value(const struct filter *f, const struct profile *p, const struct table *t,
                       struct seccomp_data *d, check_function *check, const void *other) {
        static struct values vs;

        for (unsigned index = 0; index < 6; index++) {
                values_make(&vs, t, (uint32_t)d->nr, index);
                for (size_t i = 0; i < vs.n; i++)
                        for (int round = 0; round < 3; round++) {
                                for (unsigned k = 0; k < 6; k++)
                                        d->args[k] = fits(t,
                                                          round == 0 ? 0
                                                          : round == 1
                                                                  ? 9
                                                                  : vs.v[(size_t)random() % vs.n]);
                                d->args[index] = fits(t, vs.v[i]);
                                check(f, p, t, d, other);
                        }
        }
}

static void each_call(const struct filter *f, const struct profile *p, const struct table *t,
                      check_function *check, const void *other) {
        uint32_t arch = t->scmp_arch == SCMP_ARCH_X86 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;

        for (int nr = 0; nr < N_CALLS; nr++) {
                struct seccomp_data d = { .nr = nr, .arch = arch };

                check(f, p, t, &d, other);
                for (size_t i = 0; i < 6; i++)
                        d.args[i] = fits(t, UINT64_MAX);
                check(f, p, t, &d, other);
                if (is_conditional(t, (uint32_t)nr))
                        each_value(f, p, t, &d, check, other);
        }
}

/* socketcall and ipc, where the profile does not name them: what follows for them has tests of its
 * own. */
static bool is_carrier(const struct table *t, const struct seccomp_data *d) {
        return d->arch == AUDIT_ARCH_I386 && (d->nr == 102 || d->nr == 117) && t->n[d->nr] == 0;
}

static void against_profile(const struct filter *f, const struct profile *p, const struct table *t,
                            const struct seccomp_data *d, const void *other) {
        uint32_t wanted = evaluate(p, t, d), got = cbpf_run(f->program, f->n, d);

        if (!is_carrier(t, d) && got != wanted)
                fail_msg("arch %#x call %d (%#llx, %#llx, %#llx): %#x instead of %#x", d->arch,
                         d->nr, d->args[0], d->args[1], d->args[2], got, wanted);
}

static void refused_everywhere(const struct filter *f, uint32_t arch, uint32_t bit,
                               uint32_t wanted) {
        for (uint32_t nr = 0; nr < N_CALLS; nr++) {
                struct seccomp_data d = { .nr = (int)(nr | bit), .arch = arch };

                assert_int_equal(cbpf_run(f->program, f->n, &d), wanted);
        }
}

static void compare_with_profile(const struct profile *p, uint64_t caps) {
        static struct table t;
        struct filter *f = compile(p, caps);

        table_make(&t, SCMP_ARCH_X86_64, p, caps);
        each_call(f, p, &t, against_profile, NULL);
        table_make(&t, SCMP_ARCH_X86, p, caps);
        if (p->lists_x86)
                each_call(f, p, &t, against_profile, NULL);
        else
                refused_everywhere(f, AUDIT_ARCH_I386, 0, SECCOMP_RET_KILL_PROCESS);
        refused_everywhere(f, AUDIT_ARCH_X86_64, X32, SECCOMP_RET_ERRNO | ENOSYS);
        refused_everywhere(f, AUDIT_ARCH_AARCH64, 0, SECCOMP_RET_KILL_PROCESS);
        filter_free(f);
}

#define ARG(i, op, v, two) \
        "{\"index\":" #i ",\"op\":\"SCMP_CMP_" #op "\",\"value\":" #v ",\"valueTwo\":" #two "}"
#define RULE(name, action, args) \
        "{\"names\":[" name "],\"action\":\"SCMP_ACT_" action "\",\"args\":[" args "]}"
#define PROFILE(arches, action, rules)                                          \
        "{\"defaultAction\":\"SCMP_ACT_" action "\",\"architectures\":[" arches \
        "],\"syscalls\":[" rules "]}"
#define BOTH "\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\""

/* Every operator, at the borders of 32 and 64 bits, alone, together, as alternatives; every action.
 */
static const char *const shapes[] = {
        PROFILE(BOTH, "ALLOW", ""),
        PROFILE("", "KILL_PROCESS", ""),
        PROFILE(BOTH, "LOG", RULE("\"read\",\"write\",\"setns\"", "KILL_THREAD", "")),
        PROFILE(BOTH, "ERRNO",
                RULE("\"read\"", "ALLOW", ARG(0, EQ, 0, 0)) "," RULE(
                        "\"write\"", "ALLOW", ARG(5, EQ, 18446744073709551615, 0))),
        PROFILE(BOTH, "ERRNO",
                RULE("\"read\"", "ALLOW", ARG(0, NE, 4294967296, 0)) "," RULE("\"write\"", "TRAP",
                                                                              ARG(1, NE, 0, 0))),
        PROFILE(BOTH, "TRAP",
                RULE("\"read\"", "ALLOW", ARG(0, LT, 0, 0)) "," RULE("\"write\"", "ALLOW",
                                                                     ARG(0, LT, 4294967296, 0))),
        PROFILE(BOTH, "TRAP",
                RULE("\"read\"", "ALLOW", ARG(0, LE, 0, 0)) "," RULE("\"write\"", "ALLOW",
                                                                     ARG(0, LE, 4294967295, 0))),
        PROFILE(BOTH, "TRAP",
                RULE("\"read\"", "ALLOW", ARG(0, GT, 18446744073709551615, 0)) "," RULE(
                        "\"write\"", "ALLOW", ARG(3, GT, 7, 0))),
        PROFILE(BOTH, "TRAP",
                RULE("\"read\"", "ALLOW", ARG(0, GE, 0, 0)) "," RULE("\"write\"", "ALLOW",
                                                                     ARG(0, GE, 12884901889, 0))),
        PROFILE(BOTH, "ERRNO",
                RULE("\"read\"", "ALLOW", ARG(0, MASKED_EQ, 0, 0)) "," RULE(
                        "\"write\"", "ALLOW", ARG(0, MASKED_EQ, 18446744073709551615, 4294967297))),
        PROFILE(BOTH, "ERRNO",
                RULE("\"clone\"", "ALLOW", ARG(0, MASKED_EQ, 2114060288, 0)) "," RULE(
                        "\"socket\"", "ALLOW", ARG(0, MASKED_EQ, 240, 16))),
        PROFILE(BOTH, "ERRNO",
                RULE("\"read\"", "ALLOW",
                     ARG(0, EQ, 1, 0) "," ARG(1, GT, 2, 0) "," ARG(2, NE, 3, 0))),
        PROFILE(BOTH, "ERRNO", RULE("\"read\"", "ALLOW", ARG(0, EQ, 1, 0) "," ARG(0, EQ, 3, 0))),
        PROFILE(BOTH, "ERRNO",
                RULE("\"read\"", "ALLOW", ARG(0, LT, 10, 0)) "," RULE("\"read\"", "KILL_PROCESS",
                                                                      ARG(0, GE, 10, 0))),
        PROFILE(BOTH, "ERRNO", RULE("\"read\"", "ALLOW", "") "," RULE("\"read\"", "TRAP", "")),
        PROFILE(BOTH, "ERRNO",
                RULE("\"read\"", "TRAP", ARG(0, EQ, 1, 0)) "," RULE("\"read\"", "ALLOW", "")),
        PROFILE("\"SCMP_ARCH_X86_64\"", "ERRNO",
                RULE("\"read\",\"socketcall\",\"a_call_of_tomorrow\"", "ALLOW", "")),
        PROFILE(BOTH, "ALLOW", RULE("\"restart_syscall\",\"read\",\"exit\"", "TRAP", "")),
};

static void every_shape(void **state) {
        for (size_t i = 0; i < N(shapes); i++) {
                struct profile *p = parse(shapes[i]);

                compare_with_profile(p, 0);
                profile_free(p);
        }
}

static void default_profile(void **state) {
        static const uint64_t sets[] = { 0,          DOCKER_CAPS, CAPS_ALL,
                                         1ULL << 21, 1ULL << 39,  1ULL << 25 };
        struct profile *p = parse_file(DEFAULT_PROFILE);

        assert_non_null(p);
        for (size_t i = 0; i < N(sets); i++)
                compare_with_profile(p, sets[i]);
        profile_free(p);
}

/* --- a random profile: conditions that agree with each other by construction (one action) --- */

static size_t random_args(char *to) {
        static const char *const ops[] = { "EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ" };
        static const uint64_t likely[] = { 0,          1,          0xffffffff,         0x100000000,
                                           0x7fffffff, UINT64_MAX, 0x8000000000000000, 38 };
        size_t at = 0;

        for (long n = 1 + random() % 3, i = 0; i < n; i++) {
                uint64_t v = random() % 2 ? likely[random() % 8]
                                          : (uint64_t)random() << (random() % 33);
                uint64_t two = v & ((uint64_t)random() << 31 ^ (uint64_t)random());

                at += (size_t)sprintf(
                        to + at,
                        "%s{\"index\":%ld,\"op\":\"SCMP_CMP_%s\",\"value\":%llu,\"valueTwo\":%llu}",
                        i ? "," : "", random() % 6, ops[random() % 7], (unsigned long long)v,
                        (unsigned long long)two);
        }
        return at;
}

static char *random_profile(void) {
        char *text = malloc(65536);
        size_t at = (size_t)sprintf(text,
                                    "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[" BOTH
                                    "],\"syscalls\":[");

        for (int i = 0; i < 100; i++) {
                char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64,
                                                              (int)(random() % 334));

                if (!name)
                        continue;
                at += (size_t)sprintf(
                        text + at, "%s{\"names\":[\"%s\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[",
                        text[at - 1] == '}' ? "," : "", name);
                if (random() % 2)
                        at += random_args(text + at);
                at += (size_t)sprintf(text + at, "]}");
                free(name);
        }
        sprintf(text + at, "]}");
        return text;
}

static void random_profiles(void **state) {
        for (unsigned seed = 1; seed <= 20; seed++) {
                struct profile *p;
                char *text;

                srandom(seed);
                text = random_profile();
                p = parse(text);
                compare_with_profile(p, 0);
                profile_free(p);
                free(text);
        }
}

/* --- libseccomp's filter for the same rules --- */

struct other {
        struct sock_filter f[16384];
        size_t n;
};

static void add_to_libseccomp(scmp_filter_ctx ctx, const struct profile *p,
                              const struct profile_rule *r, const char *name) {
        static const enum scmp_compare ops[] = { SCMP_CMP_EQ,       SCMP_CMP_NE, SCMP_CMP_LT,
                                                 SCMP_CMP_LE,       SCMP_CMP_GT, SCMP_CMP_GE,
                                                 SCMP_CMP_MASKED_EQ };
        struct scmp_arg_cmp args[6];
        uint32_t action = action_value(r->action);
        int nr = seccomp_syscall_resolve_name(name);

        if (nr == __NR_SCMP_ERROR || action == action_value(p->default_action))
                return;
        assert_true(r->n_args <= N(args) && !r->any);
        for (size_t i = 0; i < r->n_args; i++)
                args[i] = (struct scmp_arg_cmp){ r->args[i].index, ops[r->args[i].op],
                                                 r->args[i].value, r->args[i].value_two };
        assert_int_equal(seccomp_rule_add_array(ctx, action, nr, (unsigned)r->n_args, args), 0);
}

static void other_make(struct other *o, const struct profile *p, uint64_t caps, bool with_x86) {
        scmp_filter_ctx ctx = seccomp_init(action_value(p->default_action));
        int fd = memfd_create("other", MFD_CLOEXEC);

        assert_non_null(ctx);
        if (with_x86)
                assert_int_equal(seccomp_arch_add(ctx, SCMP_ARCH_X86), 0);
        for (size_t i = 0; i < p->n_rules; i++)
                for (size_t k = 0; applies(&p->rules[i], caps) && k < p->rules[i].n_names; k++)
                        add_to_libseccomp(ctx, p, &p->rules[i], p->rules[i].names[k]);
        assert_int_equal(seccomp_export_bpf(ctx, fd), 0);
        o->n = (size_t)pread(fd, o->f, sizeof(o->f), 0) / sizeof(*o->f);
        assert_true(o->n > 0 && o->n < N(o->f));
        close(fd);
        seccomp_release(ctx);
}

static void against_libseccomp(const struct filter *f, const struct profile *p,
                               const struct table *t, const struct seccomp_data *d,
                               const void *other) {
        const struct other *o = other;

        if (cbpf_run(f->program, f->n, d) != cbpf_run(o->f, o->n, d))
                fail_msg("arch %#x call %d (%#llx, %#llx, %#llx): ours %#x, libseccomp's %#x",
                         d->arch, d->nr, d->args[0], d->args[1], d->args[2],
                         cbpf_run(f->program, f->n, d), cbpf_run(o->f, o->n, d));
}

static void compare_with_libseccomp(const struct profile *p, uint64_t caps, bool with_x86) {
        static struct other o;
        static struct table t;
        struct filter *f = compile(p, caps);

        other_make(&o, p, caps, with_x86);
        table_make(&t, SCMP_ARCH_X86_64, p, caps);
        each_call(f, p, &t, against_libseccomp, &o);
        table_make(&t, SCMP_ARCH_X86, p, caps);
        if (with_x86)
                each_call(f, p, &t, against_libseccomp, &o);
        print_message("# %zu instructions, libseccomp's %zu\n", f->n, o.n);
        assert_true(f->n <= o.n);
        filter_free(f);
}

static void like_libseccomp(void **state) {
        struct profile *p = parse_file(DEFAULT_PROFILE);

        assert_non_null(p);
        compare_with_libseccomp(p, DOCKER_CAPS,
                                false); /* with 32-bit calls libseccomp refuses this profile */
        compare_with_libseccomp(p, CAPS_ALL, false);
        profile_free(p);
}

/* What podman's package installs, where it is installed: the profile that real containers have. */
static void podmans_profile(void **state) {
        struct profile *p = parse_file("/usr/share/containers/seccomp.json");

        if (!p) {
                print_message("# podman's profile is not installed, so it is not compared\n");
                return;
        }
        compare_with_profile(p, 0);
        compare_with_profile(p, DOCKER_CAPS);
        compare_with_profile(p, CAPS_ALL);
        compare_with_libseccomp(p, DOCKER_CAPS, true);
        compare_with_libseccomp(p, CAPS_ALL, true);
        profile_free(p);
}

/* --- socketcall and ipc --- */

static uint32_t carry(const char *text, int carrier, uint32_t call) {
        struct seccomp_data d = { .nr = carrier, .arch = AUDIT_ARCH_I386, .args = { call } };
        struct profile *p = parse(text);
        struct filter *f = compile(p, 0);
        uint32_t r = cbpf_run(f->program, f->n, &d);

        filter_free(f);
        profile_free(p);
        return r;
}

static void carried_calls(void **state) {
        static const char plain[] = PROFILE(BOTH, "ERRNO",
                                            RULE("\"socket\",\"accept\",\"shmget\"", "ALLOW", ""));
        static const char some[] = PROFILE(BOTH, "ERRNO",
                                           RULE("\"socket\"", "ALLOW", ARG(0, EQ, 1, 0)));
        static const char deny[] = PROFILE(
                BOTH, "ALLOW",
                RULE("\"socket\"", "TRAP", ARG(0, EQ, 38, 0)) "," RULE("\"semop\"", "TRAP", ""));
        static const char named[] = PROFILE(BOTH, "ERRNO",
                                            RULE("\"socket\"", "ALLOW",
                                                 "") "," RULE("\"socketcall\"", "TRAP", ""));

        assert_int_equal(carry(plain, 102, 1), SECCOMP_RET_ALLOW);
        assert_int_equal(carry(plain, 102, 5), SECCOMP_RET_ALLOW);
        assert_int_equal(carry(plain, 102, 2), SECCOMP_RET_ERRNO | EPERM);
        assert_int_equal(carry(plain, 117, 23), SECCOMP_RET_ALLOW);
        assert_int_equal(carry(plain, 117, 24), SECCOMP_RET_ERRNO | EPERM);
        /* a condition cannot be seen there: not let in, and not left open */
        assert_int_equal(carry(some, 102, 1), SECCOMP_RET_ERRNO | EPERM);
        assert_int_equal(carry(deny, 102, 1), SECCOMP_RET_TRAP);
        assert_int_equal(carry(deny, 102, 2), SECCOMP_RET_ALLOW);
        assert_int_equal(carry(deny, 117, 1), SECCOMP_RET_TRAP);
        assert_int_equal(carry(deny, 117, 0x10001),
                         SECCOMP_RET_TRAP); /* the kernel reads 16 bits */
        assert_int_equal(carry(named, 102, 1), SECCOMP_RET_TRAP);
}

/* --- refusals --- */

static void contradictions(void **state) {
        char text[256];

        assert_int_equal(compile_error(PROFILE(BOTH, "ERRNO",
                                               RULE("\"read\"", "ALLOW",
                                                    ARG(0, LT, 10, 0)) "," RULE("\"read\"", "TRAP",
                                                                                ARG(0, LE, 10, 0))),
                                       text),
                         OUTCOME_BAD_PROFILE);
        assert_string_equal(text,
                            "mine: read: two conditional rules overlap and give different actions");
        assert_int_equal(compile_error(PROFILE(BOTH, "ERRNO",
                                               RULE("\"read\"", "ALLOW",
                                                    ARG(0, NE, 10, 0)) "," RULE("\"read\"", "TRAP",
                                                                                ARG(1, EQ, 10, 0))),
                                       text),
                         OUTCOME_BAD_PROFILE);
        assert_int_equal(
                compile_error(PROFILE(BOTH, "ERRNO",
                                      RULE("\"read\"", "ALLOW", ARG(0, MASKED_EQ, 3, 1)) "," RULE(
                                              "\"read\"", "TRAP", ARG(0, MASKED_EQ, 12, 4))),
                              text),
                OUTCOME_BAD_PROFILE);
        assert_int_equal(
                compile_error(PROFILE(BOTH, "ERRNO",
                                      RULE("\"read\"", "ALLOW", ARG(0, MASKED_EQ, 7, 1)) "," RULE(
                                              "\"read\"", "TRAP", ARG(0, MASKED_EQ, 12, 4))),
                              text),
                0);
        assert_int_equal(compile_error(PROFILE(BOTH, "ERRNO",
                                               RULE("\"read\"", "ALLOW", ARG(0, EQ, 7, 0)) "," RULE(
                                                       "\"read\"", "TRAP", ARG(0, NE, 7, 0))),
                                       text),
                         0);
}

static void unknown_names(void **state) {
        char text[256];

        assert_int_equal(compile_error(PROFILE(BOTH, "ALLOW",
                                               RULE("\"a_call_of_tomorrow\"", "ERRNO", "")),
                                       text),
                         OUTCOME_BAD_PROFILE);
        assert_non_null(strstr(text, "a_call_of_tomorrow"));
        assert_int_equal(compile_error(PROFILE(BOTH, "ERRNO",
                                               RULE("\"a_call_of_tomorrow\"", "ALLOW", "")),
                                       text),
                         0);
}

static void too_long(void **state) {
        char *text = malloc(1 << 20), error[256];
        size_t at = (size_t)sprintf(text, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[");

        for (int i = 0; i < 1500; i++)
                at += (size_t)sprintf(
                        text + at,
                        "%s{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
                        "{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":%d}]}",
                        i ? "," : "", i);
        sprintf(text + at, "]}");
        assert_int_equal(compile_error(text, error), OUTCOME_BAD_PROFILE);
        assert_non_null(strstr(error, "instructions; the kernel takes 4096"));
        free(text);
}

/* Far more conditional rules than a short jump reaches over, on calls at both ends of the numbers.
 */
static void long_jumps(void **state) {
        char *text = malloc(1 << 20);
        size_t at = (size_t)sprintf(text, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[");
        struct profile *p;

        for (int i = 0; i < 24; i++)
                for (int nr = 3; nr < 334; nr += 30) {
                        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);

                        at += (size_t)sprintf(
                                text + at,
                                "%s{\"names\":[\"%s\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
                                "{\"index\":%d,\"op\":\"SCMP_CMP_MASKED_EQ\",\"value\":%d,\"valueTwo\":%d}]}",
                                at > 0 && text[at - 1] == '}' ? "," : "", name, i % 6, 0xff00 + i,
                                0x1100);
                        free(name);
                }
        sprintf(text + at, "]}");
        p = parse(text);
        compare_with_profile(p, 0);
        profile_free(p);
        free(text);
}

/* --- memfd and cache --- */

static void sealed_memfd(void **state) {
        struct profile *p = parse(shapes[2]);
        struct filter *f = compile(p, 0);
        uint8_t hash[32];
        struct stat st;
        int fd = -1, again = -1;
        void *map;

        assert_int_equal(filter_memfd(f, &fd), 0);
        assert_int_equal(filter_memfd(f, &again), 0);
        assert_int_equal(fd, again);
        assert_int_equal(fcntl(fd, F_GET_SEALS) & 15,
                         F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_size, f->n * 8);
        assert_int_equal(pwrite(fd, "x", 1, 0), -1);
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        assert_true(map != MAP_FAILED);
        assert_memory_equal(map, f->program, f->n * 8);
        sha256(map, f->n * 8, hash);
        assert_memory_equal(hash, f->hash, 32);
        munmap(map, (size_t)st.st_size);
        filter_free(f);
        profile_free(p);
}

static struct filter *get(struct filter_cache *cache, const struct profile *p, uint64_t caps) {
        struct filter_params params;
        struct profile_error err;
        struct filter *f = NULL;

        filter_params_init(&params, caps);
        assert_int_equal(filter_cache_get(cache, p, &params, &f, &err), 0);
        return f;
}

/* Whether the cache answers with this very filter. */
static bool gets(struct filter_cache *cache, const struct profile *p, uint64_t caps,
                 const struct filter *wanted) {
        struct filter *f = get(cache, p, caps);
        bool same = f == wanted;

        filter_free(f);
        return same;
}

static void caches(void **state) {
        struct filter_cache *cache = NULL;
        struct profile *plain = parse(shapes[2]), *same = parse(shapes[2]);
        struct profile *by_caps = parse_file(DEFAULT_PROFILE);
        struct filter *first, *second;

        assert_int_equal(filter_cache_new(2, &cache), 0);
        first = get(cache, plain, 0);
        assert_true(gets(cache, same, 0, first));         /* by content, not by object */
        assert_true(gets(cache, plain, CAPS_ALL, first)); /* it asks for no capability */
        second = get(cache, by_caps, DOCKER_CAPS);
        assert_ptr_not_equal(second, first);
        assert_true(gets(cache, by_caps, DOCKER_CAPS | 1, second)); /* nor for this one */
        assert_true(gets(cache, plain, 0, first));
        assert_false(gets(cache, by_caps, CAPS_ALL, second)); /* now second, the older, goes */
        assert_true(gets(cache, plain, 0, first));
        assert_false(gets(cache, by_caps, DOCKER_CAPS, second));
        filter_free(first);
        filter_free(second);
        filter_cache_free(cache);
        profile_free(plain);
        profile_free(same);
        profile_free(by_caps);
}

/* Whoever got a filter has it when the cache has thrown it out: its program and its memfd. */
static void outlives_the_cache(void **state) {
        struct filter_cache *cache = NULL;
        struct profile *p = parse(shapes[2]);
        struct filter *f;
        uint8_t hash[32];
        int fd = -1;

        assert_int_equal(filter_cache_new(1, &cache), 0);
        f = get(cache, p, 0);
        assert_int_equal(filter_memfd(f, &fd), 0);
        filter_free(get(cache, NULL, 0));
        filter_cache_clear(cache);
        filter_cache_free(cache);
        sha256(f->program, f->n * sizeof(*f->program), hash);
        assert_memory_equal(hash, f->hash, 32);
        assert_true(fcntl(fd, F_GETFD) >= 0);
        assert_null(filter_free(f));
        assert_int_equal(fcntl(fd, F_GETFD), -1);
        profile_free(p);
}

static void without_a_profile(void **state) {
        struct seccomp_data d = { .nr = 1, .arch = AUDIT_ARCH_X86_64 };
        struct filter *f = compile(NULL, 0);

        assert_int_equal(cbpf_run(f->program, f->n, &d), SECCOMP_RET_ALLOW);
        assert_true(f->allows_32bit);
        filter_free(f);
}

/* includes and excludes: a kernel's version, capabilities nobody knows yet. */
static void kernel_and_unknown_caps(void **state) {
        static const char text[] =
                "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
                "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":\"4.8\"}},"
                "{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":\"99.1\"}},"
                "{\"names\":[\"open\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":[\"CAP_OF_TOMORROW\"]}},"
                "{\"names\":[\"close\"],\"action\":\"SCMP_ACT_ALLOW\",\"excludes\":{\"caps\":[\"CAP_OF_TOMORROW\"]}},"
                "{\"names\":[\"stat\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"arches\":[\"s390\"]}}]}";
        static const uint32_t wanted[] = { SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EPERM,
                                           SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ALLOW,
                                           SECCOMP_RET_ERRNO | EPERM };
        struct profile *p = parse(text);
        struct filter *f = compile(p, CAPS_ALL);

        for (int nr = 0; nr < 5; nr++) {
                struct seccomp_data d = { .nr = nr, .arch = AUDIT_ARCH_X86_64 };

                assert_int_equal(cbpf_run(f->program, f->n, &d), wanted[nr]);
        }
        filter_free(f);
        profile_free(p);
}

static void names_of_calls(void **state) {
        char buf[64];

        assert_string_equal(filter_syscall_name(112, buf), "setsid");
        assert_string_equal(filter_syscall_name(0, buf), "read");
        assert_string_equal(filter_syscall_name(999, buf), "999");
        assert_string_equal(filter_syscall_name(-100, buf), "-100");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_shape),
                cmocka_unit_test(default_profile),
                cmocka_unit_test(random_profiles),
                cmocka_unit_test(like_libseccomp),
                cmocka_unit_test(podmans_profile),
                cmocka_unit_test(carried_calls),
                cmocka_unit_test(contradictions),
                cmocka_unit_test(unknown_names),
                cmocka_unit_test(too_long),
                cmocka_unit_test(long_jumps),
                cmocka_unit_test(sealed_memfd),
                cmocka_unit_test(caches),
                cmocka_unit_test(outlives_the_cache),
                cmocka_unit_test(without_a_profile),
                cmocka_unit_test(kernel_and_unknown_caps),
                cmocka_unit_test(names_of_calls),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
