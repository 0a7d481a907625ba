/* SPDX-License-Identifier: Apache-2.0 */
/* airlockd: makes the parts, runs the loop, takes them apart. It has no rights and takes care to have none. */
#include "broker/adopt.h"
#include "broker/api.h"
#include "broker/audit.h"
#include "broker/broker.h"
#include "broker/bus-events.h"
#include "broker/bus-manage.h"
#include "broker/bus-logins.h"
#include "broker/bus-session.h"
#include "broker/bus.h"
#include "broker/caller.h"
#include "broker/filter.h"
#include "broker/flow.h"
#include "broker/history-row.h"
#include "broker/launch.h"
#include "broker/link.h"
#include "broker/loop.h"
#include "broker/profiles.h"
#include "broker/quota.h"
#include "broker/request.h"
#include "broker/roster.h"
#include "broker/recall.h"
#include "broker/recorder.h"
#include "broker/session.h"
#include "broker/settings.h"
#include "broker/spawn-helper.h"
#include "broker/target.h"
#include "broker/turns.h"
#include "common/fd.h"
#include "config.h"
#include "policy/policy.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define BUS_NAME "org.airlock1"
#define HELPER_SOCKET AIRLOCK_RUN_DIR "/helper.sock"
#define FILTERS_MAX 64

/* ---- what the parts call ---- */

static void on_call(void *userdata, struct DBusMessage *message) {
        api_dispatch(userdata, message);
}

static void on_vanished(void *userdata, const char *name) {
        struct broker *broker = userdata;

        flows_caller_gone(broker, name);
        bus_session_caller_gone(broker, name);
        manage_caller_gone(broker, name);
        bus_events_caller_gone(broker, name);
        sessions_owner_gone(broker->sessions, name);
        callers_vanished(broker->callers, name);
}

static void on_drained(void *userdata) {
        struct broker *broker = userdata;

        turns_serve(broker->turns);
}

static void on_signal(void *userdata, struct DBusMessage *message) {
        struct broker *broker = userdata;

        if (broker->logins)
                logins_signal(broker->logins, message);
}

static void on_lost(void *userdata) {
        struct broker *broker = userdata;

        audit_note("the system bus is gone; ending, to be started again with it");
        loop_stop(broker->loop, 1);
}

static void record_presence(struct broker *broker, struct session *session) {
        if (session->recorded)
                return;
        session->recorded = true;
        audit_event(session, "Started");
        recorder_put(broker->recorder, history_row_of(session), session->request->name != NULL,
                     NULL, NULL);
}

/* Most commands last for milliseconds: their end is the one row that is written of them. What somebody means to come back to is
 * there at once. */
static void on_session_started(void *userdata, struct session *session) {
        struct broker *broker = userdata;

        if (broker->subscribers && !session->announced)
                bus_event(broker, session, &(struct event){ "Created", 0, 0 });
        bus_event(broker, session, &(struct event){ "Started", 0, 0 });
        if (session->request->name || session->client_gone != POLICY_GONE_KILL)
                record_presence(broker, session);
}

static void on_session_stopping(void *userdata, struct session *session) {
        bus_event(userdata, session, &(struct event){ "Stopping", session->grace_ms, 0 });
}

static void on_session_announce(void *userdata, struct session *session) {
        bus_session_added(userdata, session);
        if (!session_is_over(session))
                record_presence(userdata, session);
}

/* Committed, or it cannot be: the status says so, and nobody is served the worse for it. */
static void on_recorded(void *userdata, bool committed) {
        ack_send(userdata);
}

static void on_session_changed(void *userdata, struct session *session) {
        bus_session_changed(userdata, session);
}

static void on_session_ended(void *userdata, struct session *session) {
        struct broker *broker = userdata;
        struct ack *ack = session->ack;

        bus_session_ended(broker, session);
        audit_end(session);
        session->ack = NULL;
        recorder_put(broker->recorder, history_row_of(session), false, on_recorded, ack);
}

static void on_session_attached(void *userdata, struct session *session) {
        bus_event(userdata, session, &(struct event){ "Attached", 0, 0 });
}

