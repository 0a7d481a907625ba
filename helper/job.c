/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the request of an exec: sizes, seals, kinds of fds. What the plan may ask for is plan.c's. */
#include "helper/job.h"

#include "common/fdtype.h"
#include "common/memfd.h"
#include "common/sha256.h"
#include "helper/ceiling.h"
#include "helper/context.h"
#include "helper/plan.h"
#include "helper/step-filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

/* Static and untouched until used: the pages of what a request does not need are never made. */
static union {
        struct wire_plan plan;
        char bytes[WIRE_PLAN_MAX];
} plan_block;
static const char *argv_block[LIMIT_ARGS + 1];
static const char *envv_block[LIMIT_ENV + 1];
static struct sock_filter filter_block[LIMIT_FILTER_INSNS];

void job_warm(void) {
        *(volatile char *)plan_block.bytes = 0;
        *(volatile char *)argv_block = 0;
        *(volatile char *)envv_block = 0;
        for (size_t i = 0; i < sizeof(filter_block) / 8; i += 4096)
                ((volatile char *)filter_block)[i] = 0;
}

static int take_slots(const struct wire_exec *m, const int *fds, struct job *job, struct fail *f) {
        const uint32_t needed = 1u << WIRE_SLOT_PLAN | 1u << WIRE_SLOT_TARGET;
        const uint32_t outer = m->slots >> WIRE_SLOT_OUTER_STDIN;
        uint32_t extra = (m->slots >> WIRE_SLOT_EXTRA) & ((1u << LIMIT_EXTRA_FDS) - 1);
        size_t n = 0;

        for (unsigned i = 0; i < WIRE_SLOTS; i++)
                job->fds[i] = -1;
        if (m->slots >> WIRE_SLOTS || (m->slots & needed) != needed || (uint32_t)__builtin_popcount(m->slots) != m->head.n_fds)
                return refuse(f, REASON_MSG_SLOTS);
        if (outer && !(m->slots & 1u << WIRE_SLOT_RING)) /* for a relay, or not at all */
                return refuse(f, REASON_MSG_SLOTS);
        if (extra & (extra + 1)) /* fd 3 and on, without a hole */
                return refuse(f, REASON_MSG_SLOTS);
        for (unsigned i = 0; i < WIRE_SLOTS; i++)
                if (m->slots & 1u << i)
                        job->fds[i] = fds[n++];
        job->n_extra = (size_t)__builtin_popcount(extra);
        return 0;
}

static int check_deadline(const struct wire_exec *m, struct job *job, struct fail *f) {
        uint64_t now = now_ns();

        if (m->deadline_ns == 0) /* a question: refused as late after all other checks */
                return 0;
        if (m->deadline_ns <= now || m->deadline_ns - now > LIMIT_REQUEST_AGE_MS * UINT64_C(1000000))
                return refuse(f, REASON_MSG_LATE);
        job->deadline_ns = m->deadline_ns;
        /* Each counter once; a request that is older than what is remembered here is late as well. */
        if (atomic_exchange(&context.counters[m->counter % COUNTERS], m->counter) == m->counter)
                return refuse(f, REASON_MSG_REPLAYED);
        return 0;
}

static int read_plan(struct job *job, struct fail *f) {
        size_t size;
        uint32_t reason;
        int r = memfd_check(job->fds[WIRE_SLOT_PLAN], WIRE_PLAN_MAX, &size);

        if (r < 0)
                return refuse(f, r == -EFBIG ? REASON_PLAN_SIZE : REASON_PLAN_SEALS);
        if (memfd_read(job->fds[WIRE_SLOT_PLAN], plan_block.bytes, size) < 0)
                return refuse(f, REASON_PLAN_SIZE);
        sha256(plan_block.bytes, size, job->digest);
        job->plan = &plan_block.plan;
        job->strings.argv = argv_block;
        job->strings.envv = envv_block;
        reason = wire_check_plan(plan_block.bytes, size, &job->strings);
        return reason ? refuse(f, reason) : 0;
}

