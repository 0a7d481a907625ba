/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's end of a session's connection. Until "started" every silence means that nothing runs; after it, that the status is
 * lost. */
#include "broker/launch.h"

#include "broker/ask.h"
#include "broker/filter.h"
#include "broker/link.h"
#include "common/caps.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "common/memfd.h"
#include "common/reason.h"
#include "common/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define START_US              \
        (UINT64_C(5) * 1000 * \
         1000) /* beyond the helper's own deadline: it says why, silence does not */
#define DEADLINE_NS (UINT64_C(4) * 1000 * 1000 * 1000)

struct ack {
        struct link *link; /* NULL: the supervisor has gone */
};

struct launch {
        struct link *link;
        struct ack *ack;
        bool started;
        bool only_checked;
        struct launch_handler handler;
};

static void refuse(struct launch *launch, int result, struct error *error) {
        launch->handler.refused(launch->handler.userdata, result, error);
}

/* The part of a refusal that its number tells: which stream, which capability. */
static void describe_arg(const struct wire_refused *refused, char *buffer, size_t size) {
        char name[64];

        buffer[0] = 0;
        switch (refused->reason) {
        case REASON_FILTER_NEEDS:
                snprintf(buffer, size, " (%.48s)", filter_syscall_name((int)refused->arg, name));
                break;
        case REASON_CAPS_KERNEL:
        case REASON_CAPS_CEILING:
                if (caps_name(refused->arg))
                        snprintf(buffer, size, " (%s)", caps_name(refused->arg));
                break;
        case REASON_UID:
        case REASON_GID:
        case REASON_UID_OTHER:
        case REASON_UID_OURS:
        case REASON_TARGET_USERNS: snprintf(buffer, size, " (%u)", refused->arg); break;
        case REASON_STREAM_KIND:
        case REASON_STREAM_MODE:
        case REASON_STREAM_MISSING:
        case REASON_EXTRA_KIND:
                if (refused->arg >= WIRE_SLOT_STDIN && refused->arg < WIRE_SLOT_OUTER_STDIN)
                        snprintf(buffer, size, " (fd %u)", refused->arg - WIRE_SLOT_STDIN);
                break;
        default: break;
        }
}

static int take_refusal(const struct wire_refused *refused, struct error *error) {
        char arg[64], step[64] = "";
        int outcome;

        describe_arg(refused, arg, sizeof arg);
        if (refused->reason == REASON_STEP)
                snprintf(step, sizeof step, " (%s)", wire_step_name(refused->step));
        outcome = error_set(error, reason_outcome(refused->reason), "%s%s%s%s%s",
                            reason_text(refused->reason), arg, step, refused->err ? ": " : "",
                            refused->err ? strerror(refused->err) : "");
        error->stage = wire_step_name(refused->step);
        error->err = refused->err;
        return outcome;
}

static void on_started(struct launch *launch, const void *message, int *fds, size_t n_fds) {
        int master = n_fds == 1 ? fds[0] : -1;

        if (n_fds == 1)
                fds[0] = -1;
        launch->started = true;
        link_set_deadline(launch->link, 0);
        launch->handler.started(launch->handler.userdata, message, master);
}

static void on_ack_message(void *userdata, const void *message, size_t size, int *fds,
                           size_t n_fds) {}

static void on_ack_closed(void *userdata, int error) {
        struct ack *ack = userdata;

        ack->link = link_free(ack->link);
}

struct ack *ack_new(struct link *link) {
        struct ack *ack = calloc(1, sizeof *ack);

        if (!ack) {
                link_free(link);
                return NULL;
        }
        ack->link = link;
        link_set_deadline(link, 0);
        link_set_handler(link, &(struct link_handler){ on_ack_message, on_ack_closed, ack });
        return ack;
}