static void on_session_detached(void *userdata, struct session *session, unsigned why) {
        bus_event(userdata, session, &(struct event){ "Detached", why, 0 });
}

static void on_session_removed(void *userdata, struct session *session) {
        struct broker *broker = userdata;

        bus_event(broker, session, &(struct event){ "Removed", 0, 0 });
        bus_session_removed(broker, session);
        recorder_forgotten(broker->recorder, session->id, recall_now_us());
}

static void on_reload(void *userdata) {
        struct broker *broker = userdata;
        struct error error;

        if (broker_reload(broker, &error))
                audit_note("reload: %s; the last good one stays", error.text);
        else
                audit_note("reload: %s", broker->policy_status);
}

static bool on_tick(void *userdata, uint64_t now) {
        struct broker *broker = userdata;
        bool links = links_expire(broker->links, now), recall = recall_expire(broker, now);

        return sessions_expire(broker->sessions, broker->settings->forget_after_s) || links ||
               recall;
}

/* ---- start ---- */

static int fail(const char *what, int r) {
        audit_note("%s: %s", what, strerror(-r));
        return r < 0 ? r : -EINVAL;
}

/* So that one user cannot leave the others without: four of them could. */
static uint32_t fds_of_one_user(void) {
        struct rlimit files;

        return getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 4 < UINT32_MAX
                     ? (uint32_t)(files.rlim_cur / 4)
                     : 64;
}

static int make_parts(struct broker *broker) {
        static const struct sessions_handler sessions = {
                on_session_started,  on_session_stopping, on_session_announce,
                on_session_changed,  on_session_ended,    on_session_attached,
                on_session_detached, on_session_removed,  NULL
        };
        struct loop_handler loop = { on_reload, on_tick, broker };
        struct sessions_handler handler = sessions;
        int r;

        handler.userdata = broker;
        broker->quotas = quotas_new(fds_of_one_user());
        broker->profiles = profiles_new();
        broker->lookup.roster = roster_new();
        if (!broker->quotas || !broker->profiles || !broker->lookup.roster)
                return -ENOMEM;
        r = loop_new(&loop, &broker->loop);
        if (r == 0)
                r = links_new(broker->loop, HELPER_SOCKET, &broker->links);
        if (r == 0)
                r = targets_new(loop_event(broker->loop), &broker->targets);
        if (r == 0)
                r = sessions_new(broker->loop, &handler, &broker->sessions);
        if (r == 0)
                r = turns_new(loop_event(broker->loop), broker->quotas, api_handle, &broker->turns);
        if (r == 0)
                r = filter_cache_new(FILTERS_MAX, &broker->filters);
        broker->lookup.links = broker->links;
        broker->lookup.targets = broker->targets;
        return r;
}

static int load(struct broker *broker) {
        struct error error = { "" };

        if (broker_load_settings(broker, &error)) {
                audit_note("%s", error.text);
                return -EINVAL;
        }
        /* A policy that does not parse denies everything: somebody can still ask us what is wrong with it. */
        if (broker_load_policy(broker, &error))
                audit_note("policy: everything is denied until it is right and reloaded");
        return 0;
}

static int connect_bus(struct broker *broker) {
        struct bus_handler handler = {
                on_call, on_vanished, on_drained, on_signal, on_lost, broker
        };
        struct error error = { "" };
        int r = bus_open(loop_event(broker->loop), BUS_NAME, &handler, &broker->bus, &error);

        if (r < 0) {
                audit_note("%s", error.text[0] ? error.text : strerror(-r));
                return r;
        }
        r = callers_new(broker->bus, &broker->callers);
        return r < 0 ? r : logins_new(broker->bus, &broker->logins);
}

/* The socket on which supervisors call that outlived a broker: held, so that none of them meets a closed door. */
static int take_socket(struct broker *broker) {
        int n = sd_listen_fds(1);

        broker->sessions_fd = -1;
        if (n < 0)
                return fail("LISTEN_FDS", n);
        if (n == 1 && sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_SEQPACKET, 1) > 0) {
                broker->sessions_fd = SD_LISTEN_FDS_START;
                return 0;
        }
        for (int i = 0; i < n; i++)
                close_fd(SD_LISTEN_FDS_START + i);
        if (n > 0)
                audit_note("LISTEN_FDS: expected one listening SOCK_SEQPACKET socket");
        return n > 0 ? -EINVAL : 0;
}

