/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's decoder: every field at its limit and one beyond, and every way to cut its strings. */
#include "common/wire.h"

#include "common/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *argv_block[LIMIT_ARGS + 1];
static const char *envv_block[LIMIT_ENV + 1];
static struct wire_strings strings = { .argv = argv_block, .envv = envv_block };

/* A plan in a block of exactly its size, so that a sanitizer sees each byte beyond it. */
struct block {
        struct wire_plan *plan;
        size_t size;
};

static struct block make(const char *text, size_t n) {
        struct block b = { .size = sizeof(struct wire_plan) + n };

        b.plan = calloc(1, b.size);
        assert_non_null(b.plan);
        b.plan->magic = WIRE_MAGIC;
        b.plan->version = WIRE_VERSION;
        b.plan->size = (uint32_t)b.size;
        b.plan->strings_size = (uint32_t)n;
        b.plan->argc = 1;
        memcpy(b.plan + 1, text, n);
        return b;
}

#define GOOD "/\0\0demo\0true"
static struct block good(void) {
        return make(GOOD, sizeof(GOOD));
}

static void gives(struct block b, uint32_t wanted) {
        uint32_t got = wire_check_plan(b.plan, b.size, &strings);

        if (got != wanted)
                print_message("reason %s, expected %s\n", reason_word(got), reason_word(wanted));
        assert_int_equal(got, wanted);
        free(b.plan);
}

static void test_good(void **state) {
        struct block b = make("/tmp\0label\0name\0prog\0-x\0\0A=1\0_b2=\0", 34);

        b.plan->argc = 3;
        b.plan->envc = 2;
        assert_int_equal(b.size - sizeof(struct wire_plan), 34);
        assert_int_equal(wire_check_plan(b.plan, b.size, &strings), 0);
        assert_string_equal(strings.cwd, "/tmp");
        assert_string_equal(strings.label, "label");
        assert_string_equal(strings.target, "name");
        assert_string_equal(strings.argv[0], "prog");
        assert_string_equal(strings.argv[2], "");
        assert_null(strings.argv[3]);
        assert_string_equal(strings.envv[0], "A=1");
        assert_string_equal(strings.envv[1], "_b2=");
        assert_null(strings.envv[2]);
        free(b.plan);
        gives(good(), 0);
}

#define FIELD(field, value, reason)       \
        do {                              \
                struct block b_ = good(); \
                b_.plan->field = value;   \
                gives(b_, reason);        \
        } while (0)

static void test_frame(void **state) {
        struct block b;

        FIELD(magic, 0, REASON_PLAN_MAGIC);
        FIELD(magic, WIRE_MAGIC + 1, REASON_PLAN_MAGIC);
        FIELD(version, 0, REASON_PLAN_MAGIC);
        FIELD(version, WIRE_VERSION + 1, REASON_PLAN_MAGIC);
        FIELD(size, 0, REASON_PLAN_SIZE);
        FIELD(size, UINT32_MAX, REASON_PLAN_SIZE);
        FIELD(size, b_.plan->size + 1, REASON_PLAN_SIZE);
        FIELD(size, b_.plan->size - 1, REASON_PLAN_SIZE);
        FIELD(strings_size, 0, REASON_PLAN_SIZE);
        FIELD(strings_size, UINT32_MAX, REASON_PLAN_SIZE);
        FIELD(strings_size, b_.plan->strings_size + 1, REASON_PLAN_SIZE);
        for (size_t size = 0; size < sizeof(struct wire_plan); size += 13) {
                b = good();
                b.plan = realloc(b.plan, size ? size : 1);
                b.size = size;
                gives(b, REASON_PLAN_SIZE);
        }
        b = good();
        b.size--;
        gives(b, REASON_PLAN_SIZE);
}