void ack_send(struct ack *ack) {
        struct wire_head message = WIRE_HEAD(WIRE_ACK, message, 0);

        if (!ack)
                return;
        if (ack->link)
                link_send(ack->link, &message, sizeof message);
        link_free(ack->link);
        free(ack);
}

struct ack *launch_take_ack(struct launch *launch) {
        struct ack *ack = launch ? launch->ack : NULL;

        if (ack)
                launch->ack = NULL;
        return ack;
}

static void on_exited(struct launch *launch, const void *message) {
        launch->ack = ack_new(launch->link);
        launch->link = NULL;
        launch->handler.exited(launch->handler.userdata, message);
}

static bool is_refusal(const void *message, size_t size) {
        const struct wire_refused *refused = message;

        /* A refusal without a reason would be no refusal for who looks at the outcome. */
        return refused->head.kind == WIRE_REFUSED && size == sizeof *refused &&
               refused->reason != 0;
}

static void on_ends(struct launch *launch, const struct wire_ends *ends, int *fds, size_t n_fds) {
        int list[LAUNCH_ENDS];
        size_t n = 0;

        for (unsigned i = 0; i < LAUNCH_ENDS; i++)
                list[i] = ends->slots & 1u << i && n < n_fds ? take_fd(&fds[n++]) : -1;
        if (launch->handler.ends)
                launch->handler.ends(launch->handler.userdata, list);
        close_fds(list, LAUNCH_ENDS);
}

static void on_message(void *userdata, const void *message, size_t size, int *fds, size_t n_fds) {
        struct launch *launch = userdata;
        const struct wire_head *head = message;
        struct error error;
        int r;

        if (head->kind == WIRE_STARTED && size == sizeof(struct wire_started) && !launch->started &&
            !launch->only_checked) {
                on_started(launch, message, fds, n_fds);
        } else if (head->kind == WIRE_EXITED && size == sizeof(struct wire_exited) &&
                   launch->started) {
                on_exited(launch, message);
        } else if (head->kind == WIRE_ENDS && size == sizeof(struct wire_ends) && launch->started) {
                on_ends(launch, message, fds, n_fds);
        } else if (is_refusal(message, size) && !launch->started) {
                r = take_refusal(message, &error);
                /* All checks have passed: late is what it was made. */
                if (launch->only_checked &&
                    ((const struct wire_refused *)message)->reason == REASON_MSG_LATE)
                        r = 0;
                refuse(launch, r, &error);
        } else if (!launch->started) {
                r = ask_link_error(&error, -EPROTO);
                refuse(launch, r, &error);
        }
        /* What makes no sense after the start is not worth losing the session's end for. */
}

static void on_closed(void *userdata, int link_error) {
        struct launch *launch = userdata;
        struct error error;
        int r;

        if (launch->started) {
                launch->handler.exited(launch->handler.userdata, NULL);
                return;
        }
        r = ask_link_error(&error, link_error);
        refuse(launch, r, &error);
}

static uint64_t deadline(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + DEADLINE_NS;
}

/* The fds of a request in the order of their slots. */
static void fill_slots(const struct launch_request *request, int plan_fd, struct wire_exec *message,
                       int *fds) {
        int slots[WIRE_SLOTS];
        uint32_t n = 0;

        for (unsigned i = 0; i < WIRE_SLOTS; i++)
                slots[i] = -1;
        slots[WIRE_SLOT_PLAN] = plan_fd;
        slots[WIRE_SLOT_TARGET] = request->target_fd;
        slots[WIRE_SLOT_FILTER] = request->filter_fd;
        for (unsigned i = 0; i < 3; i++)
                slots[WIRE_SLOT_STDIN + i] = request->streams[i];
        for (unsigned i = 0; i < request->n_extra; i++)
                slots[WIRE_SLOT_EXTRA + i] = request->extra[i];
        for (unsigned i = 0; i < 3; i++)
                slots[WIRE_SLOT_OUTER_STDIN + i] = request->outer[i];
        slots[WIRE_SLOT_RING] = request->ring_fd;
        for (unsigned i = 0; i < WIRE_SLOTS; i++)
                if (slots[i] >= 0) {
                        message->slots |= 1u << i;
                        fds[n++] = slots[i];
                }
        message->head = wire_head(WIRE_EXEC, sizeof *message, n);
}

