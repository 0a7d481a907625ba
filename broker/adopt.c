/* SPDX-License-Identifier: Apache-2.0 */
/* Adoption. A supervisor says which session it has, waits for our hello, and then hands over the sealed plan: what the session shows
 * and whose it is come from that, checked as the helper checked it. Only the supervisors' account and root are listened to. */
#include "broker/adopt.h"

#include "broker/audit.h"
#include "broker/broker.h"
#include "broker/launch.h"
#include "broker/link.h"
#include "broker/loop.h"
#include "broker/quota.h"
#include "broker/recall.h"
#include "broker/request.h"
#include "broker/session-relay.h"
#include "broker/session.h"
#include "common/fd.h"
#include "common/memfd.h"
#include "common/wire.h"
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Greeted and not yet heard of: fds in flight count against the supervisors' account, and ours. */
#define GREETED_MAX 100
#define PATIENCE_US (UINT64_C(5) * 1000 * 1000)
/* How long a session that is not to outlive its client waits for it to come back. */
#define CLAIM_US (UINT64_C(10) * 1000 * 1000)

struct comer {
        struct comer *next;
        struct adopt *adopt;
        struct link *link;
        uint8_t id[32];
        bool greeted;
        bool known; /* its session has ended here already: it only has not heard that its record is committed */
};

struct adopt {
        struct broker *broker;
        sd_event_source *io;
        struct comer *first;
        unsigned n;
        uid_t supervisors;
};

static struct comer *comer_free(struct comer *comer) {
        struct adopt *adopt = comer->adopt;

        for (struct comer **slot = &adopt->first; *slot; slot = &(*slot)->next)
                if (*slot == comer) {
                        *slot = comer->next;
                        adopt->n--;
                        break;
                }
        if (adopt->io)
                sd_event_source_set_enabled(adopt->io, SD_EVENT_ON);
        link_free(comer->link);
        free(comer);
        return NULL;
}

static void on_exited(void *userdata, const struct wire_exited *exited) {
        session_ended(userdata, exited);
}

static void on_ends(void *userdata, int fds[LAUNCH_ENDS]) {
        session_relay_replace(userdata, fds);
}

/* Of one that the history does not know: it was killed with its broker in its first moments. */
static int by_plan(const struct wire_strings *strings, struct session *session) {
        session->created_us = session->started_us;
        session->target = strdup(strings->target);
        session->rule = strdup("");
        return request_adopted(strings->target, (const char *const *)strings->argv,
                               &session->request);
}

/* What the plan says of a session, and beside it what the history knows. */
static int describe(struct broker *broker, const struct wire_plan *plan,
                    const struct wire_strings *strings, const struct wire_started *started,
                    struct session **ret) {
        struct quota *quota = quotas_of(broker->quotas, plan->caller_uid);
        struct session *session = NULL;
        int r = quota ? session_adopt(broker->sessions, quota, plan->session, &session) : -ENOMEM;

        if (r < 0)
                return r;
        session->client_gone = plan->flags & WIRE_PLAN_KEEP_GONE ? POLICY_GONE_KEEP
                                                                 : POLICY_GONE_KILL;
        r = recall_take(broker, session, plan->caller_uid);
        if (r == -ENOENT)
                r = by_plan(strings, session);
        session->owner = plan->caller_uid;
        session->pid = (int32_t)started->pid;
        session->cgroup = strdup(started->cgroup);
        session->started_us = started->started_us;
        session->tty = plan->flags & WIRE_PLAN_TTY;
        snprintf(session->user, sizeof session->user, "%u:%u", plan->uid, plan->gid);
        if (r < 0 || !session->target || !session->rule) {
                session_discard(session);
                return r < 0 ? r : -ENOMEM;
        }
        *ret = session;
        return 0;
}

static int take_session(struct comer *comer, struct wire_plan *plan,
                        const struct wire_strings *strings, const struct wire_started *started) {
        struct broker *broker = comer->adopt->broker;
        struct launch_handler handler = { .exited = on_exited, .ends = on_ends };
        struct session *session = NULL;
        struct link *link = comer->link;
        int r;

        if (memcmp(plan->session, comer->id, sizeof comer->id) != 0)
                return -EPROTO;
        session = sessions_find_any(broker->sessions, plan->session);
        if (session && session->state == SESSION_LOST) /* it was not: here it comes */
                session_discard(session);
        else if (session && session_is_over(session)) {
                comer->known = true;
                return -EALREADY;
        }
        r = describe(broker, plan, strings, started, &session);
        if (r < 0)
                return r;
        handler.userdata = session;
        comer->link = NULL;
        r = launch_adopt(link, &handler, &session->launch);
        if (r < 0) {
                session_discard(session);
                return r;
        }
        session->visible = true;
        session->plan = plan;
        session->plan_size = plan->size;
        session->idle_ms = plan->idle_ms;
        session->may_detach = session->client_gone == POLICY_GONE_KEEP;
        session_relay_adopt(session);
        /* Its client's name is not known any more: who calls with its owner's uid claims it, or it ends as it would have. */
        if (session->client_gone != POLICY_GONE_KEEP)
                session->deadline_us = loop_now(broker->loop) + CLAIM_US +
                                       session->keep_for_s * 1000000;
        loop_need_tick(broker->loop);
        audit_note("adopted session %.16s of uid %u in %s", session->id, session->owner,
                   session->target);
        return 0;
}

