/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of messages and plans that need nothing but their bytes. Never allocates, never trusts a count. */
#include "common/wire.h"

#include "common/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char *const step_names[WIRE_STEP_COUNT] = {
        [WIRE_STEP_NONE] = "none",
#define X(name) [WIRE_STEP_##name] = #name,
        WIRE_STEPS(X)
#undef X
};

const char *wire_step_name(uint32_t step) {
        return step < WIRE_STEP_COUNT ? step_names[step] : "unknown";
}

uint32_t wire_check_head(const void *message, size_t size, size_t n_fds) {
        struct wire_head head;

        if (size < sizeof(head))
                return REASON_MSG_SIZE;
        memcpy(&head, message, sizeof(head));
        if (head.magic != WIRE_MAGIC)
                return REASON_MSG_MAGIC;
        if (head.version != WIRE_VERSION)
                return REASON_MSG_VERSION;
        if (head.size != size)
                return REASON_MSG_SIZE;
        if (head.n_fds != n_fds)
                return REASON_MSG_FDS;
        return 0;
}

static bool is_name_char(char c, bool first) {
        return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (!first && c >= '0' && c <= '9');
}

/* NAME=value; other names are legal for the kernel, but no shell can use them and they have been used to smuggle. */
static bool is_env_entry(const char *entry) {
        size_t i = 0;

        while (is_name_char(entry[i], i == 0))
                i++;
        return i > 0 && entry[i] == '=';
}

/* The next string of a block, or NULL where it does not end within it or is longer than execve(2) takes. */
static const char *next_string(const char **cursor, const char *end) {
        const char *start = *cursor;
        const char *nul = start < end ? memchr(start, 0, (size_t)(end - start)) : NULL;

        if (!nul || nul - start >= (ptrdiff_t)LIMIT_STRING_BYTES)
                return NULL;
        *cursor = nul + 1;
        return start;
}

static uint32_t split_list(const char **cursor, const char *end, uint32_t n, const char **ret) {
        for (uint32_t i = 0; i < n; i++) {
                ret[i] = next_string(cursor, end);
                if (!ret[i])
                        return REASON_PLAN_STRINGS;
        }
        ret[n] = NULL;
        return 0;
}

static uint32_t check_numbers(const struct wire_plan *plan) {
        if (plan->reserved || plan->flags & ~WIRE_PLAN_FLAGS)
                return REASON_PLAN_RESERVED;
        if (plan->argc < 1 || plan->argc > LIMIT_ARGS)
                return REASON_PLAN_ARGC;
        if (plan->envc > LIMIT_ENV)
                return REASON_PLAN_ENVC;
        if (plan->n_groups > LIMIT_GROUPS)
                return REASON_PLAN_GROUPS;
        for (uint32_t i = 0; i < LIMIT_GROUPS; i++)
                if (i < plan->n_groups ? plan->groups[i] == UINT32_MAX : plan->groups[i] != 0)
                        return REASON_PLAN_GROUPS;
        if (plan->rows > LIMIT_TTY_SIDE || plan->cols > LIMIT_TTY_SIDE ||
            (!(plan->flags & WIRE_PLAN_TTY) && (plan->rows || plan->cols)))
                return REASON_PLAN_TTY;
        if (plan->grace_ms > LIMIT_GRACE_MS || plan->wall_ms > INT64_MAX / 1000000 || plan->cpu_ms > INT64_MAX / 1000000 ||
            plan->idle_ms > INT64_MAX / 1000000)
                return REASON_PLAN_TIMES;
        if (plan->flags & WIRE_PLAN_STDERR_OWN && !(plan->flags & WIRE_PLAN_TTY))
                return REASON_PLAN_RESERVED;
        return 0;
}

static uint32_t check_strings(const struct wire_strings *s) {
        if (s->cwd[0] != '/' || strlen(s->cwd) >= LIMIT_CWD_BYTES)
                return REASON_PLAN_CWD;
        if (strlen(s->label) >= LIMIT_LABEL_BYTES)
                return REASON_PLAN_LABEL;
        if (s->argv[0][0] == 0)
                return REASON_PLAN_ARGC;
        for (const char **e = s->envv; *e; e++)
                if (!is_env_entry(*e))
                        return REASON_PLAN_ENV;
        return 0;
}

static uint32_t check_frame(const struct wire_plan *plan, size_t size) {
        if (size < sizeof(*plan) || size > WIRE_PLAN_MAX)
                return REASON_PLAN_SIZE;
        if (plan->magic != WIRE_MAGIC || plan->version != WIRE_VERSION)
                return REASON_PLAN_MAGIC;
        if (plan->size != size || plan->strings_size != size - sizeof(*plan))
                return REASON_PLAN_SIZE;
        return 0;
}

uint32_t wire_check_plan(const void *bytes, size_t size, struct wire_strings *ret) {
        const struct wire_plan *plan = bytes;
        const char *cursor = (const char *)bytes + sizeof(*plan);
        const char *end = (const char *)bytes + size;
        uint32_t reason = check_frame(plan, size);

        if (!reason)
                reason = check_numbers(plan);
        if (reason)
                return reason;
        ret->cwd = next_string(&cursor, end);
        ret->label = ret->cwd ? next_string(&cursor, end) : NULL;
        ret->target = ret->label ? next_string(&cursor, end) : NULL;
        if (!ret->target)
                return REASON_PLAN_STRINGS;
        reason = split_list(&cursor, end, plan->argc, ret->argv);
        if (!reason)
                reason = split_list(&cursor, end, plan->envc, ret->envv);
        if (!reason && cursor != end)
                reason = REASON_PLAN_STRINGS;
        return reason ? reason : check_strings(ret);
}
