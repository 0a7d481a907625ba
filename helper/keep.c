/* SPDX-License-Identifier: Apache-2.0 */
/* Nobody is left without a keeper: what a supervisor leaves behind is ended, reported, logged and removed. */
#include "helper/keep.h"

#include "common/fd.h"
#include "common/fdpass.h"
#include "common/sha256.h"
#include "helper/ceiling.h"
#include "helper/cgroup.h"
#include "helper/context.h"
#include "helper/log.h"
#include "helper/report.h"
#include "helper/session.h"
#include "helper/sweep.h"
#include "helper/target.h"
#include "helper/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define ENDING_LOOK_MS 5
#define ADOPTED_LOOK_MS 100
#define SWEEP_AGAIN_NS (UINT64_C(60000) * MS)
#define RESERVED_FDS 128 /* for everything that is no session's connection */

enum keep_state { KEEP_FREE, KEEP_RUNNING, KEEP_ENDING };

struct kept {
        enum keep_state state;
        bool stuck;    /* its supervisor was ended for not starting in time */
        bool ended;    /* its supervisor has ended */
        bool reported; /* the supervisor itself said its last word */
        pid_t pid;     /* of the supervisor */
        int conn;      /* -1: of an earlier listener, which took it along */
        int pidfd;     /* of an earlier listener's supervisor; else -1 */
        int status;    /* of the command, as of wait(2) */
        bool reaped;   /* and whether it is known */
        uint64_t deadline_ns;
        uint64_t status_ns; /* until when a status may still come */
        struct session_page *page;
        char token[17];
        char cgroup[LIMIT_CGROUP_BYTES + 64];
};

static struct kept kept[LIMIT_SESSIONS];
static unsigned n_kept, n_busy; /* rows that were ever used; rows in use */
static uint64_t sweep_ns;       /* when to sweep again: something did not end; 0: not */

static struct kept *new_row(void) {
        for (unsigned i = 0; i < LIMIT_SESSIONS; i++) {
                if (kept[i].state != KEEP_FREE)
                        continue;
                if (i >= n_kept)
                        n_kept = i + 1;
                n_busy++;
                kept[i] = (struct kept){ .state = KEEP_RUNNING, .conn = -1, .pidfd = -1 };
                return &kept[i];
        }
        return NULL;
}

static void free_row(struct kept *k) {
        close_fd(k->conn);
        close_fd(k->pidfd);
        if (k->page)
                munmap(k->page, sizeof(*k->page));
        k->state = KEEP_FREE;
        k->page = NULL;
        n_busy--;
        while (n_kept > 0 && kept[n_kept - 1].state == KEEP_FREE)
                n_kept--;
}

bool keep_has_room(void) {
        uint32_t most = context.ceiling ? context.ceiling->sessions : LIMIT_SESSIONS;
        uint64_t fds = context.own->rlimits[RLIMIT_NOFILE][0];

        return n_busy < most && n_busy + RESERVED_FDS < fds;
}

bool keep_is_empty(void) {
        return n_busy == 0;
}

void keep_session(pid_t supervisor, int conn, struct session_page *page, const char *token) {
        struct kept *k = new_row();

        k->pid = supervisor;
        k->conn = conn;
        k->page = page;
        snprintf(k->token, sizeof(k->token), "%s", token);
}

/* The page's path, copied first and then believed only if its last component carries the token that we gave out. */
static bool take_path(struct kept *k) {
        if (*k->cgroup || !k->page)
                return *k->cgroup;
        memcpy(k->cgroup, k->page->cgroup, sizeof(k->cgroup) - 1);
        if (!cgroup_is_ours(k->cgroup, k->token))
                *k->cgroup = 0;
        return *k->cgroup;
}

/* One look: kill what is in it, and remove it if it is empty. True where it is gone. */
static bool try_remove(const struct kept *k) {
        int dir = cgroup_open(k->cgroup);
        int fd;
        bool gone;

        if (dir < 0)
                return dir == -ENOENT || dir == -ENODEV; /* out of fds is not gone */
        fd = openat(dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);
        gone = syscall(SYS_unlinkat, context.cgroup_fd, k->cgroup, AT_REMOVEDIR) == 0 || errno == ENOENT;
        if (!gone && fd >= 0)
                cgroup_kill(fd);
        close_fd(fd);
        close_fd(dir);
        return gone;
}

