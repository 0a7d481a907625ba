/* SPDX-License-Identifier: Apache-2.0 */
/* The wait: commands in, one exact record out. Every wait here has a deadline; every number is a stranger's. */
#include "helper/wait.h"

#include "common/fd.h"
#include "common/fdpass.h"
#include "helper/context.h"
#include "helper/job.h"
#include "helper/link.h"
#include "helper/session.h"
#include "helper/text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define CPU_LOOK_MS 200
#define SIGNAL_MAX 4096u /* processes that one signal to all reaches */

/* What may end the session, and when. 0: never. */
struct deadlines {
        uint64_t kill_ns; /* the grace of a stop has passed */
        uint64_t give_up_ns; /* what was killed and has not ended by then is unkillable: frozen by v1, held by a tracer */
        uint64_t wall_ns;
        uint64_t idle_ms; /* of CPU time; what has a relay has its idleness measured there, by bytes */
        uint64_t idle_ns;
        uint64_t cpu_seen_us;
        uint32_t ended_by; /* why, once something did */
        uint32_t timeout;
        bool acknowledged; /* the end record is committed elsewhere */
        struct link link;
};

/* To a broker that did not ask for the exec, the plan comes along: it says what this session is. */
static int send_started(const struct wait *w, bool with_plan) {
        struct wire_started m = {
                .pid = (uint32_t)w->pid,
                .inner_pid = w->inner_pid,
                .started_us = w->page->record.started_us,
        };
        int fds[2];
        unsigned n = 0;

        if (with_plan)
                fds[n++] = w->job->fds[WIRE_SLOT_PLAN];
        if (w->tty_fd >= 0)
                fds[n++] = w->tty_fd;
        m.head = WIRE_HEAD(WIRE_STARTED, struct wire_started, n);
        memcpy(m.trace_ns, w->page->trace_ns, sizeof(m.trace_ns));
        memcpy(m.digest, w->job->digest, sizeof(m.digest));
        snprintf(m.cgroup, sizeof(m.cgroup), "%.*s", LIMIT_CGROUP_BYTES - 1, w->page->cgroup);
        return fdpass_send(w->conn, &m, sizeof(m), fds, n, MSG_DONTWAIT);
}

/* One process by a pidfd that is opened only after its number was read and proved again by a second reading. */
static void signal_all(const struct wait *w, int sig) {
        static uint32_t first[SIGNAL_MAX], again[SIGNAL_MAX];
        uint32_t n = cgroup_pids(w->cg.procs_fd, first, SIGNAL_MAX);

        for (uint32_t i = 0; i < n && i < SIGNAL_MAX; i++) {
                int fd = (int)syscall(SYS_pidfd_open, first[i], 0);
                uint32_t m = fd < 0 ? 0 : cgroup_pids(w->cg.procs_fd, again, SIGNAL_MAX);

                for (uint32_t k = 0; k < m && k < SIGNAL_MAX; k++)
                        if (again[k] == first[i])
                                syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
                close_fd(fd);
        }
}

static void signal_command(const struct wait *w, int sig, uint32_t scope) {
        if (sig < 1 || sig > 64)
                return;
        if (w->page->phase >= PHASE_RECORDED) /* C is reaped: its number may be another's by now */
                scope = scope == WIRE_SCOPE_ALL ? scope : UINT32_MAX;
        if (scope == WIRE_SCOPE_LEADER)
                syscall(SYS_pidfd_send_signal, w->pidfd, sig, NULL, 0);
        else if (scope == WIRE_SCOPE_GROUP)
                syscall(SYS_kill, -w->pid, sig); /* C is not reaped yet: its number is its own */
        else if (scope == WIRE_SCOPE_ALL)
                signal_all(w, sig);
}

/* Somebody debugs it: said in the record, since what stops it may look like a command that hangs. */
static void note_held(const struct wait *w) {
        char text[2048];
        const char *p = text_pread(w->stat_fd, text, sizeof(text)) > 0 ? strrchr(text, ')') : NULL;

        if (p && strncmp(p, ") t", 3) == 0)
                w->page->record.flags |= WIRE_EXIT_HELD;
}

static void begin_stop(const struct wait *w, struct deadlines *d, int sig, uint32_t grace_ms, uint32_t ended_by) {
        if (grace_ms > LIMIT_GRACE_MS)
                grace_ms = LIMIT_GRACE_MS;
        if (!d->ended_by)
                d->ended_by = ended_by <= WIRE_BY_SUPERVISOR ? ended_by : WIRE_BY_STOP;
        if (ended_by == WIRE_BY_TIMEOUT && !d->timeout) /* a relay's: no byte moved for so long */
                d->timeout = WIRE_TIMEOUT_IDLE;
        d->kill_ns = now_ns() + grace_ms * MS;
        note_held(w);
        signal_command(w, sig, w->page->phase >= PHASE_RECORDED ? WIRE_SCOPE_ALL : WIRE_SCOPE_LEADER);
}

