/* SPDX-License-Identifier: Apache-2.0 */
/* `exec`, seen from the supervisor: checks, the cgroup, the intermediate, proof of the command, then the wait. */
#include "common/caps.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "common/sha256.h"
#include "helper/cgroup.h"
#include "helper/context.h"
#include "helper/job.h"
#include "helper/log.h"
#include "helper/ops.h"
#include "helper/session.h"
#include "helper/steps.h"
#include "helper/text.h"
#include "helper/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PF_FORKNOEXEC 0x40u

static struct job job;
static struct run run;

/* Before anything else happens: who is said to ask, for what, and what we said to it. */
static int log_verdict(const struct fail *f) {
        char digest[65] = "-", session[65] = "-", target[256] = "-";
        const struct wire_plan *p = job.plan;

        if (p) {
                sha256_hex(job.digest, digest);
                sha256_hex(p->session, session);
        }
        if (p && job.strings.target)
                log_escape(job.strings.target, target, sizeof(target));
        return log_line("request session=%.16s digest=%s claimed-caller=%d target=%s pid=%d uid=%d verdict=%s step=%s errno=%d arg=%u",
                        session, digest, p ? (int)p->caller_uid : -1, target, (int)job.target.pid, p ? (int)p->uid : -1,
                        f->reason ? reason_word(f->reason) : "ok", wire_step_name(f->step), f->err, f->arg);
}

static pid_t start_intermediate(const struct cgroup *cg, struct session_page *page, int *ret_pidfd) {
        struct clone_args args = {
                .flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
                .pidfd = (uintptr_t)ret_pidfd,
                .parent_tid = (uintptr_t)&page->i_pid,
                .exit_signal = SIGCHLD,
        };

        if (context.clone_into) {
                args.flags |= CLONE_INTO_CGROUP;
                args.cgroup = (uint64_t)cg->dir_fd;
        }
        return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* One message of I. 1 a refusal (in *f), 0 nothing more, 2 the terminal. */
static int read_report(struct wait *w, struct fail *f) {
        struct fail m;
        int fds[1] = { -1 };
        size_t size, n;

        if (fdpass_recv(w->report_fd, &m, sizeof(m), &size, fds, 1, &n, MSG_DONTWAIT) < 0)
                return 0;
        if (size == sizeof(m) && n == 1 && !m.reason && w->tty_fd < 0) {
                w->tty_fd = fds[0];
                return 2;
        }
        close_fds(fds, n);
        *f = size == sizeof(m) && m.reason && m.reason < REASON_COUNT ? m : (struct fail){ .reason = REASON_STEP, .err = EPROTO };
        return 1;
}

/* One message of C, which counts as one thing only: whatever C sends is a stranger's. recv takes no fd along. */
static bool read_last_words(const struct wait *w, struct fail *f) {
        struct fail m = {};
        ssize_t n = recv(w->report_fd, &m, sizeof(m), MSG_DONTWAIT);

        if (n <= 0)
                return false;
        *f = (struct fail){
                .reason = m.reason == REASON_NOT_FOUND ? REASON_NOT_FOUND : REASON_NOT_EXECUTABLE,
                .step = WIRE_STEP_EXEC,
                .err = m.err > 0 && m.err < 4096 ? m.err : EIO,
        };
        return true;
}

static int poll_until(int fd, short events, uint64_t deadline_ns) {
        struct pollfd p = { .fd = fd, .events = events };
        uint64_t now;
        int r;

        do {
                now = now_ns();
                r = poll(&p, 1, now >= deadline_ns ? 0 : (int)((deadline_ns - now) / 1000000 + 1));
        } while (r < 0 && now < deadline_ns); /* an error of poll is no reason to end what may be well */
        return r > 0;
}

/* From the reaping on the number may be another's: the page must not name it any more. */
static int reap(int pidfd, struct session_page *page, int *ret_status) {
        siginfo_t info = {};

        page->i_pid = 0;

        if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | __WALL) < 0 || info.si_pid == 0)
                return -ECHILD;
        *ret_status = info.si_code == CLD_EXITED ? info.si_status : -1;
        return 0;
}

