/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals, sent. */
#include "helper/report.h"

#include "common/fdpass.h"

#include <sys/socket.h>

void report_refused(int conn, const struct fail *f) {
        struct wire_refused m = {
                .head = WIRE_HEAD(WIRE_REFUSED, struct wire_refused, 0),
                .reason = f->reason,
                .step = f->step,
                .err = f->err,
                .arg = f->arg,
        };

        fdpass_send(conn, &m, sizeof(m), NULL, 0, MSG_DONTWAIT);
}