static void resize(const struct wait *w, const struct wire_resize *m) {
        struct winsize size = { .ws_row = m->rows, .ws_col = m->cols };

        if (w->tty_fd >= 0)
                ioctl(w->tty_fd, TIOCSWINSZ, &size);
}

/* For a new relay: everything that a lost one had. */
static void send_ends(const struct wait *w) {
        const int all[] = { w->tty_fd, w->outer[0], w->outer[1], w->outer[2], w->outer[3] };
        struct wire_ends m = {};
        int fds[5];
        unsigned n = 0;

        for (unsigned i = 0; i < 5; i++)
                if (all[i] >= 0) {
                        m.slots |= 1u << i;
                        fds[n++] = all[i];
                }
        m.head = WIRE_HEAD(WIRE_ENDS, struct wire_ends, n);
        fdpass_send(w->conn, &m, sizeof(m), fds, n, MSG_DONTWAIT);
}

static void adopted(const struct wait *w, struct deadlines *d) {
        if (d->link.adopted)
                return;
        d->link.adopted = true;
        d->link.orphan_ns = 0;
        send_started(w, true);
}

/* One command. What is not exactly one of the closed set is ignored: it cannot be anything else. False: the
 * connection has ended. */
static bool obey(struct wait *w, struct deadlines *d) {
        union {
                struct wire_head head;
                struct wire_signal signal;
                struct wire_stop stop;
                struct wire_resize resize;
        } m;
        ssize_t n = recv(w->conn, &m, sizeof(m), MSG_DONTWAIT | MSG_TRUNC);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                return false;
        if (n < (ssize_t)sizeof(m.head) || n > (ssize_t)sizeof(m) || wire_check_head(&m, (size_t)n, 0))
                return true;
        if (m.head.kind == WIRE_SIGNAL && n == sizeof(m.signal))
                signal_command(w, (int)m.signal.signal, m.signal.scope);
        else if (m.head.kind == WIRE_STOP && n == sizeof(m.stop))
                begin_stop(w, d, (int)m.stop.signal, m.stop.grace_ms, m.stop.ended_by);
        else if (m.head.kind == WIRE_RESIZE && n == sizeof(m.resize))
                resize(w, &m.resize);
        else if (m.head.kind == WIRE_HELLO && n == sizeof(m.head))
                adopted(w, d);
        else if (m.head.kind == WIRE_FETCH && n == sizeof(m.head) && d->link.adopted)
                send_ends(w);
        else if (m.head.kind == WIRE_CLOSE_STDIN && n == sizeof(m.head))
                w->outer[0] = close_fd(w->outer[0]);
        else if (m.head.kind == WIRE_ACK && n == sizeof(m.head))
                d->acknowledged = true;
        return true;
}

static void kill_now(const struct wait *w, struct deadlines *d, uint32_t ended_by, uint32_t timeout) {
        if (!d->ended_by)
                d->ended_by = ended_by;
        if (!d->timeout)
                d->timeout = timeout;
        d->kill_ns = 0;
        if (!d->give_up_ns)
                d->give_up_ns = now_ns() + LIMIT_KILL_MS * MS;
        note_held(w);
        syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0); /* also where it left the session's cgroup */
        cgroup_kill(w->cg.kill_fd);
}

/* Wall, CPU and idle time; the grace of a stop. */
static void look_at_clock(const struct wait *w, struct deadlines *d) {
        const struct wire_plan *p = w->job->plan;
        uint64_t now = now_ns(), cpu;

        if (d->kill_ns && now >= d->kill_ns)
                kill_now(w, d, WIRE_BY_STOP, WIRE_TIMEOUT_NONE);
        if (d->link.orphan_ns && now >= d->link.orphan_ns) {
                d->link.orphan_ns = 0;
                kill_now(w, d, WIRE_BY_BROKER, WIRE_TIMEOUT_NONE);
        }
        if (d->wall_ns && now >= d->wall_ns) {
                d->wall_ns = 0;
                kill_now(w, d, WIRE_BY_TIMEOUT, WIRE_TIMEOUT_WALL);
        }
        if (!p->cpu_ms && !d->idle_ms)
                return;
        cpu = cgroup_cpu_us(w->cg.cpu_fd);
        if (p->cpu_ms && cpu >= p->cpu_ms * 1000)
                kill_now(w, d, WIRE_BY_TIMEOUT, WIRE_TIMEOUT_CPU);
        if (d->idle_ms && cpu != d->cpu_seen_us)
                d->idle_ns = now + d->idle_ms * MS;
        d->cpu_seen_us = cpu;
        if (d->idle_ms && now >= d->idle_ns)
                kill_now(w, d, WIRE_BY_TIMEOUT, WIRE_TIMEOUT_IDLE);
}

