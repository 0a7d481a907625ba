/* SPDX-License-Identifier: Apache-2.0 */
/*
 * airlock exec: one call, then streams and bus served by one poll until the command has ended and what it wrote is delivered.
 * The end comes as a signal to us alone (no match rule is needed for that) and counts only from the peer that answered the call:
 * anybody may send us a signal. From another sender, or after a while without news, we ask the service itself and wait for its answer.
 */
#include "cli/exec.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/agent.h"
#include "cli/bus.h"
#include "cli/dict.h"
#include "cli/failure.h"
#include "cli/help.h"
#include "cli/nearby.h"
#include "cli/request.h"
#include "cli/streams.h"
#include "cli/tty.h"

#define DRAIN_MS 250 /* for what others still write after the command's end */
#define ASK_MS \
        5000 /* without news: ask, so that a service that was restarted meanwhile finds us waiting */
#define RETRY_MS 500 /* after an answer that is none */
#define EARLY_MS 200 /* from a signal to the answer that it waits for */
#define GIVE_UP 120  /* such answers in a row */

struct exec {
        struct request request;
        struct streams streams;
        struct bus bus;
        struct tty tty;
        struct agent agent;
        int pid_file; /* -1: none */
        bool asking;  /* somebody may be asked */
        char *session, *service; /* our object; the unique name that answered */
        int signals;             /* a signalfd */
        int early;               /* one that came before the answer, 0 for none */
        uint32_t wait_serial;    /* of the Wait that is under way, 0 where none is */
        unsigned unanswered;
        bool suspicious, ended, resized;
        int status;
        int64_t ask_at, drain_until;
};

static int64_t now_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int session_call(struct exec *exec, const char *member, const char *signature,
                        const struct out *body, uint8_t flags, uint32_t *serial) {
        struct call call = {
                .destination = AIRLOCK_NAME,
                .path = exec->session,
                .interface = AIRLOCK_SESSION,
                .member = member,
                .signature = signature,
                .body = body,
                .flags = flags,
        };
        int r = bus_send(&exec->bus, &call, NULL);

        if (serial)
                *serial = call.serial;
        return r;
}

static void ask(struct exec *exec) {
        struct out body = { 0 };

        if (exec->wait_serial)
                return;
        out_u32(&body, 0);
        (void)session_call(exec, "Wait", "u", &body, 0, &exec->wait_serial);
        out_free(&body);
        exec->ask_at = -1;
}

static void end(struct exec *exec, int status) {
        exec->ended = true;
        exec->status = status;
        exec->drain_until = now_ms() + DRAIN_MS;
        pumps_command_ended(&exec->streams.pumps);
}

static void answered(struct exec *exec, const struct message *m) {
        struct in record = m->body;
        bool gone;

        exec->wait_serial = 0;
        if (m->type == MESSAGE_REPLY && !strcmp(m->signature, "a{sv}")) {
                end(exec, record_status(record, exec->request.target));
                return;
        }
        gone = m->error && strncmp(m->error, "org.freedesktop.DBus.Error.", 27);
        if (!gone && exec->unanswered++ < GIVE_UP) {
                exec->ask_at = now_ms() + RETRY_MS;
                return;
        }
        complain(exec->request.target, "its end is unknown: %s",
                 message_text(m) ? message_text(m) : "the service does not answer");
        end(exec, 125);
}

static void hear(struct exec *exec, const struct message *m) {
        if (m->type == MESSAGE_REPLY || m->type == MESSAGE_ERROR) {
                if (m->reply_serial == exec->wait_serial && exec->wait_serial)
                        answered(exec, m);
                return;
        }
        if (!message_is_signal(m, AIRLOCK_SESSION, "Exited") || !m->path ||
            strcmp(m->path, exec->session))
                return;
        if (strncmp(m->signature, "a{sv}", 5) || !m->sender || strcmp(m->sender, exec->service))
                ask(exec);
        else
                end(exec, record_status(m->body, exec->request.target));
}

/* Before the answer no session is known. The service answers first; should it ever not, we ask. */
static void heard_early(void *data, const struct message *m) {
        struct exec *exec = data;

        exec->suspicious |= message_is_signal(m, AIRLOCK_SESSION, "Exited");
}

