/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor (S): one request received, looked up in the closed table, answered. Ends with its session. */
#include "common/fd.h"
#include "common/fdpass.h"
#include "helper/ceiling.h"
#include "helper/context.h"
#include "helper/job.h"
#include "helper/log.h"
#include "helper/ops.h"
#include "helper/session.h"
#include "helper/steps.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct operation {
        uint16_t kind;
        const char *name;
        size_t size; /* exactly */
        size_t min_fds;
        size_t max_fds;
        int (*run)(const struct request *q, struct fail *f);
        const char *reason; /* why a hostile caller gains nothing by it */
};

/* Unlisted ends the process. */
static const struct operation operations[] = {
        { WIRE_DESCRIBE, "describe", sizeof(struct wire_describe), 1, LIMIT_DESCRIBE_TARGETS, op_describe,
          "reads only, and only of processes that pass as targets under the ceiling" },
        { WIRE_LIST, "list", sizeof(struct wire_list), 0, 0, op_list,
          "names in directories that the ceiling lists, bounded; no fd of the host leaves" },
        { WIRE_OPEN, "open", sizeof(struct wire_open), 0, 1, op_open,
          "a sealed copy of a regular root-owned file below those, or of a target's passwd or group; at most 1 MiB" },
        { WIRE_EXEC, "exec", sizeof(struct wire_exec), 2, WIRE_SLOTS, op_exec,
          "everything is held against the ceiling, and rights end in the intermediate before the command is born" },
};

static union {
        struct wire_head head;
        struct wire_describe describe;
        struct wire_list list;
        struct wire_open open;
        struct wire_exec exec;
} message;

static const struct operation *find_operation(uint16_t kind) {
        for (unsigned i = 0; i < sizeof(operations) / sizeof(*operations); i++)
                if (operations[i].kind == kind)
                        return &operations[i];
        return NULL;
}

static int receive(int conn, int *fds, size_t *n_fds, size_t *size, struct fail *f) {
        struct pollfd p = { .fd = conn, .events = POLLIN };
        int r = poll(&p, 1, LIMIT_MESSAGE_MS);

        if (r == 0)
                return refuse(f, REASON_MSG_TIMEOUT);
        r = fdpass_recv(conn, &message, sizeof(message), size, fds, WIRE_SLOTS, n_fds, MSG_DONTWAIT);
        if (r == -EMSGSIZE || r == -EBADMSG)
                return refuse(f, REASON_MSG_TRUNCATED);
        return r < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_RECEIVE, -r) : 0;
}

static int check_bounds(const struct operation *op, size_t size, size_t n_fds, struct fail *f) {
        if (!op)
                return refuse(f, REASON_MSG_OP);
        if (size != op->size)
                return refuse(f, REASON_MSG_SIZE);
        return n_fds >= op->min_fds && n_fds <= op->max_fds ? 0 : refuse(f, REASON_MSG_FDS);
}

static int serve(int conn, struct session_page *page, struct fail *f) {
        int fds[WIRE_SLOTS];
        struct request q = { .conn = conn, .message = &message, .fds = fds, .page = page };
        const struct operation *op;
        size_t size;
        uint32_t reason;
        int r;

        if (receive(conn, fds, &q.n_fds, &size, f) < 0)
                return -1;
        page->received_ns = page->trace_ns[WIRE_T_RECEIVED] = now_ns();
        page->phase = PHASE_RECEIVED;
        reason = wire_check_head(&message, size, q.n_fds);
        if (reason)
                return refuse(f, reason);
        op = find_operation(message.head.kind);
        if (check_bounds(op, size, q.n_fds, f) < 0)
                return -1;
        if (!context.ceiling)
                return refuse(f, REASON_NO_CEILING);
        if (op->kind == WIRE_EXEC) /* logs its own verdict, before it acts */
                return op->run(&q, f);
        r = op->run(&q, f);
        log_line("request op=%s verdict=%s step=%s errno=%d arg=%u", op->name, r < 0 ? reason_word(f->reason) : "ok",
                 wire_step_name(f->step), f->err, f->arg);
        return r;
}

/* The listener hands the connection over when it has one; end of file: it has ended, or takes the spare back. */
static int receive_connection(int sock) {
        char byte;
        size_t size, n;
        int conn = -1;

        if (fdpass_recv(sock, &byte, sizeof(byte), &size, &conn, 1, &n, 0) < 0 || n != 1)
                _exit(0);
        close(sock);
        return conn;
}

void supervise(int sock, struct session_page *page) {
        const int keep[] = { 0, 1, 2, sock, context.log_fd, context.proc_fd, context.cgroup_fd };
        struct fail f = {};
        sigset_t none;
        int conn;

        close_all_but(keep, sizeof(keep) / sizeof(*keep));
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (setgroups(0, NULL) < 0)
                refuse_step(&f, REASON_STEP, WIRE_STEP_GROUPS, errno);
        job_warm();
        conn = receive_connection(sock);
        if (f.reason || serve(conn, page, &f) < 0) {
                /* One that connects ahead and asks nothing is no request. */
                if (f.err != ECONNRESET && (page->phase < PHASE_RECEIVED || !find_operation(message.head.kind)))
                        log_line("request verdict=%s step=%s errno=%d", reason_word(f.reason), wire_step_name(f.step), f.err);
                report_refused(conn, &f);
        }
        page->phase = PHASE_REPORTED;
        _exit(0);
}
