/* SPDX-License-Identifier: Apache-2.0 */
/* How a check or a step says no: one reason, and with it step, errno and what it speaks of. */
#pragma once

#include "common/reason.h"
#include "common/wire.h"

#include <stdint.h>

struct fail {
        uint32_t reason; /* enum reason */
        uint32_t step;   /* enum wire_step */
        int32_t err;
        uint32_t arg;
};

/* Fills *f and returns -1, so that a check ends with `return refuse(f, …)`. */
static inline int refuse(struct fail *f, uint32_t reason) {
        *f = (struct fail){ .reason = reason };
        return -1;
}

static inline int refuse_arg(struct fail *f, uint32_t reason, uint32_t arg) {
        *f = (struct fail){ .reason = reason, .arg = arg };
        return -1;
}

static inline int refuse_step(struct fail *f, uint32_t reason, uint32_t step, int err) {
        *f = (struct fail){ .reason = reason, .step = step, .err = err };
        return -1;
}

/* Sends the refusal; a peer that is gone is no error. */
void report_refused(int conn, const struct fail *f);