static void bus_ready(struct exec *exec) {
        struct message m;
        int r;

        while (!exec->ended && (r = bus_next(&exec->bus, false, &m)) != 0) {
                if (r < 0) {
                        complain("bus", "the connection was lost: %s; the command ends with it",
                                 strerror(-r));
                        end(exec, 125);
                        return;
                }
                hear(exec, &m);
        }
}

static void resize(struct exec *exec) {
        struct out body = { 0 };
        uint16_t rows, cols;

        if (!tty_size(&rows, &cols))
                return;
        out_u16(&body, rows);
        out_u16(&body, cols);
        (void)session_call(exec, "Resize", "qq", &body, MESSAGE_NO_REPLY, NULL);
        out_free(&body);
}

/* What a terminal would have sent to a whole job goes to the whole group, the rest to the command itself. */
static void forward(struct exec *exec, int number) {
        bool group = number == SIGINT || number == SIGQUIT || number == SIGHUP;
        struct out body = { 0 };

        out_u32(&body, (uint32_t)number);
        out_string(&body, group ? "group" : "leader");
        (void)session_call(exec, "Signal", "is", &body, MESSAGE_NO_REPLY, NULL);
        out_free(&body);
}

/* False where there is nothing to wait for any more. */
static bool signal_ready(struct exec *exec) {
        struct signalfd_siginfo info;

        if (read(exec->signals, &info, sizeof(info)) != sizeof(info))
                return true;
        if (info.ssi_signo == SIGWINCH)
                resize(exec);
        else if (info.ssi_signo == SIGTSTP)
                tty_stop(&exec->tty);
        else if (exec->ended)
                return false;
        else
                forward(exec, (int)info.ssi_signo);
        return true;
}

_Noreturn static void die(struct exec *exec, int number) {
        sigset_t set;

        agent_stop(&exec->agent);
        sigfillset(&set);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        (void)raise(number);
        _exit(128 + number);
}

