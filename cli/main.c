/* SPDX-License-Identifier: Apache-2.0 */
/* airlock: runs commands in running containers through the Airlock service, and shows what runs. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "cli/ask.h"
#include "cli/attach.h"
#include "cli/commands.h"
#include "cli/exec.h"
#include "cli/help.h"
#include "cli/streams.h"
#include "cli/text.h"

#define JSON_OPTION "      --json               as JSON\n"
#define FILTER_OPTION "      --filter KEY=VALUE   user, target, rule, state, since, name\n"
#define SINCE_OPTION \
        "      --since TIME         10m, 2h, 3d ago; seconds since the epoch; or YYYY-MM-DD[THH:MM[:SS]]\n"

static const char exec_options[] =
        "  -d, --detach             print the session's id and leave it running; airlock logs has its output\n"
        "  -e, --env NAME[=VALUE]   set; NAME takes ours, or is removed where we have none; PREFIX* takes all of ours\n"
        "      --env-file FILE      lines of NAME=VALUE or NAME\n"
        "  -i, --interactive        pass stdin\n"
        "  -t, --tty                a terminal inside\n"
        "      --detach-keys KEYS   that leave it running, with -i -t; default ctrl-p,ctrl-q, '' for none\n"
        "  -u, --user USER[:GROUP]  name or number; default the target's\n"
        "  -w, --workdir DIR        absolute, inside\n"
        "      --clear-env          begin with an empty environment\n"
        "      --group GROUP, --group-add GROUP,...\n"
        "      --privileged         all capabilities that the deciding rule lists\n"
        "      --cap-add CAP,...    --cap-drop CAP,...\n"
        "      --no-new-privs       --seccomp default|target|unconfined|NAME   --label LABEL\n"
        "      --timeout TIME, --idle-timeout TIME, --cpu-timeout TIME      500ms, 30s, 5m, 1h\n"
        "      --memory BYTES, --pids-limit N, --cpu-percent N\n"
        "      --client-gone kill|hup|keep|keep-for:SECONDS\n"
        "      --leftovers kill|keep    --stderr own|tty\n"
        "      --name NAME, --reason TEXT\n"
        "      --preserve-fds N, --preserve-fd N,...    descriptors from 3 up\n"
        "      --cidfile FILE       the target's id stands in FILE, and no TARGET is given\n"
        "  -l, --latest             the container that started last, and no TARGET is given\n"
        "      --pid-file FILE      write the command's pid there, as this host numbers it\n"
        "      --wait SECONDS       for a target that is not there yet\n"
        "      --no-session         accepted and without effect\n"
        "Exit status: the command's own; 128+N when signal N ended it; 125 refused or failed, 126 not executable,\n"
        "127 not found.\n";

const struct command commands[] = {
        { "exec", exec_main, "exec [OPTION...] TARGET COMMAND [ARG...]",
          "run a command in a running container", exec_options },
        { "shell", shell_main, "shell [OPTION...] [USER@]TARGET",
          "run the user's shell in a running container",
          "the options of exec; -i is given, and -t where stdin is a terminal\n" },
        { "run", run_main, "run [OPTION...] TARGET COMMAND [ARG...]",
          "the same, with its output collected by the service",
          JSON_OPTION "and the options of exec, without -d, -i, -t and descriptors\n" },
        { "explain", explain_main, "explain [OPTION...] TARGET COMMAND [ARG...]",
          "show what exec would do; nothing runs",
          "      --as USER            what that account of this host would get; for who may manage others' sessions\n" JSON_OPTION
          "and the options of exec\nExit status: 1 when it would be denied or refused.\n" },
        { "attach", attach_main, "attach [OPTION...] SESSION",
          "attach to a detached session; its exit status is the command's",
          "      --detach-keys KEYS   as exec's\n"
          "      --no-stdin           read along, and hold its one place\n"
          "      --sig-proxy          accepted: signals are passed on\n"
          "      --steal              take the place of who is attached\n" },
        { "logs", logs_main, "logs [OPTION...] SESSION",
          "show the output that was kept of a session",
          "  -f, --follow             and what comes, until its end\n"
          "      --since-offset N     from the Nth byte that it wrote on\n" },
        { "rm", rm_main, "rm [-f] SESSION...", "forget sessions that have ended",
          "  -f, --force              end those that run first\n" },
        { "ps", ps_main, "ps [OPTION...]", "list sessions",
          "  -a, --all                those that have ended too\n" FILTER_OPTION JSON_OPTION
          "      --no-trunc           whole ids and commands\n"
          "  -l, --latest             the newest one, whether it has ended or not\n"
          "  -q, --quiet              ids alone\n" },
        { "history", history_main, "history [OPTION...]",
          "list sessions of the past, the newest first, 1,000 at most",
          FILTER_OPTION SINCE_OPTION JSON_OPTION
          "      --no-trunc           whole ids and commands\n"
          "  -q, --quiet              ids alone\n" },
        { "inspect", inspect_main, "inspect [--json] SESSION...", "show everything about sessions",
          "      --json               one JSON object a line\n" },
        { "resize", resize_main, "resize SESSION [ROWS COLS]",
          "give a session's terminal another size; default that of yours", "" },
        { "events", events_main, "events [OPTION...]",
          "show what becomes of sessions, until you end it",
          FILTER_OPTION SINCE_OPTION JSON_OPTION },
        { "stop", stop_main, "stop [-t SECONDS] SESSION... | --all [--filter KEY=VALUE]...",
          "end sessions and wait for it",
          "  -a, --all                all of them that the filters take\n" FILTER_OPTION
          "  -t, --time SECONDS       from SIGTERM to SIGKILL; default 10\n" },
        { "kill", kill_main, "kill [-s SIGNAL] [--scope SCOPE] SESSION...", "send a signal",
          "  -s, --signal SIGNAL      name or number; default KILL\n"
          "      --scope SCOPE        leader, group or all; default leader\n" },
        { "wait", wait_main, "wait [--json] SESSION...",
          "wait for the end; the exit status is the command's",
          "      --json               print the record\n" },
        { "targets", targets_main, "targets [OPTION...]",
          "list containers that one of your rules could match",
          "      --filter KEY=VALUE   target, name, state\n" JSON_OPTION },
        { "policy", policy_main, "policy check [DIR] | show [DIR] | status [--json]",
          "check and show rules, and say which are in force",
          "  check [DIR]              errors, warnings and test cases (*.case) of the rules in DIR, of the system's without it;\n"
          "                           needs no service\n"
          "  show [DIR]               every setting with file and line, in the order in which rules are asked;\n"
          "                           needs no service\n"
          "  status                   what is in force, what the last reload said, whether the files changed since\n" JSON_OPTION
          "Exit status: 1 when there is an error, a case fails or the last reload did.\n" },
        { "status", status_main, "status [--json]", "show the service's version, policy and health",
          JSON_OPTION },
        { 0 },
};

bool help_print(const char *command) {
        struct text text = { 0 };
        bool ok;

        if (!command)
                text_puts(&text, "usage: airlock SUBCOMMAND [OPTION...] [ARG...]\n\n");
        for (const struct command *c = commands; c->name; c++) {
                if (!command)
                        text_printf(&text, "  %-9s %s\n", c->name, c->summary);
                else if (!strcmp(command, c->name))
                        text_printf(
                                &text,
                                "usage: airlock %s\n%s.\n\n%s  -h, --help               this text\n",
                                c->usage, c->summary, c->options);
        }
        if (!command)
                text_puts(
                        &text,
                        "\nairlock SUBCOMMAND --help shows its options, airlock --version the version.\n");
        ok = text_print(&text);
        text_free(&text);
        return ok;
}

static int version(void) {
        struct text text = { 0 };

        text_puts(&text, "airlock " AIRLOCK_VERSION "\n");
        return text_print(&text) ? 0 : 125;
}

#if AIRLOCK_SANITIZED
/* One command, then the end: what was allocated goes with the process, on purpose. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
        return "detect_leaks=0";
}
#endif

int main(int argc, char **argv) {
        const char *name = argc > 1 ? argv[1] : NULL;

        streams_occupy();
        signal(SIGPIPE, SIG_IGN);
        if (!name) {
                complain(NULL, "no subcommand was given; airlock --help lists them");
                return 2;
        }
        if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
                return help_print(NULL) ? 0 : 125;
        if (!strcmp(name, "--version"))
                return version();
        for (const struct command *c = commands; c->name; c++)
                if (!strcmp(name, c->name))
                        return c->main(name, argc - 1, argv + 1);
        complain(name, "is no subcommand; airlock --help lists them");
        return 2;
}
