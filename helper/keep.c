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

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define ENDING_LOOK_MS 5
#define ADOPTED_LOOK_MS 100
#define UNKILLABLE_LOOK_NS (UINT64_C(10000) * MS)

enum keep_state { KEEP_FREE, KEEP_RUNNING, KEEP_ENDING };

struct kept {
        enum keep_state state;
        bool stuck;    /* its supervisor was ended for not starting in time */
        bool reported; /* the supervisor itself said its last word */
        bool said_unkillable;
        bool ended;  /* its supervisor has */
        pid_t pid;   /* of the supervisor */
        int conn;    /* -1: of an earlier listener, which took it along */
        int pidfd;   /* of an earlier listener's supervisor; else -1 */
        int status;  /* of the command, as of wait(2) */
        bool reaped; /* and whether it is known */
        uint64_t deadline_ns;
        uint64_t status_ns; /* so long the command's status is waited for */
        struct session_page *page;
        char cgroup[LIMIT_CGROUP_BYTES + 64];
};

static struct kept kept[LIMIT_SESSIONS];
static unsigned n_kept, n_busy; /* rows that were ever used; rows in use */

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
        return n_busy < (context.ceiling ? context.ceiling->sessions : LIMIT_SESSIONS);
}

bool keep_is_empty(void) {
        return n_busy == 0;
}

void keep_session(pid_t supervisor, int conn, struct session_page *page) {
        struct kept *k = new_row();

        k->pid = supervisor;
        k->conn = conn;
        k->page = page;
}

/* The page's path, only if its last component is this session's own name. */
static bool take_path(struct kept *k) {
        const struct session_page *p = k->page;

        if (*k->cgroup)
                return true;
        if (!p || !memchr(p->cgroup, 0, sizeof(p->cgroup)) || !memchr(p->token, 0, sizeof(p->token)) || !p->cgroup[0])
                return false;
        if (!cgroup_is_ours(p->cgroup, p->token))
                return false;
        memcpy(k->cgroup, p->cgroup, sizeof(k->cgroup));
        return true;
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
        char session[65] = "-";

        if (e)
                sha256_hex(e->session, session);
        log_line("end session=%.16s pid=%d status=%#x flags=%#x by=%u cgroup=%s", session, e ? (int)e->pid : 0, e ? (unsigned)e->status : 0,
                 e ? e->flags : 0, e ? e->ended_by : WIRE_BY_SUPERVISOR, k->cgroup);
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
        fdpass_send(k->conn, e, sizeof(*e), NULL, 0, MSG_DONTWAIT);
}

static void report_unstarted(const struct kept *k) {
        struct fail f = { .reason = k->stuck ? REASON_STUCK : REASON_STEP, .step = WIRE_STEP_CLONE, .err = k->stuck ? 0 : ECHILD };

        report_refused(k->conn, &f);
        log_line("refused reason=%s: the supervisor ended before its session had started", reason_word(f.reason));
}

static void finish(struct kept *k) {
        uint32_t phase = k->page ? k->page->phase : PHASE_REPORTED;

        if (k->page && !k->reported) {
                if (phase >= PHASE_STARTED)
                        complete_record(k);
                else
                        report_unstarted(k);
        }
        if (k->page && (phase == PHASE_STARTED || k->page->record.pid))
                log_end(k, &k->page->record);
        else if (!k->page)
                log_end(k, NULL);
        free_row(k);
}

/* The folder may be empty a moment before the command can be waited for: its status comes to us all the same. */
static bool awaits_status(const struct kept *k) {
        return k->page && !k->reported && k->page->phase == PHASE_STARTED && !k->reaped && now_ns() < k->status_ns;
}

static void begin_end(struct kept *k) {
        k->state = KEEP_ENDING;
        k->deadline_ns = now_ns() + LIMIT_KILL_MS * MS;
        k->status_ns = now_ns() + LIMIT_STATUS_MS * MS;
        k->reported = k->page && k->page->phase == PHASE_REPORTED;
        if (!take_path(k) || (try_remove(k) && !awaits_status(k)))
                finish(k);
}

/* A process that even cgroup.kill does not end: said so, and looked at again now and then. */
static void look_at_ending(struct kept *k) {
        if (try_remove(k)) {
                if (!awaits_status(k))
                        finish(k);
                return;
        }
        if (now_ns() < k->deadline_ns)
                return;
        k->deadline_ns = now_ns() + UNKILLABLE_LOOK_NS;
        if (k->said_unkillable)
                return;
        k->said_unkillable = true;
        if (k->page)
                k->page->record.flags |= WIRE_EXIT_UNKILLABLE;
        log_line("unkillable cgroup=%s: what is in it does not end; it stays for the next sweep", k->cgroup);
        if (k->page && !k->reported && k->page->phase >= PHASE_STARTED) {
                complete_record(k);
                k->reported = true;
        }
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

/* A FUSE file can hang an open: what has neither started nor ended in its time is ended. Our child, not reaped:
 * its number is its own. */
static void look_at_start(struct kept *k) {
        const struct session_page *p = k->page;
        uint64_t now = now_ns(), since = p->received_ns ? p->received_ns : p->trace_ns[WIRE_T_ACCEPTED];

        if (k->stuck || p->phase >= PHASE_STARTED || now < since + (LIMIT_MESSAGE_MS + LIMIT_MESSAGE_MS / 2) * MS)
                return;
        k->stuck = true;
        kill(k->pid, SIGKILL);
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
}

int keep_timeout(void) {
        int timeout = -1;

        for (unsigned i = 0; i < n_kept; i++) {
                const struct kept *k = &kept[i];
                int want = -1;

                if (k->state == KEEP_ENDING)
                        want = k->said_unkillable ? 1000 : ENDING_LOOK_MS;
                else if (k->state == KEEP_RUNNING && k->pidfd >= 0)
                        want = ADOPTED_LOOK_MS;
                else if (k->state == KEEP_RUNNING && k->page && k->page->phase < PHASE_STARTED)
                        want = 500;
                if (want >= 0 && (timeout < 0 || want < timeout))
                        timeout = want;
        }
        return timeout;
}

static void watch(const char *path, pid_t holder) {
        struct kept *k = new_row();

        if (!k)
                return;
        snprintf(k->cgroup, sizeof(k->cgroup), "%s", path);
        k->pid = holder;
        k->pidfd = holder > 0 ? (int)syscall(SYS_pidfd_open, holder, 0) : -1;
        log_line("%s cgroup=%s supervisor=%d", k->pidfd >= 0 ? "adopted" : "swept", path, (int)holder);
        if (k->pidfd < 0)
                begin_end(k);
}

static void end_ownerless(const char *path, pid_t holder) {
        if (holder == 0)
                watch(path, 0);
}

void keep_sweep(bool adopt_living) {
        int lock = instance_lock(true);

        sweep(adopt_living ? watch : end_ownerless);
        close_fd(lock);
}