static int next_timeout(const struct wait *w, const struct deadlines *d) {
        const struct wire_plan *p = w->job->plan;
        const uint64_t times[] = { d->kill_ns, d->wall_ns, d->give_up_ns, d->link.retry_ns, d->link.orphan_ns };
        uint64_t now = now_ns(), next = UINT64_MAX;

        for (unsigned i = 0; i < sizeof(times) / sizeof(*times); i++)
                if (times[i] && times[i] < next)
                        next = times[i];
        if ((p->cpu_ms || d->idle_ms) && now + CPU_LOOK_MS * MS < next)
                next = now + CPU_LOOK_MS * MS;
        if (next == UINT64_MAX)
                return -1;
        return next <= now ? 0 : (next - now) / MS > 3600000 ? 3600000 : (int)((next - now) / MS) + 1;
}

/* A zombie that a tracer holds makes the pidfd readable and gives no status: bounded, then said. */
static void take_status(const struct wait *w, struct wire_exited *e) {
        const uint64_t deadline = now_ns() + LIMIT_STATUS_MS * MS;
        siginfo_t info = {};
        struct rusage usage = {};

        /* A look that failed is no status 0. */
        while (waitid(P_PIDFD, (id_t)w->pidfd, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || info.si_pid == 0) {
                if (now_ns() >= deadline) {
                        e->flags |= WIRE_EXIT_STATUS_WITHHELD;
                        return;
                }
                poll(NULL, 0, 2);
        }
        e->status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
        w->page->record = *e; /* before it is reaped: the listener completes what is lost after this */
        w->page->phase = PHASE_RECORDED;
        syscall(SYS_waitid, P_PIDFD, w->pidfd, &info, WEXITED | WNOHANG | __WALL, &usage);
        e->utime_us = (uint64_t)usage.ru_utime.tv_sec * 1000000 + (uint64_t)usage.ru_utime.tv_usec;
        e->stime_us = (uint64_t)usage.ru_stime.tv_sec * 1000000 + (uint64_t)usage.ru_stime.tv_usec;
        e->maxrss_kib = (uint64_t)usage.ru_maxrss;
}

/* Ended before "exited" is said, or listed where they are to stay. */
static void end_leftovers(const struct wait *w, struct wire_exited *e) {
        if (!cgroup_is_populated(w->cg.events_fd))
                return;
        e->n_leftovers = cgroup_pids(w->cg.procs_fd, e->leftovers, LIMIT_LEFTOVERS);
        if (w->job->plan->flags & WIRE_PLAN_KEEP_LEFTOVERS)
                return;
        if (e->flags & WIRE_EXIT_UNKILLABLE) /* it was killed, and the time for that has passed */
                return;
        cgroup_kill(w->cg.kill_fd);
        if (!cgroup_wait_empty(w->cg.events_fd, now_ns() + LIMIT_KILL_MS * MS))
                e->flags |= WIRE_EXIT_UNKILLABLE;
}

static void record_end(const struct wait *w, const struct deadlines *d) {
        struct wire_exited e = w->page->record;

        e.ended_us = now_real_us();
        e.ended_by = d->ended_by;
        e.timeout = d->timeout;
        take_status(w, &e);
        if (e.flags & WIRE_EXIT_STATUS_WITHHELD && d->give_up_ns)
                e.flags |= WIRE_EXIT_UNKILLABLE;
        end_leftovers(w, &e);
        e.cpu_us = cgroup_cpu_us(w->cg.cpu_fd);
        w->page->trace_ns[WIRE_T_ENDED] = now_ns();
        memcpy(e.trace_ns, w->page->trace_ns, sizeof(e.trace_ns));
        w->page->record = e;
        w->page->phase = PHASE_RECORDED;
}

/* Until C's pidfd says that it has ended. */
static void attend(struct wait *w, struct deadlines *d) {
        for (;;) {
                struct pollfd p[2] = { { .fd = w->pidfd, .events = POLLIN }, { .fd = w->conn, .events = POLLIN } };

                if (poll(p, 2, next_timeout(w, d)) < 0 && errno != EINTR)
                        kill_now(w, d, WIRE_BY_SUPERVISOR, WIRE_TIMEOUT_NONE);
                if (p[0].revents || (d->give_up_ns && now_ns() >= d->give_up_ns))
                        return;
                if (p[1].revents && !obey(w, d))
                        link_lost(w, &d->link);
                link_try(w, &d->link, false);
                look_at_clock(w, d);
        }
}

/* What was asked to stay still does. */
static bool has_leftovers(const struct wait *w) {
        return w->job->plan->flags & WIRE_PLAN_KEEP_LEFTOVERS && cgroup_is_populated(w->cg.events_fd);
}

static void deliver_wait(struct wait *w, struct deadlines *d, bool *sent) {
        const bool keeps = w->job->plan->flags & WIRE_PLAN_KEEP_LEFTOVERS; /* and then each round reads the file */
        struct pollfd p[2] = { { .fd = w->conn, .events = POLLIN }, { .fd = keeps ? w->cg.events_fd : -1, .events = POLLPRI } };

        poll(p, 2, w->conn < 0 ? (int)LIMIT_RETRY_MS : *sent ? next_timeout(w, d) : 200);
        if (p[0].revents && !obey(w, d)) {
                link_lost(w, &d->link);
                *sent = d->acknowledged = false;
        }
        link_try(w, &d->link, true);
        if (d->kill_ns && now_ns() >= d->kill_ns) {
                d->kill_ns = 0;
                cgroup_kill(w->cg.kill_fd);
        }
}

/* The record stays here until a broker has it, or has committed it where the plan asked for that: an exit status is
 * always in a supervisor or in the history. And we stay, and can be told to stop, while leftovers do. */
static void deliver(struct wait *w, struct deadlines *d) {
        const bool wants_ack = w->job->plan->flags & WIRE_PLAN_ACK;
        bool sent = false;

        d->link.orphan_ns = d->kill_ns = d->wall_ns = d->give_up_ns = 0;
        for (;;) {
                if (!sent && w->conn >= 0 && d->link.adopted)
                        sent = fdpass_send(w->conn, &w->page->record, sizeof(w->page->record), NULL, 0, MSG_DONTWAIT) == 0;
                if (sent && (!wants_ack || d->acknowledged) && !has_leftovers(w))
                        return;
                deliver_wait(w, d, &sent);
        }
}

void wait_heir(const struct wire_exited *record) {
        static struct session_page page = { .phase = PHASE_RECORDED };
        static struct wire_plan plan = { .flags = WIRE_PLAN_ACK };
        static struct job job = { .plan = &plan };
        static struct wait w = { .conn = -1, .report_fd = -1, .tty_fd = -1, .pidfd = -1, .i_pidfd = -1, .stat_fd = -1, .label_fd = -1,
                                 .pid = INT32_MAX /* nobody's */, .cg = { -1, -1, -1, -1, -1, false }, .page = &page, .job = &job,
                                 .outer = { -1, -1, -1, -1 } };
        struct deadlines d = {};
        struct fail f;

        for (unsigned i = 0; i < WIRE_SLOTS; i++)
                job.fds[i] = -1;
        job.target.pidfd = -1;
        page.record = *record;
        memcpy(plan.session, record->session, sizeof(plan.session));
        if (wait_become(&f) < 0 || wait_drop(&w, &f) < 0)
                _exit(1);
        link_lost(&w, &d.link);
        deliver(&w, &d);
        _exit(0);
}

static void begin_record(struct wait *w) {
        struct wire_exited *e = &w->page->record;

        e->head = WIRE_HEAD(WIRE_EXITED, struct wire_exited, 0);
        memcpy(e->session, w->job->plan->session, sizeof(e->session));
        e->pid = (uint32_t)w->pid;
        e->inner_pid = w->inner_pid;
        e->started_us = now_real_us();
        e->flags = w->cg.delegated ? WIRE_EXIT_DELEGATED : 0;
}

void wait_session(struct wait *w) {
        const struct wire_plan *p = w->job->plan;
        const uint64_t now = now_ns();
        const uint64_t idle_ms = w->outer[3] >= 0 ? 0 : p->idle_ms;
        struct deadlines d = { .wall_ns = p->wall_ms ? now + p->wall_ms * MS : 0, .idle_ms = idle_ms, .idle_ns = now + idle_ms * MS };

        d.link.adopted = true;
        w->report_fd = close_fd(w->report_fd);
        begin_record(w);
        w->page->phase = PHASE_STARTED;
        /* Twice: a broker that only hears of the end does not know whose. Then it is told when it is found again. */
        if (send_started(w, false) < 0 && send_started(w, false) < 0)
                link_lost(w, &d.link);
        attend(w, &d);
        record_end(w, &d);
        deliver(w, &d);
}