static void log_end(const struct kept *k, const struct wire_exited *e) {
        char session[65] = "-", cgroup[512];

        if (e)
                sha256_hex(e->session, session);
        log_line("end session=%.16s pid=%d status=%#x flags=%#x by=%u cgroup=%s", session, e ? (int)e->pid : 0, e ? (unsigned)e->status : 0,
                 e ? e->flags : 0, e ? e->ended_by : WIRE_BY_SUPERVISOR, log_escape(k->cgroup, cgroup, sizeof(cgroup)));
}

/* The broker of that connection is gone as well: somebody has to wait for the next one. */
static void make_heir(const struct wire_exited *e) {
        struct wire_exited record = *e; /* the page does not go along */

        if (fork() == 0)
                wait_heir(&record);
}

/* What the supervisor would have said. */
static void complete_record(struct kept *k) {
        struct wire_exited *e = &k->page->record;

        e->head = WIRE_HEAD(WIRE_EXITED, struct wire_exited, 0);
        e->flags |= WIRE_EXIT_BY_LISTENER;
        if (k->page->phase == PHASE_STARTED) {
                e->ended_us = now_real_us();
                e->ended_by = WIRE_BY_SUPERVISOR;
                e->status = k->status;
                if (!k->reaped)
                        e->flags |= WIRE_EXIT_STATUS_LOST;
        }
        if (fdpass_send(k->conn, e, sizeof(*e), NULL, 0, MSG_DONTWAIT) < 0)
                make_heir(e);
}

static void report_unstarted(const struct kept *k) {
        struct fail f = { .reason = k->stuck ? REASON_STUCK : REASON_STEP, .step = WIRE_STEP_CLONE, .err = k->stuck ? 0 : ECHILD };

        report_refused(k->conn, &f);
        log_line("failed token=%s reason=%s: the supervisor ended before its session had started", k->token, reason_word(f.reason));
}

/* After a verdict of "ok" in the log, nothing that became of it stays unsaid there. */
static void log_failed(const struct kept *k) {
        const struct fail *f = &k->page->fail;

        if (f->reason)
                log_line("failed token=%s reason=%s step=%s errno=%d arg=%u", k->token, reason_word(f->reason),
                         wire_step_name(f->step), f->err, f->arg);
}

/* Everybody who waits for this session hears how it ended, and its row is free. */
static void finish(struct kept *k) {
        if (!k->page) {
                log_end(k, NULL);
        } else if (k->page->phase >= PHASE_STARTED && k->page->record.pid) {
                if (!k->reported)
                        complete_record(k);
                log_end(k, &k->page->record);
        } else if (k->reported) {
                log_failed(k);
        } else {
                report_unstarted(k);
        }
        free_row(k);
}

/* The folder may be empty a moment before the command can be waited for: its status comes to us all the same. */
static bool awaits_status(const struct kept *k) {
        return k->page && !k->reported && k->page->phase == PHASE_STARTED && !k->reaped && now_ns() < k->status_ns;
}

/* I and C by their own numbers too, while they are our children and nobody has reaped them: who owns the target's
 * cgroup can have moved them out of the session's. */
static void kill_child(pid_t pid) {
        siginfo_t info;

        if (pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0)
                kill(pid, SIGKILL);
}

/* A process that even cgroup.kill does not end (frozen by v1, in a call that no signal reaches) is said to be
 * unkillable; its folder stays for a later sweep, its row does not. */
static void look_at_ending(struct kept *k) {
        char cgroup[512];

        if (!take_path(k) || try_remove(k)) {
                if (!awaits_status(k))
                        finish(k);
                return;
        }
        if (now_ns() < k->deadline_ns)
                return;
        if (k->page)
                k->page->record.flags |= WIRE_EXIT_UNKILLABLE;
        log_line("unkillable cgroup=%s", log_escape(k->cgroup, cgroup, sizeof(cgroup)));
        sweep_ns = now_ns() + SWEEP_AGAIN_NS;
        finish(k);
}

static void begin_end(struct kept *k) {
        const struct session_page *p = k->page;

        k->state = KEEP_ENDING;
        k->deadline_ns = now_ns() + LIMIT_KILL_MS * MS;
        k->status_ns = now_ns() + LIMIT_STATUS_MS * MS;
        k->reported = p && p->phase == PHASE_REPORTED;
        if (p && p->phase < PHASE_RECORDED) {
                kill_child(p->i_pid);
                kill_child(p->c_pid);
        }
        look_at_ending(k);
}

