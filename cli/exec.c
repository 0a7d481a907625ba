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
        1000 /* without news: ask, so that a service that was restarted meanwhile finds us waiting */
#define RETRY_MS 500 /* after an answer that is none */
#define EARLY_MS 200 /* from a signal to the answer that it waits for */
#define AGAIN 30     /* tries to find another relay, in 3 s */
#define GIVE_UP 120  /* such answers in a row */

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

/* It runs on without us. That somebody else took our place is no end that we can speak of. */
static void detached(struct exec *exec, const struct message *m) {
        struct in details = m->body;
        const char *why = strncmp(m->signature, "a{sv}", 5) ? NULL : dict_string(details, "why");

        if (!exec->relayed || !why)
                return;
        if (!strcmp(why, "relay-lost")) {
                exec->relay_lost = true;
                return;
        }
        if (!strcmp(why, "stolen"))
                complain(exec->request.target, "somebody else attached to it; it runs on");
        end(exec, strcmp(why, "stolen") ? 0 : 125);
}

static void hear(struct exec *exec, const struct message *m) {
        if (m->type == MESSAGE_REPLY || m->type == MESSAGE_ERROR) {
                if (m->reply_serial == exec->wait_serial && exec->wait_serial)
                        answered(exec, m);
                return;
        }
        if (!m->path || strcmp(m->path, exec->session))
                return;
        if (message_is_signal(m, AIRLOCK_SESSION, "Detached") && m->sender &&
            !strcmp(m->sender, exec->service))
                detached(exec, m);
        if (!message_is_signal(m, AIRLOCK_SESSION, "Exited"))
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
        int64_t at = exec->ended && exec->relayed ? -1
                   : exec->ended ? pumps_delivered(&exec->streams.pumps) ? exec->drain_until : -1
                                 : exec->ask_at,
                left;

        if (at < 0)
                return -1;
        left = at - now_ms();
        return left < 0 ? 0 : (int)left;
}

static bool done(const struct exec *exec) {
        const struct pumps *pumps = &exec->streams.pumps;

        if (exec->relayed)
                return exec->ended && pumps_finished(pumps);
        return exec->ended &&
               (pumps_finished(pumps) || (pumps_delivered(pumps) && now_ms() >= exec->drain_until));
}

/* What was written meanwhile is in the ring, and begins where we left off. */
static int exec_attach_quietly(struct exec *exec);

static void attach_again(struct exec *exec) {
        exec->relay_lost = false;
        for (unsigned i = 0; i < AGAIN; i++) {
                pumps_free(&exec->streams.pumps);
                exec->streams.pumps.n = 0;
                if (!exec_attach_quietly(exec))
                        return;
                (void)poll(NULL, 0, 100);
        }
        complain(exec->request.target, "its relay was lost, and no other one is there");
        end(exec, 125);
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
                if (!exec->ended && exec->relay_lost && pumps_finished(&exec->streams.pumps))
                        attach_again(exec);
                if (!exec->ended && exec->ask_at >= 0 && now_ms() >= exec->ask_at)
                        ask(exec);
        }
}

/* As docker's and podman's are, unless the keys are switched off: without keys the terminal's own end is handed over. */
static bool is_detachable(const struct request *request) {
        return request->interactive && request->tty && !request->detach &&
               (!request->detach_keys || *request->detach_keys);
}

