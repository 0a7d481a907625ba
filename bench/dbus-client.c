/* SPDX-License-Identifier: Apache-2.0 */
/* A connected client of the bus that executes a command again and again: Manager.Exec, then the session's Exited.
 *
 *      dbus-client serve TARGET PROGRAM [ARG...]              a round for each newline on stdin; answers in nanoseconds:
 *                                                             whole, call to reply, reply to Exited, and then NAME=NS
 *                                                             after the call for each row of the record's `trace` (NAME to
 *                                                             CLOCK_MONOTONIC) where the broker gives one
 *      dbus-client rate CLIENTS SECONDS TARGET PROGRAM [ARG...]   as many processes, each as fast as it can; execs a second
 *      dbus-client flood CLIENTS DEPTH SECONDS TARGET PROGRAM [ARG...]   as many processes, each with DEPTH calls of Exec under
 *                                                             way, whatever the answers; answers in all, refusals among them
 */
#include <dbus/dbus.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BUS_NAME "org.airlock1"
#define MAX_TRACE 32

struct round {
        uint64_t begin_ns;
        uint64_t replied_ns;
        uint64_t exited_ns;
        struct {
                char name[32];
                uint64_t at_ns;
        } trace[MAX_TRACE];
        int n_trace;
};

static int streams[3]; /* what the command gets: a pipe at its end, and two that nobody reads */

static void fail(const char *what, const char *why) {
        fprintf(stderr, "dbus-client: %s%s%s\n", what, why ? ": " : "", why ? why : "");
        exit(1);
}

static uint64_t now_ns(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void open_streams(void) {
        int in[2], out[2];

        if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
                fail("pipe", NULL);
        close(in[1]);
        streams[0] = in[0];
        streams[1] = streams[2] = out[1];
}

static void append_argv(DBusMessageIter *iter, char **argv) {
        DBusMessageIter array;

        dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "s", &array);
        for (; *argv; argv++)
                dbus_message_iter_append_basic(&array, DBUS_TYPE_STRING, argv);
        dbus_message_iter_close_container(iter, &array);
}

/* {"fds": a{uh}} */
static void append_options(DBusMessageIter *iter) {
        const char *key = "fds";
        DBusMessageIter options, entry, variant, fds, fd;

        dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &options);
        dbus_message_iter_open_container(&options, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "a{uh}", &variant);
        dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, "{uh}", &fds);
        for (dbus_uint32_t i = 0; i < 3; i++) {
                dbus_message_iter_open_container(&fds, DBUS_TYPE_DICT_ENTRY, NULL, &fd);
                dbus_message_iter_append_basic(&fd, DBUS_TYPE_UINT32, &i);
                dbus_message_iter_append_basic(&fd, DBUS_TYPE_UNIX_FD, &streams[i]);
                dbus_message_iter_close_container(&fds, &fd);
        }
        dbus_message_iter_close_container(&variant, &fds);
        dbus_message_iter_close_container(&entry, &variant);
        dbus_message_iter_close_container(&options, &entry);
        dbus_message_iter_close_container(iter, &options);
}

static DBusMessage *make_call(const char *target, char **argv) {
        DBusMessage *call = dbus_message_new_method_call(BUS_NAME, "/org/airlock1",
                                                         BUS_NAME ".Manager", "Exec");
        DBusMessageIter iter;

        dbus_message_iter_init_append(call, &iter);
        dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &target);
        append_argv(&iter, argv);
        append_options(&iter);
        return call;
}

static DBusMessage *next_message(DBusConnection *bus) {
        DBusMessage *m;

        while (!(m = dbus_connection_pop_message(bus)))
                if (!dbus_connection_read_write(bus, -1))
                        fail("the bus is gone", NULL);
        return m;
}

static DBusMessage *wait_reply(DBusConnection *bus, dbus_uint32_t serial) {
        for (;;) {
                DBusMessage *m = next_message(bus);
                if (dbus_message_get_reply_serial(m) != serial) {
                        dbus_message_unref(m);
                        continue;
                }
                if (dbus_message_get_type(m) != DBUS_MESSAGE_TYPE_METHOD_RETURN)
                        fail("Exec", dbus_message_get_error_name(m));
                return m;
        }
}

static DBusMessage *wait_exited(DBusConnection *bus, const char *session) {
        for (;;) {
                DBusMessage *m = next_message(bus);
                if (dbus_message_is_signal(m, BUS_NAME ".Session", "Exited") &&
                    strcmp(dbus_message_get_path(m), session) == 0)
                        return m;
                dbus_message_unref(m);
        }
}

