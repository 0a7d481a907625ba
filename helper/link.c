/* SPDX-License-Identifier: Apache-2.0 */
/* Out to sessions.sock: a listening socket that somebody holds for the broker, so that a session that waits for one
 * also starts it. Non-blocking and with growing pauses: the command is served meanwhile. */
#include "helper/link.h"

#include "common/fd.h"
#include "common/fdpass.h"
#include "config.h"
#include "helper/context.h"
#include "helper/job.h"
#include "helper/wait.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MS UINT64_C(1000000)

/* Whoever listens there must be root (it called listen for the broker) or the broker itself. */
static int connect_out(void) {
        const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = AIRLOCK_RUN_DIR "/broker/sessions.sock" };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
            getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || (peer.uid != 0 && peer.uid != context.broker_uid))
                return close_fd(fd);
        return fd;
}

static int say_hello(const struct wait *w, int fd, bool ended) {
        struct wire_hello m = { .head = WIRE_HEAD(WIRE_HELLO, struct wire_hello, 0), .state = ended ? 2 : 1 };

        memcpy(m.session, w->job->plan->session, sizeof(m.session));
        return fdpass_send(fd, &m, sizeof(m), NULL, 0, MSG_DONTWAIT);
}

/* A broker that was lost is looked for at once; one that takes us and hangs up, again and again, ever more slowly. */
static uint32_t longer(uint32_t pause_ms) {
        return pause_ms * 2 > LIMIT_RETRY_MS ? LIMIT_RETRY_MS : pause_ms * 2;
}

void link_lost(struct wait *w, struct link *l) {
        const uint64_t now = now_ns();

        w->conn = close_fd(w->conn);
        l->pause_ms = l->adopted || !l->pause_ms ? 2 : longer(l->pause_ms);
        l->retry_ns = now + l->pause_ms * MS;
        if (l->adopted && !(w->job->plan->flags & WIRE_PLAN_KEEP_GONE))
                l->orphan_ns = now + LIMIT_ORPHAN_MS * MS;
        l->adopted = false;
}

void link_try(struct wait *w, struct link *l, bool ended) {
        int fd;

        if (!l->retry_ns || now_ns() < l->retry_ns)
                return;
        fd = connect_out();
        if (fd >= 0 && say_hello(w, fd, ended) == 0) {
                w->conn = fd;
                l->retry_ns = 0;
                return;
        }
        close_fd(fd);
        l->pause_ms = longer(l->pause_ms);
        l->retry_ns = now_ns() + l->pause_ms * MS;
}