static void test_numbers(void **state) {
        FIELD(reserved, 1, REASON_PLAN_RESERVED);
        FIELD(flags, WIRE_PLAN_FLAGS + 1, REASON_PLAN_RESERVED);
        FIELD(flags, 1u << 31, REASON_PLAN_RESERVED);
        FIELD(flags, WIRE_PLAN_FLAGS, 0);
        FIELD(flags, WIRE_PLAN_STDERR_OWN, REASON_PLAN_RESERVED);
        FIELD(argc, 0, REASON_PLAN_ARGC);
        FIELD(argc, LIMIT_ARGS + 1, REASON_PLAN_ARGC);
        FIELD(argc, UINT32_MAX, REASON_PLAN_ARGC);
        FIELD(envc, LIMIT_ENV + 1, REASON_PLAN_ENVC);
        FIELD(envc, UINT32_MAX, REASON_PLAN_ENVC);
        FIELD(n_groups, LIMIT_GROUPS + 1, REASON_PLAN_GROUPS);
        FIELD(n_groups, UINT32_MAX, REASON_PLAN_GROUPS);
        FIELD(n_groups, LIMIT_GROUPS, 0);
        FIELD(groups[0], 1, REASON_PLAN_GROUPS);
        FIELD(groups[LIMIT_GROUPS - 1], 1, REASON_PLAN_GROUPS);
        FIELD(rows, 1, REASON_PLAN_TTY);
        FIELD(cols, 1, REASON_PLAN_TTY);
        FIELD(grace_ms, LIMIT_GRACE_MS + 1, REASON_PLAN_TIMES);
        FIELD(grace_ms, LIMIT_GRACE_MS, 0);
        FIELD(wall_ms, UINT64_MAX, REASON_PLAN_TIMES);
        FIELD(cpu_ms, INT64_MAX / 1000000 + 1, REASON_PLAN_TIMES);
        FIELD(idle_ms, INT64_MAX / 1000000 + 1, REASON_PLAN_TIMES);
        FIELD(idle_ms, INT64_MAX / 1000000, 0);
}

static void test_group_minus_one(void **state) {
        struct block b = good();

        b.plan->n_groups = 2;
        b.plan->groups[1] = UINT32_MAX;
        gives(b, REASON_PLAN_GROUPS);
}

static void test_terminal(void **state) {
        struct block b = good();

        b.plan->flags = WIRE_PLAN_TTY | WIRE_PLAN_STDERR_OWN;
        b.plan->rows = LIMIT_TTY_SIDE;
        b.plan->cols = LIMIT_TTY_SIDE;
        gives(b, 0);
        b = good();
        b.plan->flags = WIRE_PLAN_TTY;
        b.plan->rows = LIMIT_TTY_SIDE + 1;
        gives(b, REASON_PLAN_TTY);
}

struct row {
        const char *text;
        size_t n;
        uint32_t argc, envc, reason;
};
#define ROW(text, argc, envc, reason) \
        { text, sizeof(text) - 1, argc, envc, REASON_##reason }

static void test_strings(void **state) {
        static const struct row rows[] = {
                ROW("", 1, 0, PLAN_STRINGS),
                ROW("/", 1, 0, PLAN_STRINGS),
                ROW("/\0", 1, 0, PLAN_STRINGS),
                ROW("/\0\0", 1, 0, PLAN_STRINGS),
                ROW("/\0\0\0", 1, 0, PLAN_STRINGS),
                ROW("/\0\0\0a", 1, 0, PLAN_STRINGS),
                ROW("/\0\0\0a\0", 1, 0, NONE),
                ROW("/\0\0\0a\0b", 1, 0, PLAN_STRINGS),
                ROW("/\0\0\0a\0\0", 1, 0, PLAN_STRINGS),
                ROW("/\0\0\0a\0b\0", 1, 0, PLAN_STRINGS),
                ROW("/\0\0\0a\0b\0", 2, 0, NONE),
                ROW("/\0\0\0a\0b\0", 3, 0, PLAN_STRINGS),
                ROW("/\0\0\0a\0b\0", 1, 1, PLAN_ENV),
                ROW("/\0\0\0\0", 1, 0, PLAN_ARGC),
                ROW("\0\0\0a\0", 1, 0, PLAN_CWD),
                ROW("tmp\0\0\0a\0", 1, 0, PLAN_CWD),
                ROW("./tmp\0\0\0a\0", 1, 0, PLAN_CWD),
                ROW("/\0\0\0a\0B=\0", 1, 1, NONE),
                ROW("/\0\0\0a\0=b\0", 1, 1, PLAN_ENV),
                ROW("/\0\0\0a\0\0", 1, 1, PLAN_ENV),
                ROW("/\0\0\0a\0001B=\0", 1, 1, PLAN_ENV),
                ROW("/\0\0\0a\0B-C=\0", 1, 1, PLAN_ENV),
                ROW("/\0\0\0a\0B C=\0", 1, 1, PLAN_ENV),
                ROW("/\0\0\0a\0B\n=\0", 1, 1, PLAN_ENV),
                ROW("/\0\0\0a\0B()=\0", 1, 1, PLAN_ENV),
                ROW("/\0\0\0a\0\303\244=\0", 1, 1, PLAN_ENV),
                ROW("/\0\0\0a\0_9z==\0", 1, 1, NONE),
        };

        for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                struct block b = make(rows[i].text, rows[i].n);

                b.plan->argc = rows[i].argc;
                b.plan->envc = rows[i].envc;
                gives(b, rows[i].reason);
        }
}

