/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a session's filter, as a broker that was taken over would send them: nothing is read
 * beyond them, and no program that passes the check can answer with an action that the check
 * forbids.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "helper/cbpf.h"
#include "helper/step-filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_allowed(uint32_t action) {
        switch (action & SECCOMP_RET_ACTION_FULL) {
        case SECCOMP_RET_ERRNO: return (action & SECCOMP_RET_DATA) != 0;
        case SECCOMP_RET_ALLOW:
        case SECCOMP_RET_LOG:
        case SECCOMP_RET_TRAP:
        case SECCOMP_RET_KILL_THREAD:
        case SECCOMP_RET_KILL_PROCESS: return 1;
        default: return 0;
        }
}

static void run(const struct sock_filter *f, size_t n, const uint8_t *data, size_t size) {
        struct seccomp_data d = { .arch = AUDIT_ARCH_X86_64 };

        memcpy(d.args, data, size < sizeof(d.args) ? size : sizeof(d.args));
        for (int nr = -1; nr < 480; nr++) {
                d.nr = nr;
                if (!is_allowed(cbpf_run(f, n, &d)))
                        abort();
        }
        for (int mode = 0; mode < 4; mode++) {
                int r = filter_needs(f, n, mode & 1, mode & 2);

                if (r < 0 || r > 480)
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct sock_filter *f = malloc(size ? size
                                            : 1); /* exactly that large: one byte too far shows */
        enum filter_refusal refusal;

        if (!f)
                return 0;
        memcpy(f, data, size);
        refusal = filter_check(f, size);
        if ((unsigned)refusal >= N_FILTER_REFUSALS)
                abort();
        if (refusal == FILTER_OK)
                run(f, size / sizeof(*f), data, size);
        free(f);
        return 0;
}