int launch_new(struct links *links, const struct launch_handler *handler, struct launch **ret,
               struct error *error) {
        struct launch *launch = calloc(1, sizeof *launch);
        int r;

        if (!launch)
                return -ENOMEM;
        launch->handler = *handler;
        r = link_connect(links, &(struct link_handler){ on_message, on_closed, launch },
                         &launch->link);
        if (r < 0) {
                free(launch);
                return ask_link_error(error, r);
        }
        *ret = launch;
        return 0;
}

int launch_adopt(struct link *link, const struct launch_handler *handler, struct launch **ret) {
        struct launch *launch = calloc(1, sizeof *launch);

        if (!launch) {
                link_free(link);
                return -ENOMEM;
        }
        *launch = (struct launch){ .link = link, .started = true, .handler = *handler };
        link_set_deadline(link, 0);
        link_set_handler(link, &(struct link_handler){ on_message, on_closed, launch });
        *ret = launch;
        return 0;
}

static int send_request(struct launch *launch, const struct launch_request *request) {
        struct iovec part = { (void *)request->plan, request->plan_size };
        _cleanup_close_ int plan_fd = memfd_sealed("airlock-plan", &part, 1);
        struct wire_exec message = { .deadline_ns = request->only_checked ? 0 : deadline(),
                                     .counter = request->counter };
        int fds[WIRE_SLOTS];
        struct link_request out = { .message = &message,
                                    .size = sizeof message,
                                    .fds = fds,
                                    .deadline_us = request->now + START_US };

        if (plan_fd < 0)
                return plan_fd;
        fill_slots(request, plan_fd, &message, fds);
        out.n_fds = message.head.n_fds;
        return link_request(launch->link, &out);
}

int launch_exec(struct launch *launch, const struct launch_request *request, struct error *error) {
        int r;

        launch->only_checked = request->only_checked;
        r = send_request(launch, request);
        return r < 0 ? ask_link_error(error, r) : 0;
}

struct launch *launch_free(struct launch *launch) {
        if (!launch)
                return NULL;
        link_free(launch->link);
        ack_send(launch->ack);
        free(launch);
        return NULL;
}

int launch_signal(struct launch *launch, int signal, unsigned scope) {
        struct wire_signal message = { .head = WIRE_HEAD(WIRE_SIGNAL, message, 0),
                                       .signal = (uint32_t)signal,
                                       .scope = scope };

        return link_send(launch->link, &message, sizeof message);
}

int launch_stop(struct launch *launch, int signal, uint32_t grace_ms, unsigned ended_by) {
        struct wire_stop message = { .head = WIRE_HEAD(WIRE_STOP, message, 0),
                                     .signal = (uint32_t)signal,
                                     .grace_ms = grace_ms,
                                     .ended_by = ended_by };

        return link_send(launch->link, &message, sizeof message);
}

static int send_bare(struct launch *launch, enum wire_kind kind) {
        struct wire_head message = WIRE_HEAD(kind, message, 0);

        return link_send(launch->link, &message, sizeof message);
}

int launch_close_stdin(struct launch *launch) {
        return send_bare(launch, WIRE_CLOSE_STDIN);
}

int launch_fetch(struct launch *launch) {
        return send_bare(launch, WIRE_FETCH);
}

int launch_resize(struct launch *launch, uint16_t rows, uint16_t cols) {
        struct wire_resize message = { .head = WIRE_HEAD(WIRE_RESIZE, message, 0),
                                       .rows = rows,
                                       .cols = cols };

        return link_send(launch->link, &message, sizeof message);
}