/* Blocked and read one by one; what our caller had us ignore (nohup, a background job) stays ignored. */
static void catch_signals(struct exec *exec) {
        static const int numbers[] = { SIGHUP,  SIGINT,  SIGQUIT,  SIGTERM,
                                       SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP };
        size_t n = sizeof(numbers) / sizeof(*numbers) - (exec->request.tty ? 0 : 2);
        sigset_t set;

        sigemptyset(&set);
        for (size_t i = 0; i < n; i++) {
                struct sigaction old;

                if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
                        sigaddset(&set, numbers[i]);
        }
        sigprocmask(SIG_BLOCK, &set, NULL);
        exec->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void early_signal(struct exec *exec, int number) {
        if (number == SIGTSTP)
                tty_stop(&exec->tty);
        else if (number == SIGWINCH)
                exec->resized = true;
        else
                exec->early = number;
}

/*
 * Before the answer there is nobody to forward a signal to. The command may run already and its answer be on the way; should none come
 * soon somebody is being asked for a password, and the signal is ours.
 */
static int wait_answer(void *data, int fd) {
        struct exec *exec = data;
        struct pollfd table[] = { { .fd = fd, .events = POLLIN },
                                  { .fd = exec->signals, .events = POLLIN } };
        struct signalfd_siginfo info;

        while (!table[0].revents) {
                int n = poll(table, exec->early ? 1 : 2, exec->early ? EARLY_MS : -1);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (!n)
                        die(exec, exec->early);
                if (n > 0 && !exec->early && table[1].revents &&
                    read(exec->signals, &info, sizeof(info)) == sizeof(info))
                        early_signal(exec, (int)info.ssi_signo);
        }
        return 0;
}

static int timeout_ms(const struct exec *exec) {
        int64_t at = exec->ended ? pumps_delivered(&exec->streams.pumps) ? exec->drain_until : -1
                                 : exec->ask_at,
                left;

        if (at < 0)
                return -1;
        left = at - now_ms();
        return left < 0 ? 0 : (int)left;
}

static bool done(const struct exec *exec) {
        const struct pumps *pumps = &exec->streams.pumps;

        return exec->ended &&
               (pumps_finished(pumps) || (pumps_delivered(pumps) && now_ms() >= exec->drain_until));
}

static void serve(struct exec *exec) {
        struct pollfd table[2 * PUMPS_MAX + 2];

        bus_ready(exec); /* what came together with the answer: no poll tells of it */
        while (!done(exec)) {
                unsigned n = 2;

                table[0] = (struct pollfd){ .fd = exec->ended ? -1 : exec->bus.fd,
                                            .events = POLLIN };
                table[1] = (struct pollfd){ .fd = exec->signals, .events = POLLIN };
                n = pumps_poll(&exec->streams.pumps, table, n);
                if (poll(table, n, timeout_ms(exec)) < 0 && errno != EINTR)
                        break;
                if (table[1].revents && !signal_ready(exec))
                        break;
                pumps_run(&exec->streams.pumps, table);
                if (table[0].revents)
                        bus_ready(exec);
                if (!exec->ended && exec->ask_at >= 0 && now_ms() >= exec->ask_at)
                        ask(exec);
        }
}

/* One try. 0, or an exit status; *again where another try may do better. */
static int call_exec(struct exec *exec, struct message *reply, bool *again) {
        struct request_extra extra = {
                .streams = exec->streams.stream,
                .n_streams = exec->streams.n,
                .output = exec->request.tty ? NULL : "null",
        };
        struct out body = { 0 };
        struct call call = {
                .destination = AIRLOCK_NAME,
                .path = AIRLOCK_PATH,
                .interface = AIRLOCK_MANAGER,
                .member = "Exec",
                .signature = "sasa{sv}",
                .body = &body,
                .flags = exec->asking ? MESSAGE_INTERACTIVE : 0,
                .n_fds = exec->streams.n,
        };
        const struct bus_hooks hooks = { wait_answer, heard_early, exec };
        int fds[STREAMS_MAX], r;

        for (unsigned i = 0; i < exec->streams.n; i++)
                fds[i] = exec->streams.stream[i].fd;
        if (exec->request.tty)
                (void)tty_size(&extra.rows, &extra.cols);
        request_body(&exec->request, &extra, &body);
        r = bus_call(&exec->bus, &call, fds, &hooks, reply);
        out_free(&body);
        *again = r == 0 && reply->type == MESSAGE_ERROR && failure_is_absence(reply);
        return r < 0 ? failure_of_bus(r) : reply->type == MESSAGE_ERROR ? 1 : 0;
}

/* At a terminal the question is put only once it is known that there is one; true where another try may be answered. */
static bool ask_somebody(struct exec *exec, const struct message *reply) {
        if (exec->asking || reply->type != MESSAGE_ERROR || !failure_wants_somebody(reply))
                return false;
        exec->asking = true;
        agent_start(&exec->agent);
        return true;
}

static int start(struct exec *exec, struct message *reply) {
        int64_t until = now_ms() + (int64_t)exec->request.wait_s * 1000;
        struct pollfd signals = { .fd = exec->signals, .events = POLLIN };
        int status = 0;
        bool again = true;

        exec->asking = !agent_possible();
        while ((status = call_exec(exec, reply, &again)) && !exec->early) {
                if (status == 1 && ask_somebody(exec, reply))
                        continue;
                if (!again || now_ms() >= until)
                        break;
                (void)poll(&signals, 1, RETRY_MS / 2);
        }
        if (status && exec->early)
                die(exec, exec->early);
        agent_stop(&exec->agent);
        streams_sent(&exec->streams);
        if (status == 1)
                status = failure_status(reply, failure_what(reply, &exec->request), true);
        return status;
}

static void take_master(struct exec *exec, int master) {
        struct pumps *pumps = &exec->streams.pumps;

        pump_add(pumps, "stdout", master, STDOUT_FILENO, true);
        if (!exec->request.interactive)
                return;
        pump_add(pumps, "stdin", STDIN_FILENO, dup(master), false);
        (void)tty_raw(&exec->tty, STDIN_FILENO);
}

/* A terminal inside: its master comes with the answer as 0, and where so asked a stderr of its own as 2. */
static int take_ends(struct exec *exec, const struct message *reply, struct in *in) {
        size_t end_of = in_array(in, "{");
        bool master = false;

        while (in_more(in, end_of)) {
                uint32_t number, handle;

                in_align(in, 8);
                number = in_u32(in);
                handle = in_u32(in);
                if (in->bad || handle >= reply->n_fds || (number != 0 && number != 2)) {
                        complain("bus", "the service's answer was not understood");
                        return 125;
                }
                if (number == 2)
                        pump_add(&exec->streams.pumps, "stderr", reply->fds[handle], STDERR_FILENO,
                                 true);
                else if (!master)
                        take_master(exec, reply->fds[handle]);
                master |= number == 0;
        }
        if (!master)
                complain(exec->request.target, "the service gave no terminal; one was asked for");
        return master ? 0 : 125;
}

static int started(struct exec *exec, const struct message *reply) {
        struct in in = reply->body;
        const char *path = in_string(&in);

        if (!path || strcmp(reply->signature, "oa{uh}") || !reply->sender) {
                complain("bus", "the service's answer was not understood");
                return 125;
        }
        exec->session = must_strdup(path);
        exec->service = must_strdup(reply->sender);
        return exec->request.tty && !exec->request.detach ? take_ends(exec, reply, &in) : 0;
}

static int print_id(const struct exec *exec) {
        const char *id = strrchr(exec->session, '/');
        struct text text = { 0 };

        text_printf(&text, "%s\n", id ? id + 1 : exec->session);
        return text_print(&text) ? 0 : 125;
}

static int check_terminal(const struct request *request) {
        if (!request->tty || !request->interactive || request->detach || isatty(STDIN_FILENO))
                return 0;
        complain(
                "--tty",
                "stdin is no terminal; a terminal was expected, or -t without -i, or -i without -t");
        return 125;
}

static int run(struct exec *exec) {
        struct message reply;
        int status = check_terminal(&exec->request);

        if (!status && exec->request.pid_file) {
                exec->pid_file = nearby_pid_file(exec->request.pid_file);
                status = exec->pid_file < 0 ? 125 : 0;
        }
        if (!status && streams_make(&exec->streams, &exec->request) < 0)
                status = 125;
        if (!status && bus_open(&exec->bus) < 0)
                status = 125;
        if (!status) {
                catch_signals(exec);
                status = start(exec, &reply);
        }
        if (!status)
                status = started(exec, &reply);
        if (!status && exec->pid_file >= 0)
                (void)nearby_write_pid(exec->pid_file, exec->request.pid_file, exec->session);
        if (status || exec->request.detach)
                return status ? status : print_id(exec);
        if (exec->early)
                forward(exec, exec->early);
        if (exec->resized)
                resize(exec);
        if (exec->suspicious)
                ask(exec);
        else
                exec->ask_at = now_ms() + ASK_MS;
        serve(exec);
        tty_restore(&exec->tty);
        return exec->status ? exec->status : pumps_failed(&exec->streams.pumps) ? 125 : 0;
}

static struct exec exec = {
        .bus = { .fd = -1 }, .tty = TTY_NONE, .agent = AGENT_NONE, .signals = -1, .pid_file = -1, .ask_at = -1
};

static int parse_and_run(const char *command, int argc, char **argv) {
        int status = request_parse(&exec.request, command, argc, argv);

        if (status)
                return status == HELP_SHOWN ? 0 : status;
        if (exec.request.json) {
                complain("--json", "is no option of %s; airlock run --json collects the output",
                         command);
                return 125;
        }
        return run(&exec);
}

int exec_main(const char *command, int argc, char **argv) {
        return parse_and_run(command, argc, argv);
}

/* Which shell, the service knows: it reads the target's passwd. A script on stdin wants no terminal. */
int shell_main(const char *command, int argc, char **argv) {
        exec.request.shell = exec.request.interactive = true;
        exec.request.tty = isatty(STDIN_FILENO);
        return parse_and_run(command, argc, argv);
}