/* The value of one key of a{sv}, or false. */
static bool find(DBusMessage *m, const char *key, DBusMessageIter *ret) {
        DBusMessageIter iter, item, entry;

        dbus_message_iter_init(m, &iter);
        dbus_message_iter_recurse(&iter, &item);
        for (; dbus_message_iter_get_arg_type(&item) == DBUS_TYPE_DICT_ENTRY;
             dbus_message_iter_next(&item)) {
                const char *name;
                dbus_message_iter_recurse(&item, &entry);
                dbus_message_iter_get_basic(&entry, &name);
                dbus_message_iter_next(&entry);
                dbus_message_iter_recurse(&entry, ret);
                if (strcmp(name, key) == 0)
                        return true;
        }
        return false;
}

static void read_code(DBusMessage *exited) {
        DBusMessageIter value;
        dbus_int32_t code = -1;

        if (find(exited, "code", &value) &&
            dbus_message_iter_get_arg_type(&value) == DBUS_TYPE_INT32)
                dbus_message_iter_get_basic(&value, &code);
        if (code != 0)
                fail("the command did not exit with 0", NULL);
}

static void read_trace(DBusMessage *exited, struct round *r) {
        DBusMessageIter value, item, entry, number;

        r->n_trace = 0;
        if (!find(exited, "trace", &value) ||
            dbus_message_iter_get_arg_type(&value) != DBUS_TYPE_ARRAY)
                return;
        dbus_message_iter_recurse(&value, &item);
        for (; r->n_trace < MAX_TRACE &&
               dbus_message_iter_get_arg_type(&item) == DBUS_TYPE_DICT_ENTRY;
             dbus_message_iter_next(&item)) {
                const char *name;
                dbus_uint64_t at;
                dbus_message_iter_recurse(&item, &entry);
                dbus_message_iter_get_basic(&entry, &name);
                dbus_message_iter_next(&entry);
                dbus_message_iter_recurse(&entry, &number);
                dbus_message_iter_get_basic(&number, &at);
                snprintf(r->trace[r->n_trace].name, sizeof(r->trace[0].name), "%s", name);
                r->trace[r->n_trace++].at_ns = at;
        }
}

/* What came since the last round: signals about sessions that have ended. */
static void drain(DBusConnection *bus) {
        DBusMessage *m;

        dbus_connection_read_write(bus, 0);
        while ((m = dbus_connection_pop_message(bus)))
                dbus_message_unref(m);
}

/* From the call's sending to Exited's arrival; the call is made before, the record read after. */
static void one_round(DBusConnection *bus, const char *target, char **argv, struct round *r) {
        DBusMessage *call = make_call(target, argv);
        const char *session;
        dbus_uint32_t serial;

        drain(bus);
        r->begin_ns = now_ns();
        if (!dbus_connection_send(bus, call, &serial))
                fail("Exec", "no memory");
        DBusMessage *reply = wait_reply(bus, serial);
        r->replied_ns = now_ns();
        if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_OBJECT_PATH, &session, DBUS_TYPE_INVALID))
                fail("Exec", "its reply has another signature");
        DBusMessage *exited = wait_exited(bus, session);
        r->exited_ns = now_ns();
        read_code(exited);
        read_trace(exited, r);
        dbus_message_unref(exited);
        dbus_message_unref(reply);
        dbus_message_unref(call);
}

static DBusConnection *connect_bus(void) {
        DBusError error = DBUS_ERROR_INIT;
        DBusConnection *bus = dbus_bus_get_private(DBUS_BUS_SYSTEM, &error);

        if (!bus)
                fail("cannot connect to the system bus", error.message);
        return bus;
}

static int serve(const char *target, char **argv) {
        DBusConnection *bus = connect_bus();
        struct round r;

        while (getchar() != EOF) {
                one_round(bus, target, argv, &r);
                printf("%llu %llu %llu", (unsigned long long)(r.exited_ns - r.begin_ns),
                       (unsigned long long)(r.replied_ns - r.begin_ns),
                       (unsigned long long)(r.exited_ns - r.replied_ns));
                for (int i = 0; i < r.n_trace; i++)
                        printf(" %s=%lld", r.trace[i].name,
                               (long long)(r.trace[i].at_ns - r.begin_ns));
                printf("\n");
                fflush(stdout);
        }
        return 0;
}

