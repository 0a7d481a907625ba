/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: connections in, ends out. All it knows of a session is the page, and it believes no word of that which
 * it cannot check. */
#include "helper/listener.h"

#include "common/fd.h"
#include "common/fdpass.h"
#include "helper/ceiling.h"
#include "helper/context.h"
#include "helper/keep.h"
#include "helper/log.h"
#include "helper/report.h"
#include "helper/session.h"
#include "helper/target.h"
#include "helper/text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Connections a second: a broker that is broken must not fork-bomb the host. */
static struct {
        uint64_t second;
        uint32_t n;
} rate;

static bool is_over_rate(void) {
        uint64_t second = now_ns() / 1000000000u;

        if (rate.second != second) {
                rate.second = second;
                rate.n = 0;
        }
        return ++rate.n > (context.ceiling ? context.ceiling->rate : LIMIT_RATE_PER_S);
}

static int check_peer(int conn, struct fail *f) {
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != context.broker_uid)
                return refuse(f, REASON_PEER);
        if (is_over_rate())
                return refuse(f, REASON_RATE);
        return keep_has_room() ? 0 : refuse(f, REASON_SESSIONS);
}

static struct session_page *make_page(void) {
        struct session_page *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (page == MAP_FAILED)
                return NULL;
        page->trace_ns[WIRE_T_ACCEPTED] = now_ns();
        return page;
}

/* Ours, not the supervisor's to choose: one that was taken over must not have us end another session. */
static int make_token(char ret[17]) {
        uint64_t token;

        if (getrandom(&token, sizeof(token), 0) != sizeof(token))
                return -EIO;
        return snprintf(ret, 17, "%016llx", (unsigned long long)token) == 16 ? 0 : -EIO;
}

/* One supervisor ahead of the next connection: its fork and first steps are a tenth of a short session. It knows the
 * ceiling of its birth, so a reload takes it back. */
static struct {
        pid_t pid; /* 0: none */
        int sock;
        struct session_page *page;
        char token[17];
} spare;

static void spare_drop(void) {
        if (!spare.pid)
                return;
        close(spare.sock);
        munmap(spare.page, sizeof(*spare.page));
        spare.pid = 0;
}

static int spare_fork(const int pair[2]) {
        spare.page = make_page();
        if (!spare.page)
                return -ENOMEM;
        if (make_token(spare.token) == 0) {
                memcpy(spare.page->token, spare.token, sizeof(spare.token));
                spare.pid = fork();
                if (spare.pid == 0)
                        supervise(pair[1], spare.page);
        }
        if (spare.pid > 0) {
                madvise(spare.page, sizeof(*spare.page), MADV_DONTFORK); /* other sessions' supervisors do not see it */
                return 0;
        }
        munmap(spare.page, sizeof(*spare.page));
        spare.pid = 0;
        return -EAGAIN;
}

static int spare_make(void) {
        int pair[2], r;

        if (spare.pid)
                return 0;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        r = spare_fork(pair);
        close(pair[1]);
        spare.sock = pair[0];
        if (r < 0)
                close(pair[0]);
        return r;
}

static int start_supervisor(int conn, struct fail *f) {
        int r = spare_make();

        if (r == 0) {
                spare.page->trace_ns[WIRE_T_ACCEPTED] = now_ns();
                r = fdpass_send(spare.sock, "", 1, &conn, 1, MSG_DONTWAIT);
        }
        if (r == -EPIPE || r == -ECONNRESET) { /* somebody ended it */
                spare_drop();
                r = spare_make();
                if (r == 0)
                        r = fdpass_send(spare.sock, "", 1, &conn, 1, MSG_DONTWAIT);
        }
        if (r < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_ACCEPT, -r);
        close(spare.sock);
        keep_session(spare.pid, conn, spare.page, spare.token);
        spare.pid = 0;
        return 0;
}

int listener_serve(int conn) {
        struct fail f = {};

        if (check_peer(conn, &f) == 0 && start_supervisor(conn, &f) == 0)
                return 0;
        log_line("refused connection reason=%s errno=%d", reason_word(f.reason), f.err);
        report_refused(conn, &f);
        close(conn);
        return -1;
}

static void accept_one(void) {
        int conn = accept4(context.listen_fd, NULL, NULL, SOCK_CLOEXEC);

        if (conn < 0) {
                if (errno == ENFILE || errno == EMFILE)
                        poll(NULL, 0, 10); /* the connection stays there; no spinning on it */
                return;
        }
        listener_serve(conn);
}

/* A log that was rotated, limits and cgroups that were changed: looked at again. */
static void refresh(void) {
        int fd = log_open();

        if (fd >= 0) {
                close(context.log_fd);
                context.log_fd = fd;
        }
        target_read_own();
        text_read(context.proc_fd, "self/cgroup", context.own_cgroups, sizeof(context.own_cgroups));
}

static void reload(void) {
        static struct ceiling slots[2];
        static unsigned next = 1;
        struct ceiling_error e;
        struct ceiling *c = &slots[next];

        refresh();
        spare_drop();
        if (ceiling_load(c, &e) < 0) {
                log_line("ceiling: %s (line %u); the last good one is kept", e.what ? e.what : "cannot be read", e.line);
                return;
        }
        context.ceiling = c;
        next ^= 1;
        log_line("ceiling: read again");
}

bool listener_handle_signal(int signal_fd) {
        struct signalfd_siginfo s;

        while (read(signal_fd, &s, sizeof(s)) == sizeof(s)) {
                if (s.ssi_signo == SIGTERM || s.ssi_signo == SIGINT)
                        return false;
                if (s.ssi_signo == SIGHUP)
                        reload();
        }
        keep_reap();
        return true;
}

int listener_open_signals(void) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        sigaddset(&set, SIGHUP);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigprocmask(SIG_SETMASK, &set, NULL);
        return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The next spare is made when the last connection's supervisor has got away: a fork right after the hand-over takes the
 * processor that it was to run on. */
#define SPARE_AFTER_MS 10

static int next_timeout(void) {
        int ms = keep_timeout();

        return spare.pid || (ms >= 0 && ms < SPARE_AFTER_MS) ? ms : SPARE_AFTER_MS;
}

int listener_run(void) {
        int signal_fd = listener_open_signals();

        keep_sweep(true);
        spare_make();
        for (;;) {
                struct pollfd p[2] = { { .fd = signal_fd, .events = POLLIN }, { .fd = context.listen_fd, .events = POLLIN } };
                int r = poll(p, 2, next_timeout());

                if (r < 0 && errno != EINTR)
                        return 1;
                if (p[0].revents && !listener_handle_signal(signal_fd))
                        return 0;
                if (p[1].revents & POLLIN)
                        accept_one();
                keep_tick();
                if (!p[1].revents)
                        spare_make();
        }
}
