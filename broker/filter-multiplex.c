/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule for a socket or System V IPC call means for the 32-bit calls that carry it. */
#include "broker/filter-multiplex.h"

#include <linux/seccomp.h>
#include <stddef.h>

#include "broker/filter-rules.h"

#define SOCKETCALL 102
#define IPC 117
#define ONLY_CARRIED UINT32_MAX

/* Of ipc's first argument the kernel reads the low 16 bits as the call; of socketcall's all. */
#define SOCKET(n) .carrier = SOCKETCALL, .arg = { 0, PROFILE_MASKED_EQ, 0xffffffff, n }
#define SYSV(n) .carrier = IPC, .arg = { 0, PROFILE_MASKED_EQ, 0xffff, n }

static const struct carried {
        int nr; /* libseccomp's */
        uint32_t direct;
        uint32_t carrier;
        struct profile_arg arg;
} table[] = {
        { -101, 359, SOCKET(1) },           /* socket */
        { -102, 361, SOCKET(2) },           /* bind */
        { -103, 362, SOCKET(3) },           /* connect */
        { -104, 363, SOCKET(4) },           /* listen */
        { -105, ONLY_CARRIED, SOCKET(5) },  /* accept */
        { -106, 367, SOCKET(6) },           /* getsockname */
        { -107, 368, SOCKET(7) },           /* getpeername */
        { -108, 360, SOCKET(8) },           /* socketpair */
        { -109, ONLY_CARRIED, SOCKET(9) },  /* send */
        { -110, ONLY_CARRIED, SOCKET(10) }, /* recv */
        { -111, 369, SOCKET(11) },          /* sendto */
        { -112, 371, SOCKET(12) },          /* recvfrom */
        { -113, 373, SOCKET(13) },          /* shutdown */
        { -114, 366, SOCKET(14) },          /* setsockopt */
        { -115, 365, SOCKET(15) },          /* getsockopt */
        { -116, 370, SOCKET(16) },          /* sendmsg */
        { -117, 372, SOCKET(17) },          /* recvmsg */
        { -118, 364, SOCKET(18) },          /* accept4 */
        { -119, 337, SOCKET(19) },          /* recvmmsg */
        { -120, 345, SOCKET(20) },          /* sendmmsg */
        { -201, ONLY_CARRIED, SYSV(1) },    /* semop */
        { -202, 393, SYSV(2) },             /* semget */
        { -203, 394, SYSV(3) },             /* semctl */
        { -204, ONLY_CARRIED, SYSV(4) },    /* semtimedop */
        { -211, 400, SYSV(11) },            /* msgsnd */
        { -212, 401, SYSV(12) },            /* msgrcv */
        { -213, 399, SYSV(13) },            /* msgget */
        { -214, 402, SYSV(14) },            /* msgctl */
        { -221, 397, SYSV(21) },            /* shmat */
        { -222, 398, SYSV(22) },            /* shmdt */
        { -223, 395, SYSV(23) },            /* shmget */
        { -224, 396, SYSV(24) },            /* shmctl */
};

static const struct carried *find(int nr) {
        for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
                if (table[i].nr == nr)
                        return &table[i];
        return NULL;
}

bool filter_is_multiplexed(int nr) {
        return find(nr) != NULL;
}

/* The kernel's own order: the lower the action as a signed number, the more it forbids. */
static bool is_stricter(uint32_t a, uint32_t b) {
        return (int32_t)(a & SECCOMP_RET_ACTION_FULL) < (int32_t)(b & SECCOMP_RET_ACTION_FULL);
}

/* One rule counts for the carrier: the unconditional one, or the strictest of those that refuse
 * more than the default. */
static const struct filter_rule *for_carrier(const struct filter_rule *rules, size_t n,
                                             uint32_t default_action) {
        const struct filter_rule *found = NULL;

        if (rules[0].n_args == 0)
                return &rules[0];
        for (size_t i = 0; i < n; i++)
                if (is_stricter(rules[i].action, found ? found->action : default_action))
                        found = &rules[i];
        return found;
}

static int carry(struct filter_rules *rules, size_t first, size_t n, const struct carried *carried,
                 uint32_t default_action) {
        const struct filter_rule *rule = for_carrier(&rules->rule[first], n, default_action);

        if (!rule)
                return 0;
        return filter_rules_append(rules, (struct filter_rule){ carried->carrier, rule->action,
                                                                &carried->arg, 1, 0 });
}

int filter_multiplex(struct filter_rules *rules, unsigned default_action) {
        size_t n_before = rules->n, kept = 0;

        for (size_t i = 0, n; i < n_before; i += n) {
                const struct carried *carried = find((int)rules->rule[i].nr);
                int r;

                n = filter_rules_of_call(rules, i, n_before);
                r = carried ? carry(rules, i, n, carried, default_action) : 0;
                if (r < 0)
                        return r;
                for (size_t k = i; carried && k < i + n; k++)
                        rules->rule[k].nr = carried->direct;
        }
        for (size_t i = 0; i < rules->n; i++)
                if (rules->rule[i].nr != ONLY_CARRIED)
                        rules->rule[kept++] = rules->rule[i];
        rules->n = kept;
        return 0;
}
