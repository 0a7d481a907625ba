/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long one decision takes over 10,000 rules, for rule sets of different shapes. decide_us_10k is the median of the
 * slowest shape, so that an index which only helps the usual one does not look good.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/policy.h"

#define RULES 10000u
#define ROUNDS 2001u

struct text {
        char *bytes;
        size_t n;
};

typedef void write_rule(FILE *out, unsigned i);

/* What an installation looks like: people, groups, hosts' worth of names, some denials, some for everybody. */
static void mixed(FILE *out, unsigned i) {
        static const char *const answers[] = { "allow", "allow", "ask-self", "ask-admin", "deny" };

        if (i % 10 < 4)
                fprintf(out, "Who=user:user%u uid:%u-%u\n", i % 3000, 20000 + i, 20010 + i);
        else if (i % 10 < 8)
                fprintf(out, "Who=group:team%u\n", i % 500);
        else
                fprintf(out, "Who=*\n");
        fprintf(out, "Target=podman:app%u-* docker:db%u\nAsUser=default app\n", i % 700, i);
        if (i % 5 != 4)
                fprintf(out, "Command=/usr/bin/tool%u **\nLimits=wall:1h sessions:5\n", i % 50);
        fprintf(out, "Answer=%s\n", answers[i % 5]);
}

static void each_user(FILE *out, unsigned i) {
        fprintf(out, "Who=user:user%u\nTarget=*\nAnswer=allow\n", i);
}

static void each_uid_range(FILE *out, unsigned i) {
        fprintf(out, "Who=uid:%u-%u\nTarget=podman:*\nAnswer=allow\n", 30000 + i, 30001 + i);
}

static void each_target(FILE *out, unsigned i) {
        fprintf(out, "Who=*\nTarget=podman:app%u\nAnswer=allow\n", i);
}

static void each_prefix(FILE *out, unsigned i) {
        fprintf(out, "Who=*\nTarget=podman:%05u-*\nAnswer=allow\n", i);
}

static void each_ending(FILE *out, unsigned i) {
        fprintf(out, "Who=*\nTarget=podman:*-%05u\nAnswer=allow\n", i);
}

static void each_command(FILE *out, unsigned i) {
        fprintf(out,
                "Who=user:alice\nTarget=podman:app*\nCommand=/usr/bin/tool%u **\nAnswer=allow\n",
                i);
}

static void each_denied(FILE *out, unsigned i) {
        fprintf(out, "Who=user:alice\nTarget=podman:secret%u\nAnswer=deny\n", i);
}

static const struct shape {
        const char *name;
        write_rule *write;
} shapes[] = {
        { "mixed", mixed },
        { "each_user", each_user },
        { "each_uid_range", each_uid_range },
        { "each_target", each_target },
        { "each_prefix", each_prefix },
        { "each_ending", each_ending },
        { "each_command", each_command },
        { "each_denied", each_denied },
};

#define N_SHAPES (sizeof(shapes) / sizeof(*shapes))

static struct policy_set *build(const struct shape *shape) {
        struct policy_errors errors = { 0 };
        struct policy_set *set;
        char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);

        if (!out || policy_set_new(&set) < 0)
                exit(1);
        for (unsigned i = 0; i < RULES; i++) {
                fprintf(out, "[Rule r%u]\n", i);
                shape->write(out, i);
        }
        if (fclose(out) != 0 || policy_set_add(set, shape->name, text, len, &errors) != 0 ||
            policy_set_freeze(set, &errors) != 0) {
                fprintf(stderr, "policy: the rules of %s do not parse\n", shape->name);
                exit(1);
        }
        free(text);
        return set;
}

static struct policy_request request(void) {
        static const char *const argv[] = { "/usr/bin/tool9999", "--all" };
        static struct policy_group groups[32];
        static char names[32][16];
        struct policy_request req = {
                .caller = { .uid = 1000, .name = "alice", .groups = groups, .n_groups = 32 },
                .target = { .engine = "podman",
                            .name = "app99-frontend-1",
                            .id = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00",
                            .image_known = true,
                            .labels_known = true },
                .user = { .resolved = true, .uid = 1000, .gid = 1000, .is_default = POLICY_YES },
                .argv = argv,
                .n_argv = 2,
                .fd_kinds = POLICY_FD_PIPE,
        };

        for (unsigned i = 0; i < 32; i++) {
                snprintf(names[i], sizeof(names[i]), "team%u", 470 + i);
                groups[i] = (struct policy_group){ .gid = 470 + i, .name = names[i] };
        }
        return req;
}

static double now_us(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b) {
        const double *p = a, *q = b;

        return (*p > *q) - (*p < *q);
}

static double measure(const struct policy_set *set, const struct policy_request *req) {
        static double times[ROUNDS];

        for (unsigned i = 0; i < ROUNDS; i++) {
                struct policy_verdict verdict;
                double start = now_us();

                if (policy_decide(set, req, NULL, &verdict) != 0)
                        exit(1);
                times[i] = now_us() - start;
        }
        qsort(times, ROUNDS, sizeof(*times), by_value);
        return times[ROUNDS / 2];
}

int main(int argc, char **argv) {
        bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
        struct policy_request req = request();
        double us[N_SHAPES], worst = 0;

        if (argc > 1 && !json) {
                fprintf(stderr, "policy: usage: policy [--json]\n");
                return 2;
        }
        for (size_t i = 0; i < N_SHAPES; i++) {
                struct policy_set *set = build(&shapes[i]);

                us[i] = measure(set, &req);
                worst = us[i] > worst ? us[i] : worst;
                policy_set_unref(set);
        }
        printf(json ? "{\"decide_us_10k\": %.2f"
                    : "one decision over 10,000 rules, median, slowest shape: %.2f us\n",
               worst);
        for (size_t i = 0; i < N_SHAPES; i++)
                printf(json ? ", \"%s_us\": %.2f" : "  %-16s %8.2f us\n", shapes[i].name, us[i]);
        if (json)
                printf("}\n");
        return 0;
}