/* Whatever started us: from here on there is nothing that a stranger's message could be turned into. */
static int give_up_rights(void) {
        struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
        struct __user_cap_data_struct none[2] = { { 0 } };
        struct rlimit files;

        if (getuid() == 0 || geteuid() == 0) {
                audit_note("does not run as uid 0: it needs no rights, and is there to have none");
                return -EPERM;
        }
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
            syscall(SYS_capset, &header, none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return fail("cannot give up rights", -errno);
        umask(077);
        if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
                files.rlim_cur = files.rlim_max;
                setrlimit(RLIMIT_NOFILE, &files);
        }
        return 0;
}

/* Where the helper has a socket no program that we execute could give us rights. Setuid mode is the one that needs a set-uid bit
 * to work, and that program alone is executed. */
static int choose_helper(struct broker *broker) {
        int r;

        if (broker->settings->setuid)
                r = links_spawn(broker->links);
        else
                r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
        if (r == 0)
                r = spawn_prepare(); /* relays are our children in both modes */
        return r < 0 ? fail("cannot prepare for the helper", r) : 0;
}

/* Greater than every number of an earlier broker. */
static uint64_t first_counter(void) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int start(struct broker *broker) {
        int r = take_socket(broker);

        if (r == 0)
                r = make_parts(broker);
        if (r < 0)
                return fail("start", r);
        r = load(broker);
        if (r == 0)
                r = choose_helper(broker);
        if (r == 0)
                r = connect_bus(broker);
        if (r < 0)
                return r;
        r = recall_start(broker, AIRLOCK_STATE_DIR "/history.db");
        if (r < 0)
                return fail("history", r);
        if (broker->sessions_fd >= 0)
                r = adopt_new(broker, &broker->adopt);
        if (r < 0)
                return fail("sessions socket", r);
        broker->counter = first_counter();
        broker->started_us = loop_now(broker->loop);
        audit_note("ready; policy %s", broker->policy_status);
        sd_notify(0, "READY=1");
        return 0;
}

static void take_apart(struct broker *broker) {
        if (broker->loop)
                flows_free(broker);
        bus_session_drop_waits(broker);
        manage_free(broker);
        adopt_free(broker->adopt);
        recall_free(broker->recall);
        recorder_free(broker->recorder);
        turns_free(broker->turns);
        bus_events_free(broker);
        callers_free(broker->callers);
        logins_free(broker->logins);
        sessions_free(broker->sessions);
        targets_free(broker->targets);
        links_free(broker->links);
        bus_free(broker->bus);
        filter_cache_free(broker->filters);
        profiles_free(broker->profiles);
        policy_set_unref(broker->rules);
        roster_free(broker->lookup.roster);
        settings_free(broker->settings);
        quotas_free(broker->quotas);
        close_fd(broker->sessions_fd);
        loop_free(broker->loop);
}

static int usage(int argc, char **argv) {
        if (argc == 2 && strcmp(argv[1], "--version") == 0) {
                printf("airlockd %s\n", AIRLOCK_VERSION);
                return 0;
        }
        if (argc == 2 && strcmp(argv[1], "--help") == 0) {
                printf("usage: airlockd [--version | --help]\nThe broker of org.airlock1; started by the system bus's activation.\n");
                return 0;
        }
        fprintf(stderr, "airlockd: takes no arguments but --version and --help\n");
        return 2;
}

int main(int argc, char **argv) {
        struct broker broker = { .sessions_fd = -1 };
        int r;

        if (argc > 1)
                return usage(argc, argv);
        /* libdbus ends a process that gives it something wrong; in a service a refused message is better than none at all. */
        if (!AIRLOCK_SANITIZED)
                setenv("DBUS_FATAL_WARNINGS", "0", 1);
        r = give_up_rights();
        if (r == 0)
                r = start(&broker);
        if (r == 0)
                r = loop_run(broker.loop);
        sd_notify(0, "STOPPING=1");
        take_apart(&broker);
        return r == 0 ? 0 : 1;
}