static int take_plan(struct comer *comer, int fd, const struct wire_started *started) {
        const char **argv = calloc(LIMIT_ARGS + 1, sizeof *argv),
                   **envv = calloc(LIMIT_ENV + 1, sizeof *envv);
        struct wire_strings strings = { .argv = argv, .envv = envv };
        struct wire_plan *plan = NULL;
        size_t size = 0;
        int r = argv && envv ? memfd_check(fd, WIRE_PLAN_MAX, &size) : -ENOMEM;

        if (r == 0) {
                plan = malloc(size ? size : 1);
                r = plan ? memfd_read(fd, plan, size) : -ENOMEM;
        }
        if (r == 0 && wire_check_plan(plan, size, &strings) != 0)
                r = -EPROTO;
        if (r == 0)
                r = take_session(comer, plan, &strings, started);
        if (r < 0)
                free(plan);
        free(argv);
        free(envv);
        return r;
}

/* Of an heir: a supervisor was killed while there was no broker, and who delivers its record has no plan to show. Whose session it was
 * is in the history; one that is not there was killed with its broker before anybody was told of it. */
static int take_end(struct comer *comer, const struct wire_exited *exited) {
        struct broker *broker = comer->adopt->broker;
        struct session *session = sessions_find_any(broker->sessions, comer->id);
        struct ack *ack;
        int r = 0;

        if (memcmp(exited->session, comer->id, sizeof comer->id) != 0 || (session && session->launch))
                return -EPROTO;
        if (!session)
                r = recall_session(broker, comer->id, &session);
        if (r < 0 && r != -ENOENT)
                return r;
        ack = ack_new(comer->link);
        comer->link = NULL;
        if (session && session->state == SESSION_LOST) {
                session->ack = ack;
                session_found(session, exited);
        } else if (session && !session_is_over(session)) {
                session->ack = ack;
                session_ended(session, exited);
        } else {
                ack_send(ack);
        }
        return 0;
}

static int take_hello(struct comer *comer, const struct wire_hello *hello) {
        struct wire_head answer = WIRE_HEAD(WIRE_HELLO, answer, 0);

        memcpy(comer->id, hello->session, sizeof comer->id);
        comer->greeted = true;
        return link_send(comer->link, &answer, sizeof answer);
}

static void on_message(void *userdata, const void *message, size_t size, int *fds, size_t n_fds) {
        const struct wire_head *head = message;
        struct comer *comer = userdata;
        int r = -EPROTO;

        if (head->kind == WIRE_HELLO && size == sizeof(struct wire_hello) && n_fds == 0 &&
            !comer->greeted)
                r = take_hello(comer, message);
        else if (head->kind == WIRE_EXITED && comer->known) {
                ack_send(ack_new(comer->link));
                comer->link = NULL;
                comer_free(comer);
                return;
        } else if (head->kind == WIRE_STARTED && size == sizeof(struct wire_started) &&
                   n_fds >= 1 && comer->greeted)
                r = take_plan(comer, fds[0], message);
        else if (head->kind == WIRE_EXITED && size == sizeof(struct wire_exited) && comer->greeted)
                r = take_end(comer, message);
        if (comer->known && head->kind == WIRE_STARTED)
                return;
        if (r < 0)
                audit_note("sessions socket: a supervisor is turned away: %s", strerror(-r));
        if (r < 0 || head->kind != WIRE_HELLO)
                comer_free(comer);
}

static void on_closed(void *userdata, int error) {
        comer_free(userdata);
}

static bool may_come(const struct adopt *adopt, int fd) {
        struct ucred peer;
        socklen_t size = sizeof peer;

        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
               (peer.uid == 0 || peer.uid == adopt->supervisors);
}

static void welcome(struct adopt *adopt, int fd) {
        struct link_handler handler = { .message = on_message, .closed = on_closed };
        struct comer *comer = may_come(adopt, fd) ? calloc(1, sizeof *comer) : NULL;

        if (!comer) {
                close_fd(fd);
                return;
        }
        handler.userdata = comer;
        comer->adopt = adopt;
        if (link_adopt(adopt->broker->links, fd, &handler, &comer->link) < 0) {
                free(comer);
                return;
        }
        link_set_deadline(comer->link, loop_now(adopt->broker->loop) + PATIENCE_US);
        comer->next = adopt->first;
        adopt->first = comer;
        /* The rest waits in the socket's queue until one of these is through. */
        if (++adopt->n == GREETED_MAX)
                sd_event_source_set_enabled(adopt->io, SD_EVENT_OFF);
}

static int on_connection(sd_event_source *source, int listening, uint32_t revents, void *userdata) {
        struct adopt *adopt = userdata;
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0)
                welcome(adopt, fd);
        return 0;
}

int adopt_new(struct broker *broker, struct adopt **ret) {
        struct adopt *adopt = calloc(1, sizeof *adopt);
        struct stat st;
        int r;

        if (!adopt)
                return -ENOMEM;
        adopt->broker = broker;
        /* The helper knows the two accounts by the owners of two folders, and so do we. */
        adopt->supervisors = stat(AIRLOCK_RUN_DIR "/session", &st) == 0 ? st.st_uid : 0;
        r = sd_event_add_io(loop_event(broker->loop), &adopt->io, broker->sessions_fd, EPOLLIN,
                            on_connection, adopt);
        if (r < 0) {
                free(adopt);
                return r;
        }
        *ret = adopt;
        return 0;
}

struct adopt *adopt_free(struct adopt *adopt) {
        if (!adopt)
                return NULL;
        adopt->io = sd_event_source_disable_unref(adopt->io);
        while (adopt->first)
                comer_free(adopt->first);
        free(adopt);
        return NULL;
}