/* I has ended: with 0, having made C, or with a refusal. */
static int finish_intermediate(struct wait *w, int pidfd, uint64_t deadline, struct fail *f) {
        int status = -1;

        if (!poll_until(pidfd, POLLIN, deadline))
                return refuse(f, REASON_STUCK);
        if (reap(pidfd, w->page, &status) < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_CLONE, ECHILD);
        if (status == 0) {
                if (run.job->plan->flags & WIRE_PLAN_TTY && read_report(w, f) != 2)
                        return refuse_step(f, REASON_TTY, WIRE_STEP_TTY, EPROTO);
                return 0;
        }
        /* Where no C was born, all that is there is I's: perhaps the terminal, then why. */
        while (!w->page->c_pid && read_report(w, f) == 2)
                ;
        return f->reason ? -1 : refuse_step(f, REASON_STEP, WIRE_STEP_CLONE, EPROTO);
}

/* From outside, by the kernel's word: the bounding set is final (it only ever shrinks), and it is in its namespace. */
static int read_command(struct wait *w, int proc_fd) {
        char *text = text_scratch;
        const char *p;
        uint64_t v = 0;

        if (text_read(proc_fd, "status", text, TEXT_SCRATCH) < 0 || text_field_u64(text, "CapBnd:", 16, &v) < 0)
                return -EIO;
        if (!caps_subset(v, job.plan->caps[CAPS_BOUNDING]))
                return -EPERM;
        p = text_field(text, "NSpid:");
        while (p && *p && *p != '\n' && text_u64(&p, 10, &v) == 0)
                ;
        w->inner_pid = (uint32_t)v;
        return 0;
}