/* cwd, label and one argument of given lengths. */
static struct block long_ones(size_t cwd, size_t label, size_t argument) {
        size_t n = cwd + 1 + label + 1 + 1 + argument + 1;
        char *text = malloc(n), *p = text;
        struct block b;

        memset(text, 'x', n);
        text[0] = '/';
        p += cwd;
        *p++ = 0;
        p += label;
        *p++ = 0;
        *p++ = 0;
        p[argument] = 0;
        b = make(text, n);
        free(text);
        return b;
}

static void test_lengths(void **state) {
        gives(long_ones(LIMIT_CWD_BYTES - 1, LIMIT_LABEL_BYTES - 1, LIMIT_STRING_BYTES - 1), 0);
        gives(long_ones(LIMIT_CWD_BYTES, 1, 1), REASON_PLAN_CWD);
        gives(long_ones(1, LIMIT_LABEL_BYTES, 1), REASON_PLAN_LABEL);
        gives(long_ones(1, 1, LIMIT_STRING_BYTES), REASON_PLAN_STRINGS);
}

static void test_largest(void **state) {
        size_t n = LIMIT_STRINGS_BYTES;
        char *text = calloc(1, n + 1);
        struct block b;

        memcpy(text, "/\0\0\0x", 5);
        b = make(text, n);
        b.plan->argc = LIMIT_ARGS;
        gives(b, REASON_PLAN_STRINGS); /* more empty strings than argc */
        b = make(text, n + 1);
        gives(b, REASON_PLAN_SIZE);
        b = make(text, 4 + 2 + LIMIT_ARGS - 1);
        b.plan->argc = LIMIT_ARGS;
        gives(b, 0);
        free(text);
}

static void test_head(void **state) {
        struct wire_head h = {
                .magic = WIRE_MAGIC, .version = WIRE_VERSION, .size = 16, .n_fds = 2
        };

        assert_int_equal(wire_check_head(&h, 16, 2), 0);
        assert_int_equal(wire_check_head(&h, 15, 2), REASON_MSG_SIZE);
        assert_int_equal(wire_check_head(&h, 0, 0), REASON_MSG_SIZE);
        assert_int_equal(wire_check_head(&h, 17, 2), REASON_MSG_SIZE);
        assert_int_equal(wire_check_head(&h, 16, 1), REASON_MSG_FDS);
        assert_int_equal(wire_check_head(&h, 16, 3), REASON_MSG_FDS);
        h.magic ^= 1;
        assert_int_equal(wire_check_head(&h, 16, 2), REASON_MSG_MAGIC);
        h.magic ^= 1;
        h.version++;
        assert_int_equal(wire_check_head(&h, 16, 2), REASON_MSG_VERSION);
}

static void test_step_names(void **state) {
        for (uint32_t i = 0; i < WIRE_STEP_COUNT; i++)
                for (uint32_t k = 0; k < i; k++)
                        assert_string_not_equal(wire_step_name(i), wire_step_name(k));
        assert_string_equal(wire_step_name(0), "none");
        assert_string_equal(wire_step_name(WIRE_STEP_EXEC), "EXEC");
        assert_string_equal(wire_step_name(WIRE_STEP_COUNT), "unknown");
        assert_string_equal(wire_step_name(UINT32_MAX), "unknown");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),     cmocka_unit_test(test_frame),
                cmocka_unit_test(test_numbers),  cmocka_unit_test(test_group_minus_one),
                cmocka_unit_test(test_terminal), cmocka_unit_test(test_strings),
                cmocka_unit_test(test_lengths),  cmocka_unit_test(test_largest),
                cmocka_unit_test(test_head),     cmocka_unit_test(test_step_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
