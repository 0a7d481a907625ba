/* SPDX-License-Identifier: Apache-2.0 */
/* airlock-relay: stands between one session and the clients that come and go. Started by the broker with a listening socket as fd 3,
 * it has no rights, outlives the broker, and ends with its session. */
#include "common/fd.h"
#include "config.h"
#include "relay/relay.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LISTEN_FD 3
#define SETUP_MS 30000 /* for the broker to say what this relay is for */
#define LOOK_MS 10     /* while a half-closed input or a drain is waited for */
/* All output has ended, and no broker has come to say that the command has. */
#define LONELY_NS (UINT64_C(600) * 1000000000)

static struct relay relay = { .listen_fd = LISTEN_FD,
                              .control_fd = -1,
                              .ring_fd = -1,
                              .in_fd = -1,
                              .out_fds = { -1, -1, -1 } };

uint64_t now_ns(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int slot_add(struct relay *r, int fd, short events) {
        r->slots[r->n_slots] = (struct pollfd){ .fd = fd, .events = events };
        return (int)r->n_slots++;
}

short slot_events(const struct relay *r, int slot) {
        return slot < 0 ? 0 : r->slots[slot].revents;
}

/* A half-closed input is passed on a moment later, see client.c. */
static bool waits_briefly(void) {
        const struct client *writer = client_writer(&relay);

        return writer && writer->in_ended_ns && relay.pending_n == 0 &&
               !(relay.said & RELAY_STDIN_IS_ENDED) && !(relay.flags & RELAY_TTY);
}

static int until(uint64_t due_ns) {
        uint64_t now = now_ns();

        return due_ns <= now ? 0 : (int)((due_ns - now) / 1000000 + 1);
}

static int timeout_ms(void) {
        if (!relay.set_up)
                return SETUP_MS;
        if (relay.heard)
                return 0;
        if (waits_briefly())
                return LOOK_MS;
        if (relay.flags & RELAY_OVER && now_ns() < relay.drain_ns)
                return until(relay.drain_ns);
        if (relay.idle_ms && !(relay.said & RELAY_IS_IDLE) && !(relay.flags & RELAY_OVER))
                return until(relay.moved_ns + relay.idle_ms * UINT64_C(1000000));
        return relay.control_fd < 0 && !command_open(&relay) ? (int)(LONELY_NS / 1000000) : -1;
}

static void look_at_idleness(void) {
        if (!relay.idle_ms || relay.said & RELAY_IS_IDLE || relay.flags & RELAY_OVER ||
            now_ns() < relay.moved_ns + relay.idle_ms * UINT64_C(1000000))
                return;
        relay.said |= RELAY_IS_IDLE;
        control_say(&relay, RELAY_IDLE, 0);
}

/* Once the command has ended the ring alone is left, which the broker holds as well. It is told first: a client that it sends
 * meanwhile is still served. */
static bool is_done(void) {
        if (relay.quits)
                return true;
        if (clients_any(&relay) || command_open(&relay) || relay.awaits_client)
                return false;
        if (relay.control_fd < 0)
                return relay.flags & RELAY_OVER || now_ns() > relay.moved_ns + LONELY_NS;
        if (relay.flags & RELAY_OVER && !relay.said_done) {
                relay.said_done = true;
                control_say(&relay, RELAY_DONE, 0);
        }
        return false;
}

static int serve(void) {
        int n;

        for (;;) {
                relay.n_slots = 0;
                control_poll(&relay);
                if (relay.set_up) {
                        command_poll(&relay);
                        clients_poll(&relay);
                }
                n = poll(relay.slots, relay.n_slots, timeout_ms());
                if (n < 0 && errno != EINTR)
                        return 1;
                if (n <= 0)
                        for (unsigned i = 0; i < relay.n_slots; i++)
                                relay.slots[i].revents = 0;
                if (relay.set_up) {
                        clients_read(&relay);
                        command_run(&relay);
                        clients_write(&relay);
                        look_at_idleness();
                }
                /* Last: a new client's slots belong to the next round. */
                control_run(&relay);
                if ((n == 0 && !relay.set_up) || (relay.set_up && is_done()))
                        return 0;
        }
}

static int usage(int argc, char **argv) {
        if (argc == 2 && strcmp(argv[1], "--version") == 0) {
                printf("airlock-relay %s\n", AIRLOCK_VERSION);
                return 0;
        }
        if (argc == 2 && strcmp(argv[1], "--help") == 0) {
                printf("usage: airlock-relay [--version | --help]\nKeeps the output of one session of Airlock; started by airlockd.\n");
                return 0;
        }
        fprintf(stderr, "airlock-relay: takes no arguments but --version and --help\n");
        return 2;
}

int main(int argc, char **argv) {
        int listening = 0, r;
        socklen_t size = sizeof listening;

        if (argc > 1)
                return usage(argc, argv);
        if (getuid() == 0 || geteuid() == 0) {
                fprintf(stderr,
                        "airlock-relay: does not run as uid 0; it is started by airlockd\n");
                return 1;
        }
        if (getsockopt(LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening) {
                fprintf(stderr,
                        "airlock-relay: fd 3 is no listening socket; it is started by airlockd\n");
                return 1;
        }
        signal(SIGPIPE, SIG_IGN);
        r = filter_load();
        if (r < 0) {
                fprintf(stderr, "airlock-relay: cannot give up rights: %s\n", strerror(-r));
                return 1;
        }
        return serve();
}