/* That the number in the page is a child of ours and not I: nothing that a container does can forge both. */
static int prove_command(struct wait *w, struct session_page *page, struct fail *f) {
        siginfo_t info = {};
        char number[16];
        int dir, e;

        w->pid = page->c_pid;
        w->pidfd = w->pid > 0 && w->pid != w->i_pid ? (int)syscall(SYS_pidfd_open, w->pid, 0) : -1;
        if (w->pidfd < 0 || waitid(P_PIDFD, (id_t)w->pidfd, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_PROOF, errno);
        snprintf(number, sizeof(number), "%d", (int)w->pid);
        dir = openat(context.proc_fd, number, O_PATH | O_DIRECTORY | O_CLOEXEC);
        w->stat_fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
        /* Where there are no labels there is nothing to open: the open waits until C's exec is through. */
        if (target_needs_label(&job.target))
                w->label_fd = openat(dir, "attr/current", O_RDONLY | O_CLOEXEC);
        e = read_command(w, dir);
        close_fd(dir);
        if (e < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_BOUNDING, -e);
        return w->stat_fd < 0 ? refuse_step(f, REASON_STEP, WIRE_STEP_PROOF, errno) : 0;
}

/* End of file means executed only if the kernel says that C is no longer a fork that has not executed: a filter
 * that kills at execve closes the socketpair just the same. */
static bool has_executed(int stat_fd) {
        char text[2048];
        uint64_t flags;

        return text_pread(stat_fd, text, sizeof(text)) >= 0 && text_stat_field(text, 9, &flags) == 0 && !(flags & PF_FORKNOEXEC);
}

static int await_exec(struct wait *w, uint64_t deadline, struct fail *f) {
        if (!poll_until(w->report_fd, POLLIN, deadline))
                return refuse(f, REASON_STUCK);
        if (read_last_words(w, f))
                return -1;
        if (has_executed(w->stat_fd))
                return 0;
        /* The end of an init takes everything in its pid namespace along. */
        if (target_has_ended(job.target.pidfd, 0))
                return refuse(f, REASON_TARGET_DEAD);
        return refuse_step(f, REASON_STEP, WIRE_STEP_EXEC, EKEYREJECTED);
}

/* The label that the command really has, by the kernel's word. */
static int check_label(const struct wait *w, struct fail *f) {
        char now[LIMIT_LABEL_BYTES] = "";

        if (!target_needs_label(&job.target))
                return 0;
        if (text_pread(w->label_fd, now, sizeof(now)) < 0)
                return refuse_step(f, REASON_TARGET_LABEL, WIRE_STEP_LABEL, EIO);
        now[strcspn(now, "\n")] = 0;
        return strcmp(now, job.target.facts.label) == 0 ? 0 : refuse_step(f, REASON_TARGET_LABEL, WIRE_STEP_LABEL, EKEYREJECTED);
}

static int start(struct wait *w, struct session_page *page, struct fail *f) {
        uint64_t deadline = page->received_ns + LIMIT_MESSAGE_MS * UINT64_C(1000000);
        int pair[2];
        pid_t pid;

        if (job.deadline_ns < deadline)
                deadline = job.deadline_ns;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_CLONE, errno);
        run = (struct run){ .job = &job, .page = page, .report_fd = pair[1], .join_fd = -1, .tty_fd = -1 };
        if (!context.clone_into)
                run.join_fd = openat(w->cg.dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        w->i_pid = pid = start_intermediate(&w->cg, page, &w->i_pidfd);
        if (pid == 0)
                steps_intermediate(&run);
        close_fd(run.join_fd);
        close(pair[1]);
        w->report_fd = pair[0];
        if (pid < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_CLONE, errno);
        if (cgroup_open_rest(&w->cg) < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_CGROUP, errno);
        if (wait_become(f) < 0)
                return -1;
        if (finish_intermediate(w, w->i_pidfd, deadline, f) < 0)
                return -1;
        w->i_pidfd = close_fd(w->i_pidfd);
        page->trace_ns[WIRE_T_BORN] = now_ns();
        if (prove_command(w, page, f) < 0)
                return -1;
        if (wait_drop(w, f) < 0 || await_exec(w, deadline, f) < 0)
                return -1;
        page->trace_ns[WIRE_T_EXECUTED] = now_ns();
        return check_label(w, f);
}

/* Whatever is there is ended: a failed start leaves nothing. */
static void undo(struct wait *w) {
        /* By their own handles too: who owns the target's cgroup can have moved them out of the session's. C is a
         * child of ours that nobody has reaped: its number is its own. */
        if (w->pidfd < 0 && w->page->c_pid > 0)
                w->pidfd = (int)syscall(SYS_pidfd_open, w->page->c_pid, 0);
        syscall(SYS_pidfd_send_signal, w->i_pidfd, SIGKILL, NULL, 0);
        syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
        cgroup_kill(w->cg.kill_fd);
        cgroup_wait_empty(w->cg.events_fd, now_ns() + LIMIT_KILL_MS * UINT64_C(1000000));
        close_fd(w->tty_fd);
}

/* All but the plan, which tells the next broker what this session is. */
static void close_passed(void) {
        close_fds(job.fds + WIRE_SLOT_TARGET, WIRE_SLOT_EXTRA - WIRE_SLOT_TARGET + job.n_extra);
        target_close(&job.target);
}

int op_exec(const struct request *q, struct fail *f) {
        static struct wait w = { .report_fd = -1, .tty_fd = -1, .pidfd = -1, .i_pidfd = -1, .stat_fd = -1, .label_fd = -1 };
        int logged, r = job_read(q->message, q->fds, &job, f);

        q->page->trace_ns[WIRE_T_CHECKED] = now_ns();
        logged = log_verdict(f);
        if (r == 0 && logged < 0) /* what cannot be recorded is not done */
                r = refuse_step(f, REASON_STEP, WIRE_STEP_CHECK, -logged);
        if (r < 0)
                return -1;
        w.conn = q->conn;
        w.page = q->page;
        w.job = &job;
        memcpy(w.outer, job.fds + WIRE_SLOT_OUTER_STDIN, sizeof(w.outer));
        if (cgroup_make(&job.target, q->page, &w.cg, f) < 0) {
                q->page->fail = *f;
                return -1;
        }
        q->page->phase = PHASE_STARTING;
        q->page->trace_ns[WIRE_T_CGROUP] = now_ns();
        r = start(&w, q->page, f);
        close_passed();
        if (r < 0) {
                undo(&w);
                q->page->fail = *f;
                return -1;
        }
        wait_session(&w);
        return 0;
}
