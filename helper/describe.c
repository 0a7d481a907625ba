/* SPDX-License-Identifier: Apache-2.0 */
/* `describe`: facts about targets, by the kernel's own interfaces. Only about what the ceiling lets pass as a
 * target: a broker that was taken over learns nothing of other processes here. */
#include "common/fd.h"
#include "common/fdpass.h"
#include "common/memfd.h"
#include "helper/context.h"
#include "helper/ops.h"
#include "helper/plan.h"
#include "helper/target.h"
#include "helper/text.h"

#include <errno.h>
#include <sys/socket.h>

static struct target target;
static char environ_block[LIMIT_ENVIRON_BYTES];

/* The initial environment as a sealed memfd; -1 where it cannot be had. */
static int environ_fd(struct wire_facts *facts) {
        struct iovec part = { environ_block, 0 };
        int n = text_read(target.proc_fd, "environ", environ_block, sizeof(environ_block));

        if (n == -EFBIG)
                facts->flags |= WIRE_FACT_ENVIRON_CUT;
        else if (n > 0)
                part.iov_len = (size_t)n;
        facts->environ_size = (uint32_t)part.iov_len;
        return memfd_sealed("airlock-environ", &part, 1);
}

static int describe_one(const struct request *q, uint32_t index, bool with_environ, struct fail *f) {
        struct wire_facts *facts = &target.facts;
        int fd = -1, r;

        if (target_read(q->fds[index], &target, f) < 0 || target_check(&target, f) < 0)
                return -1;
        if (with_environ)
                fd = environ_fd(facts);
        facts->head = WIRE_HEAD(WIRE_FACTS, struct wire_facts, fd >= 0);
        facts->index = index;
        facts->flags |= WIRE_FACT_ALLOWED;
        facts->ceiling_caps = plan_ceiling_caps(&target);
        facts->flags |= plan_fd_kinds(&target, 0) * WIRE_FACT_FD_PIPE;
        r = fdpass_send(q->conn, facts, sizeof(*facts), &fd, fd >= 0, 0);
        close_fd(fd);
        return r < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_RECEIVE, -r) : 0;
}

int op_describe(const struct request *q, struct fail *f) {
        const struct wire_describe *m = q->message;

        if (m->flags & ~WIRE_DESCRIBE_ENVIRON)
                return refuse(f, REASON_MSG_RESERVED);
        if (m->n_targets != q->n_fds)
                return refuse(f, REASON_MSG_FDS);
        for (uint32_t i = 0; i < m->n_targets; i++) {
                struct fail one = {};

                if (describe_one(q, i, m->flags & WIRE_DESCRIBE_ENVIRON, &one) < 0) {
                        one.arg = i;
                        report_refused(q->conn, &one);
                }
                target_close(&target);
        }
        return 0;
}
