/* SPDX-License-Identifier: Apache-2.0 */
/* policy: the rules on this machine, or in any folder, read here. The service is asked only for what it alone knows: what is in force. */
#include "cli/policy.h"

#include <string.h>

#include "cli/ask.h"
#include "cli/help.h"
#include "cli/text.h"

static const struct {
        const char *name;
        int (*run)(const struct ask *ask);
        int max_args;
} verbs[] = {
        { "check", policy_check_main, 1 },
        { "show", policy_show_main, 1 },
        { "status", policy_status_main, 0 },
};

int policy_main(const char *command, int argc, char **argv) {
        struct ask ask;
        int status = ask_parse(&ask, command, "j", argc, argv);

        if (status)
                return status == HELP_SHOWN ? 0 : status;
        for (size_t i = 0; ask.n_args && i < sizeof(verbs) / sizeof(*verbs); i++) {
                if (strcmp(ask.args[0], verbs[i].name) != 0)
                        continue;
                ask.n_args--;
                ask.args++;
                if (ask.n_args <= verbs[i].max_args)
                        return verbs[i].run(&ask);
                complain(command, "%s: '%s' was given; %s was expected", verbs[i].name,
                         ask.args[verbs[i].max_args],
                         verbs[i].max_args ? "one folder at most" : "no argument");
                return 2;
        }
        if (ask.n_args)
                complain(command, "'%s' was given; check, show or status was expected",
                         ask.args[0]);
        else
                complain(command, "nothing was given; check, show or status was expected");
        return 2;
}