static int read_filter(struct job *job, struct fail *f) {
        const struct wire_plan *plan = job->plan;
        size_t size;
        int r;

        if (job->fds[WIRE_SLOT_FILTER] < 0)
                return 0;
        r = memfd_check(job->fds[WIRE_SLOT_FILTER], sizeof(filter_block), &size);
        if (r < 0)
                return refuse(f, r == -EFBIG ? REASON_FILTER_SIZE : REASON_FILTER_SEALS);
        if (memfd_read(job->fds[WIRE_SLOT_FILTER], filter_block, size) < 0)
                return refuse(f, REASON_FILTER_SIZE);
        r = (int)filter_check(filter_block, size);
        if (r == FILTER_EMPTY || r == FILTER_SIZE || r == FILTER_TOO_LONG)
                return refuse_arg(f, REASON_FILTER_SIZE, (uint32_t)r);
        if (r != FILTER_OK)
                return refuse_arg(f, REASON_FILTER_RETURN, (uint32_t)r);
        job->filter = filter_block;
        job->n_filter = size / sizeof(*filter_block);
        r = filter_needs(job->filter, job->n_filter, plan->flags & WIRE_PLAN_TTY, !(plan->flags & WIRE_PLAN_NNP));
        return r > 0 ? refuse_arg(f, REASON_FILTER_NEEDS, (uint32_t)r - 1) : 0;
}

/* Type first, before anything is done with the fd (SECURITY I21); what the target has to be for it is plan.c's. */
static int check_kind(struct job *job, unsigned slot, uint32_t reason, struct fail *f) {
        const unsigned kind = fdtype_of(job->fds[slot]);

        job->fd_kinds[slot] = kind;
        return kind & context.ceiling->fd_kinds ? 0 : refuse_arg(f, reason, slot);
}

/* Sockets have no direction: both ends read and write. */
static int check_stream(struct job *job, unsigned slot, int mode, struct fail *f) {
        int fd = job->fds[slot];

        if (fd < 0)
                return 0;
        if (check_kind(job, slot, REASON_STREAM_KIND, f) < 0)
                return -1;
        if (!(job->fd_kinds[slot] & (FD_KIND_PIPE | FD_KIND_FILE)))
                return 0;
        return (fcntl(fd, F_GETFL) & O_ACCMODE) == mode ? 0 : refuse_arg(f, REASON_STREAM_MODE, slot);
}

/* The other ends of a relay's pipes, and its memfd of sealed size: kept here, never passed inside, and nothing else. */
static int check_outer(const struct job *job, struct fail *f) {
        const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, ring = job->fds[WIRE_SLOT_RING];
        int r;

        for (unsigned i = WIRE_SLOT_OUTER_STDIN; i < WIRE_SLOT_RING; i++) {
                const int fd = job->fds[i], mode = i == WIRE_SLOT_OUTER_STDIN ? O_WRONLY : O_RDONLY;

                if (fd >= 0 && (fdtype_of(fd) != FD_KIND_PIPE || (fcntl(fd, F_GETFL) & O_ACCMODE) != mode))
                        return refuse_arg(f, REASON_STREAM_KIND, i);
        }
        if (ring < 0)
                return 0;
        r = fcntl(ring, F_GET_SEALS); /* -1 has every bit: what is no memfd must not pass for one that is sealed */
        return r >= 0 && (r & seals) == seals ? 0 : refuse_arg(f, REASON_STREAM_KIND, WIRE_SLOT_RING);
}

static int check_streams(struct job *job, struct fail *f) {
        const bool tty = job->plan->flags & WIRE_PLAN_TTY;
        const bool own_stderr = job->plan->flags & WIRE_PLAN_STDERR_OWN;

        if (tty && (job->fds[WIRE_SLOT_STDIN] >= 0 || job->fds[WIRE_SLOT_STDOUT] >= 0 ||
                    (job->fds[WIRE_SLOT_STDERR] >= 0) != own_stderr))
                return refuse(f, REASON_MSG_SLOTS);
        if (check_stream(job, WIRE_SLOT_STDIN, O_RDONLY, f) < 0 || check_stream(job, WIRE_SLOT_STDOUT, O_WRONLY, f) < 0 ||
            check_stream(job, WIRE_SLOT_STDERR, O_WRONLY, f) < 0)
                return -1;
        for (unsigned i = WIRE_SLOT_EXTRA; i < WIRE_SLOT_EXTRA + job->n_extra; i++)
                if (check_kind(job, i, REASON_EXTRA_KIND, f) < 0)
                        return -1;
        return check_outer(job, f);
}

int job_read(const struct wire_exec *m, const int *fds, struct job *job, struct fail *f) {
        if (m->reserved)
                return refuse(f, REASON_MSG_RESERVED);
        if (take_slots(m, fds, job, f) < 0 || check_deadline(m, job, f) < 0)
                return -1;
        if (read_plan(job, f) < 0 || read_filter(job, f) < 0 || check_streams(job, f) < 0)
                return -1;
        if (target_read(job->fds[WIRE_SLOT_TARGET], &job->target, f) < 0 || target_check(&job->target, f) < 0 ||
            target_check_thawed(&job->target, f) < 0)
                return -1;
        if (plan_check(job, f) < 0)
                return -1;
        return m->deadline_ns == 0 ? refuse(f, REASON_MSG_LATE) : 0;
}
