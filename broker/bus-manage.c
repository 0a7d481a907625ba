/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about calls. The prompt is shown by the caller's own agent: it is told what the caller said itself, and nothing of the
 * session, which may be another's. */
#include "broker/bus-manage.h"

#include "broker/broker.h"
#include "broker/call.h"
#include "broker/caller.h"
#include "broker/loop.h"
#include "broker/polkit.h"
#include "broker/reply.h"
#include "broker/settings.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct manage {
        struct manage *next;
        struct call *call;
        struct polkit *polkit;
        manage_done_t done;
};

/* Out of the list and freed; the call is the caller's. */
static struct call *take(struct manage *manage) {
        struct call *call = manage->call;

        for (struct manage **slot = &call->broker->manages; *slot; slot = &(*slot)->next)
                if (*slot == manage) {
                        *slot = manage->next;
                        break;
                }
        free(manage);
        return call;
}

static void on_answer(void *userdata, int outcome) {
        struct manage *manage = userdata;
        manage_done_t done = manage->done;

        done(take(manage), outcome);
}

static void add(struct polkit_question *question, const char *key, const char *value) {
        question->details[question->n_details++] = (struct polkit_detail){ key, value,
                                                                           strlen(value) };
}

int manage_ask(struct call *call, const char *action, bool loud, manage_done_t done) {
        static const char sessions[] = "/org/airlock1/session/";
        const char *path = dbus_message_get_path(call->message);
        bool of_session = strncmp(path, sessions, strlen(sessions)) == 0;
        struct manage *manage = calloc(1, sizeof *manage);
        struct polkit_question question = {
                .subject = call->caller->name,
                .action = action,
                .interactive = loud && call->interactive,
                .timeout_ms = loud ? call->broker->settings->prompt_timeout_s * 1000
                                   : MANAGE_QUIET_MS,
        };
        int r;

        if (!manage)
                return -ENOMEM;
        *manage = (struct manage){ .next = call->broker->manages, .call = call, .done = done };
        add(&question, "method", dbus_message_get_member(call->message));
        add(&question, "session", of_session ? path + strlen(sessions) : "");
        r = polkit_ask(call->broker->bus, loop_event(call->broker->loop), &question, on_answer,
                       manage, &manage->polkit);
        if (r < 0) {
                free(manage);
                return r;
        }
        call->broker->manages = manage;
        return 0;
}

void manage_caller_gone(struct broker *broker, const char *name) {
        struct manage *next;

        for (struct manage *manage = broker->manages; manage; manage = next) {
                next = manage->next;
                if (strcmp(manage->call->caller->name, name) == 0) {
                        polkit_cancel(manage->polkit);
                        call_free(take(manage));
                }
        }
}

void manage_free(struct broker *broker) {
        while (broker->manages) {
                polkit_cancel(broker->manages->polkit);
                call_free(take(broker->manages));
        }
}