/* One process of a rate: waits for the start, works until the end, reports how many. */
static void work(int start, int result, double seconds, const char *target, char **argv) {
        DBusConnection *bus = connect_bus();
        struct round r;
        uint64_t n = 0;
        char byte;

        one_round(bus, target, argv, &r);
        if (write(result, &n, sizeof(n)) != sizeof(n) || read(start, &byte, 1) != 0)
                fail("pipe", NULL);
        uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
        for (; now_ns() < end; n++)
                one_round(bus, target, argv, &r);
        if (write(result, &n, sizeof(n)) != sizeof(n))
                fail("pipe", NULL);
        exit(0);
}

static uint64_t collect(int result, int clients) {
        uint64_t sum = 0, n;

        for (int i = 0; i < clients; i++) {
                if (read(result, &n, sizeof(n)) != sizeof(n))
                        fail("a client failed", NULL);
                sum += n;
        }
        return sum;
}

static int rate(int clients, double seconds, const char *target, char **argv) {
        int start[2], result[2], status;

        if (pipe2(start, O_CLOEXEC) || pipe2(result, O_CLOEXEC))
                fail("pipe", NULL);
        for (int i = 0; i < clients; i++)
                if (fork() == 0) {
                        close(start[1]);
                        close(result[0]);
                        work(start[0], result[1], seconds, target, argv);
                }
        close(result[1]);
        collect(result[0], clients); /* all are connected and have had their first round */
        uint64_t begin = now_ns();
        close(start[1]);
        uint64_t n = collect(result[0], clients);
        double took = (double)(now_ns() - begin) / 1e9;
        while (wait(&status) > 0)
                if (status)
                        fail("a client failed", NULL);
        printf("%.1f\n", (double)n / took);
        return 0;
}

/* One process of a flood: DEPTH calls under way, a new one for each answer. */
static void drown(int result, int depth, double seconds, const char *target, char **argv) {
        DBusConnection *bus = connect_bus();
        uint64_t end = now_ns() + (uint64_t)(seconds * 1e9), counts[2] = { 0, 0 };

        for (int under_way = 0; now_ns() < end;) {
                DBusMessage *call, *m;

                while (under_way < depth) {
                        call = make_call(target, argv);
                        if (!dbus_connection_send(bus, call, NULL))
                                fail("Exec", "no memory");
                        dbus_message_unref(call);
                        under_way++;
                }
                m = next_message(bus);
                under_way -= dbus_message_get_reply_serial(m) != 0;
                counts[0] += dbus_message_get_reply_serial(m) != 0;
                counts[1] += dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_ERROR;
                dbus_message_unref(m);
        }
        if (write(result, counts, sizeof(counts)) != sizeof(counts))
                fail("pipe", NULL);
        exit(0);
}

static int flood(int clients, int depth, double seconds, const char *target, char **argv) {
        uint64_t sum[2] = { 0, 0 }, one[2];
        int result[2];

        if (pipe2(result, O_CLOEXEC))
                fail("pipe", NULL);
        for (int i = 0; i < clients; i++)
                if (fork() == 0)
                        drown(result[1], depth, seconds, target, argv);
        for (int i = 0; i < clients; i++) {
                if (read(result[0], one, sizeof(one)) != sizeof(one))
                        fail("a client failed", NULL);
                sum[0] += one[0];
                sum[1] += one[1];
        }
        printf("%llu %llu\n", (unsigned long long)sum[0], (unsigned long long)sum[1]);
        return 0;
}

int main(int argc, char **argv) {
        open_streams();
        if (argc >= 4 && strcmp(argv[1], "serve") == 0)
                return serve(argv[2], argv + 3);
        if (argc >= 6 && strcmp(argv[1], "rate") == 0)
                return rate((int)strtol(argv[2], NULL, 10), strtod(argv[3], NULL), argv[4],
                            argv + 5);
        if (argc >= 7 && strcmp(argv[1], "flood") == 0)
                return flood((int)strtol(argv[2], NULL, 10), (int)strtol(argv[3], NULL, 10),
                             strtod(argv[4], NULL), argv[5], argv + 6);
        fprintf(stderr,
                "usage: dbus-client serve TARGET PROGRAM [ARG...] | rate CLIENTS SECONDS TARGET PROGRAM [ARG...] | flood CLIENTS DEPTH SECONDS TARGET PROGRAM [ARG...]\n");
        return 2;
}
