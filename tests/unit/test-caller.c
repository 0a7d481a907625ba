/* SPDX-License-Identifier: Apache-2.0 */
/* What the bus proves of a caller, of answers that the bus of this machine does not give: with a pidfd, and odd ones. */
#include "broker/caller.h"
#include "broker/target.h"

#include <dbus/dbus.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(DBusMessageIter *dict, const char *key, const char *type, const void *value) {
        DBusMessageIter entry, variant;

        dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, type, &variant);
        dbus_message_iter_append_basic(&variant, type[0], value);
        dbus_message_iter_close_container(&entry, &variant);
        dbus_message_iter_close_container(dict, &entry);
}

/* Credentials of uid 0 and, if it is one, the process of a pidfd; under another type where that is not h. */
static DBusMessage *credentials(int pidfd, const char *type) {
        DBusMessage *message = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
        DBusMessageIter args, dict;
        dbus_uint32_t uid = 0, number = (dbus_uint32_t)pidfd;

        dbus_message_iter_init_append(message, &args);
        dbus_message_iter_open_container(&args, DBUS_TYPE_ARRAY, "{sv}", &dict);
        put(&dict, "UnixUserID", "u", &uid);
        if (pidfd >= 0 && type[0] == 'h')
                put(&dict, "ProcessFD", type, &pidfd);
        else if (pidfd >= 0)
                put(&dict, "ProcessFD", type, &number);
        dbus_message_iter_close_container(&args, &dict);
        return message;
}

/* A caller by this answer; unit and cgroup are looked at. */
static struct caller *read_caller(struct callers *callers, int pidfd, const char *type) {
        DBusMessage *message = credentials(pidfd, type);
        struct caller *caller = calloc(1, sizeof *caller);

        caller->n_refs = 1;
        assert_int_equal(caller_take_credentials(callers, caller, message), 0);
        assert_true(caller->known);
        dbus_message_unref(message);
        return caller;
}

static void without_pidfd(void **state) {
        struct caller *caller = read_caller(*state, -1, "h");

        assert_null(caller->policy.unit);
        assert_null(caller->policy.cgroup);
        caller_unref(caller);
}

static void with_pidfd(void **state) {
        int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
        struct caller *caller = read_caller(*state, pidfd, "h");
        char own[4096];

        target_cgroup_path(getpid(), own, sizeof own);
        assert_string_equal(caller->policy.cgroup, own);
        assert_non_null(caller->policy.unit);
        caller_unref(caller);
        close(pidfd);
}

/* Whoever is gone when we look may have left its number to another. */
static void with_dead(void **state) {
        pid_t child = fork();
        struct caller *caller;
        int pidfd;

        if (child == 0)
                _exit(0);
        pidfd = (int)syscall(SYS_pidfd_open, child, 0);
        waitpid(child, NULL, 0);
        caller = read_caller(*state, pidfd, "h");
        assert_null(caller->policy.unit);
        assert_null(caller->policy.cgroup);
        caller_unref(caller);
        close(pidfd);
}

static void with_other_fds(void **state) {
        int ends[2];
        struct caller *caller;

        assert_int_equal(pipe(ends), 0);
        caller = read_caller(*state, ends[0], "h");
        assert_null(caller->policy.unit);
        caller_unref(caller);
        caller = read_caller(*state, (int)getpid(), "u"); /* a number proves nothing */
        assert_null(caller->policy.unit);
        caller_unref(caller);
        close(ends[0]);
        close(ends[1]);
}

static void units(void **state) {
        static const char *const rows[][2] = {
                { "/system.slice/ssh.service", "ssh.service" },
                { "/user.slice/user-1000.slice/session-3.scope", "session-3.scope" },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", "user@1000.service" },
                { "/a.slice/b.slice", "" },
                { "/", "" },
                { "/targets/demo/x.service", "" },
                { "/system.slice/.service", "" },
                { "/.slice/x.service", "x.service" },
        };

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                char *unit = caller_unit_of(rows[i][0]);

                assert_string_equal(unit, rows[i][1]);
                free(unit);
        }
}

static int start(void **state) {
        struct callers *callers;
        int r = callers_new(NULL, &callers);

        *state = callers;
        return r;
}

static int end(void **state) {
        callers_free(*state);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(without_pidfd), cmocka_unit_test(with_pidfd), cmocka_unit_test(with_dead),
                cmocka_unit_test(with_other_fds), cmocka_unit_test(units),
        };

        return cmocka_run_group_tests(tests, start, end);
}
