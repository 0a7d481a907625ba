/* SPDX-License-Identifier: Apache-2.0 */
/* From an error of the bus or the service to one line and an exit status. The service's text says what was wrong and what was expected. */
#include "cli/failure.h"

#include <string.h>

#include "cli/bus.h"
#include "cli/request.h"
#include "cli/text.h"
#include "common/outcome.h"

#define DBUS_ERROR "org.freedesktop.DBus.Error."

static bool is_standard(const char *error, const char *name) {
        return !strncmp(error, DBUS_ERROR, strlen(DBUS_ERROR)) &&
               !strcmp(error + strlen(DBUS_ERROR), name);
}

static bool no_service(const char *error) {
        static const char *const names[] = {
                "ServiceUnknown",        "NameHasNoOwner",    "NoReply",      "Spawn.ExecFailed",
                "Spawn.ServiceNotFound", "Spawn.ChildExited", "Spawn.Failed", "TimedOut",
        };

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                if (is_standard(error, names[i]))
                        return true;
        return false;
}

int failure_of_bus(int error) {
        complain("bus", "the connection was lost: %s; a running system bus was expected",
                 strerror(-error));
        return 125;
}

bool failure_is_absence(const struct message *m) {
        int outcome = m->error ? outcome_from_error(m->error) : OUTCOME_HELPER_FAILED;

        return outcome == OUTCOME_NO_SUCH_TARGET || outcome == OUTCOME_TARGET_NOT_RUNNING ||
               outcome == OUTCOME_DENIED;
}

bool failure_wants_somebody(const struct message *m) {
        return m->error && is_standard(m->error, "InteractiveAuthorizationRequired");
}

static bool is_of_command(int outcome) {
        return outcome == OUTCOME_NOT_FOUND || outcome == OUTCOME_NOT_EXECUTABLE;
}

const char *failure_what(const struct message *m, const struct request *request) {
        return is_of_command(m->error ? outcome_from_error(m->error) : OUTCOME_HELPER_FAILED)
                     ? request->shell ? "shell" : request->argv[0]
                     : request->target;
}

int failure_status(const struct message *m, const char *what, bool runs) {
        const char *error = m->error ? m->error : "", *text = message_text(m);
        int outcome = outcome_from_error(error);

        if (no_service(error)) {
                complain("service", "%s is not there: %s; a running airlockd was expected",
                         AIRLOCK_NAME, text ? text : error);
                return 125;
        }
        /* Its own texts say what they are about, but for the command. */
        if (!strncmp(error, AIRLOCK_ERROR, strlen(AIRLOCK_ERROR)) ||
            is_standard(error, "InvalidArgs"))
                what = is_of_command(outcome) ? what : NULL;
        complain(what, "%s", text && *text ? text : error);
        return runs ? outcome_exit_code(outcome) : outcome == OUTCOME_HELPER_FAILED ? 125 : 1;
}