static void reaped(pid_t pid, int status) {
        for (unsigned i = 0; i < n_kept; i++) {
                struct kept *k = &kept[i];

                if (k->state == KEEP_FREE || !k->page)
                        continue;
                if (k->page->c_pid == pid && k->page->phase == PHASE_STARTED) { /* of an ended one it may be another's */
                        k->status = status;
                        k->reaped = true;
                        return;
                }
        }
}

static struct kept *find_supervisor(pid_t pid) {
        for (unsigned i = 0; i < n_kept; i++)
                if (kept[i].state == KEEP_RUNNING && kept[i].pidfd < 0 && kept[i].pid == pid)
                        return &kept[i];
        return NULL;
}

/* Supervisors last: what one leaves behind became our child before it could be waited for itself, and its true status
 * must be known when its end is completed. */
void keep_reap(void) {
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
                struct kept *k = find_supervisor(pid);

                if (k)
                        k->ended = true;
                else
                        reaped(pid, status);
        }
        for (unsigned i = 0; i < n_kept; i++)
                if (kept[i].state == KEEP_RUNNING && kept[i].ended)
                        begin_end(&kept[i]);
}

/* A FUSE file can hang an open: what has neither started nor ended in its time is ended. Our child, not reaped: its
 * number is its own. One that does not die of it is answered for, and left to a later sweep. */
static void look_at_start(struct kept *k) {
        const struct session_page *p = k->page;
        uint64_t now = now_ns(), since = p->received_ns ? p->received_ns : p->trace_ns[WIRE_T_ACCEPTED];

        if (p->phase >= PHASE_STARTED || now < since + (LIMIT_MESSAGE_MS + LIMIT_MESSAGE_MS / 2) * MS)
                return;
        if (!k->stuck) {
                k->stuck = true;
                k->deadline_ns = now + LIMIT_KILL_MS * MS;
                kill(k->pid, SIGKILL);
        } else if (now >= k->deadline_ns) {
                sweep_ns = now + SWEEP_AGAIN_NS;
                report_unstarted(k);
                free_row(k);
        }
}

static void look_at_adopted(struct kept *k) {
        if (syscall(SYS_pidfd_send_signal, k->pidfd, 0, NULL, 0) < 0 && errno == ESRCH)
                begin_end(k);
}

void keep_tick(void) {
        for (unsigned i = 0; i < n_kept; i++) {
                struct kept *k = &kept[i];

                if (k->state == KEEP_ENDING)
                        look_at_ending(k);
                else if (k->state == KEEP_RUNNING && k->page)
                        look_at_start(k);
                else if (k->state == KEEP_RUNNING && k->pidfd >= 0)
                        look_at_adopted(k);
        }
        if (sweep_ns && now_ns() >= sweep_ns) {
                sweep_ns = 0;
                keep_sweep(false);
        }
}

int keep_timeout(void) {
        int timeout = sweep_ns ? 1000 : -1;

        for (unsigned i = 0; i < n_kept; i++) {
                const struct kept *k = &kept[i];
                int want = -1;

                if (k->state == KEEP_ENDING)
                        want = ENDING_LOOK_MS;
                else if (k->state == KEEP_RUNNING && k->pidfd >= 0)
                        want = ADOPTED_LOOK_MS;
                else if (k->state == KEEP_RUNNING && k->page && k->page->phase < PHASE_STARTED)
                        want = 500;
                if (want >= 0 && (timeout < 0 || want < timeout))
                        timeout = want;
        }
        return timeout;
}

static void watch(const char *path, pid_t pid, int pidfd) {
        struct kept *k = new_row();
        char cgroup[512];

        if (!k) {
                close_fd(pidfd);
                return;
        }
        snprintf(k->cgroup, sizeof(k->cgroup), "%s", path);
        k->pidfd = pidfd;
        log_line("%s cgroup=%s supervisor=%d", pidfd >= 0 ? "adopted" : "swept", log_escape(path, cgroup, sizeof(cgroup)), (int)pid);
        if (pidfd < 0)
                begin_end(k);
}

static void end_ownerless(const char *path, pid_t pid, int pidfd) {
        if (pidfd < 0)
                watch(path, 0, -1);
        close_fd(pidfd);
}

void keep_sweep(bool adopt_living) {
        int lock = instance_lock(true);

        sweep(adopt_living ? watch : end_ownerless);
        close_fd(lock);
}