/* One try. 0, or an exit status; *again where another try may do better. */
static int call_exec(struct exec *exec, struct message *reply, bool *again) {
        struct request_extra extra = {
                .streams = exec->streams.stream,
                .n_streams = exec->streams.n,
                .output = is_detachable(&exec->request) && exec->request.detach_keys ? "ring"
                        : exec->request.tty || exec->request.detach                  ? NULL
                                                                                     : "null",
                .detach_keys = !is_detachable(&exec->request) ? NULL
                             : exec->request.detach_keys      ? exec->request.detach_keys
                                                              : "ctrl-p,ctrl-q",
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

        exec->relayed = !isatty(master); /* then it is a relay's socket */
        pump_add(pumps, "stdout", master, STDOUT_FILENO, true);
        if (!exec->request.interactive)
                return;
        pump_add(pumps, "stdin", STDIN_FILENO, dup(master), false);
        if (exec->tty.fd < 0)
                (void)tty_raw(&exec->tty, STDIN_FILENO);
}

static void take_end(struct exec *exec, uint32_t number, int fd) {
        static const char *const names[] = { "stdin", "stdout", "stderr" };

        if (number == 0 && exec->request.tty)
                take_master(exec, fd);
        else if (number == 0 && !exec->request.interactive)
                close(fd); /* the command reads the end of its input */
        else if (number == 0)
                pump_add(&exec->streams.pumps, names[0], STDIN_FILENO, fd, false);
        else
                pump_add(&exec->streams.pumps, names[number], fd, (int)number, true);
}

/* A terminal inside: its one end for both ways comes as 0, and where so asked a stderr of its own as 2. A relay gives each stream. */
static int take_ends(struct exec *exec, const struct message *reply, struct in *in) {
        size_t end_of = in_array(in, "{");
        uint32_t seen = 0;

        while (in_more(in, end_of)) {
                uint32_t number, handle;

                in_align(in, 8);
                number = in_u32(in);
                handle = in_u32(in);
                if (in->bad || handle >= reply->n_fds || number > 2 || seen & 1u << number) {
                        complain("bus", "the service's answer was not understood");
                        return 125;
                }
                take_end(exec, number, reply->fds[handle]);
                seen |= 1u << number;
        }
        if (!exec->request.tty || seen & 1)
                return 0;
        complain(exec->request.target, "the service gave no terminal; one was asked for");
        return 125;
}

/* Start and Attach have the options of both, where there are any. */
static void attach_body(const struct exec *exec, bool start, bool steal, struct out *out) {
        size_t mark = out_array(out, 8);
        uint16_t rows, cols;

        if (start && exec->request.tty && tty_size(&rows, &cols)) {
                out_entry(out, "rows", "q");
                out_u16(out, rows);
                out_entry(out, "cols", "q");
                out_u16(out, cols);
        }
        if (start && exec->request.detach) {
                out_entry(out, "detach", "b");
                out_u32(out, true);
        }
        if (steal) {
                out_entry(out, "steal", "b");
                out_u32(out, true);
        }
        if (exec->keys) {
                out_entry(out, "detach-keys", "s");
                out_string(out, exec->keys);
        }
        out_array_end(out, mark, 8);
}

static int call_attach(struct exec *exec, bool start, bool steal, struct message *reply) {
        const struct bus_hooks hooks = { wait_answer, heard_early, exec };
        struct out body = { 0 };
        struct call call = { .destination = AIRLOCK_NAME,
                             .path = exec->session,
                             .interface = AIRLOCK_SESSION,
                             .member = start ? "Start" : "Attach",
                             .signature = "a{sv}",
                             .body = &body,
                             .flags = MESSAGE_INTERACTIVE };
        int r;

        attach_body(exec, start, steal, &body);
        r = bus_call(&exec->bus, &call, NULL, &hooks, reply);
        out_free(&body);
        return r < 0 ? failure_of_bus(r) : 0;
}

static int attached(struct exec *exec, const struct message *reply) {
        struct in in = reply->body;

        if (strcmp(reply->signature, "a{uh}") || !reply->sender) {
                complain("bus", "the service's answer was not understood");
                return 125;
        }
        free(exec->service);
        exec->service = must_strdup(reply->sender);
        exec->relayed = true;
        return exec->request.detach ? 0 : take_ends(exec, reply, &in);
}

static int exec_attach_quietly(struct exec *exec) {
        struct message reply;

        if (call_attach(exec, false, false, &reply) || reply.type == MESSAGE_ERROR)
                return 125;
        return attached(exec, &reply);
}

int exec_attach(struct exec *exec, bool start, bool steal) {
        struct message reply;
        int status = call_attach(exec, start, steal, &reply);

        if (status)
                return status;
        if (reply.type == MESSAGE_ERROR)
                return failure_status(&reply, exec->request.target, true);
        status = attached(exec, &reply);
        /* The terminal inside has another size than ours, and whoever draws on it draws again. */
        if (!status && !start && exec->request.tty)
                resize(exec);
        return status;
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
        return exec->request.detach ? 0 : take_ends(exec, reply, &in);
}

int exec_print_id(const char *path) {
        const char *id = strrchr(path, '/');
        struct text text = { 0 };

        text_printf(&text, "%s\n", id ? id + 1 : path);
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

int exec_open(struct exec *exec) {
        if (bus_open(&exec->bus) < 0)
                return 125;
        catch_signals(exec);
        return 0;
}

int exec_follow(struct exec *exec) {
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

static int run(struct exec *exec) {
        struct message reply;
        int status = check_terminal(&exec->request);

        if (!status && exec->request.pid_file) {
                exec->pid_file = nearby_pid_file(exec->request.pid_file);
                status = exec->pid_file < 0 ? 125 : 0;
        }
        if (!status && streams_make(&exec->streams, &exec->request) < 0)
                status = 125;
        if (!status)
                status = exec_open(exec);
        if (!status)
                status = start(exec, &reply);
        if (!status)
                status = started(exec, &reply);
        if (!status && exec->pid_file >= 0)
                (void)nearby_write_pid(exec->pid_file, exec->request.pid_file, exec->session);
        if (status || exec->request.detach)
                return status ? status : exec_print_id(exec->session);
        return exec_follow(exec);
}

static struct exec exec = EXEC_NEW;

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
