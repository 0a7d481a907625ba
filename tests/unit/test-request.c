/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of strangers: what is taken, and by which name everything else is refused. */
#include "broker/request.h"

#include "broker/string-list.h"
#include "common/caps.h"
#include "common/fdtype.h"
#include "common/outcome.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static DBusMessage *message_of(const char *target, const char *const *argv, int n) {
        DBusMessage *message = dbus_message_new_method_call("a.b", "/a", "a.b", "Exec");

        dbus_message_append_args(message, DBUS_TYPE_STRING, &target, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &argv, n, DBUS_TYPE_INVALID);
        return message;
}

/* One option of a basic type, or none where key is NULL. */
struct option {
        const char *key;
        int type;
        const void *value;
};

static void append_option(DBusMessageIter *array, const struct option *option) {
        DBusMessageIter entry, variant;
        char signature[2] = { (char)option->type, 0 };

        dbus_message_iter_open_container(array, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &option->key);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant);
        dbus_message_iter_append_basic(&variant, option->type, option->value);
        dbus_message_iter_close_container(&entry, &variant);
        dbus_message_iter_close_container(array, &entry);
}

static DBusMessage *with_options(DBusMessage *message, const struct option *options) {
        DBusMessageIter iter, array;

        dbus_message_iter_init_append(message, &iter);
        dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &array);
        for (; options && options->key; options++)
                append_option(&array, options);
        dbus_message_iter_close_container(&iter, &array);
        return message;
}

static int read_kind(DBusMessage *message, enum request_kind kind, struct request **ret, struct error *error) {
        int r = request_read(message, kind, ret, error);

        dbus_message_unref(message);
        return r;
}

static const char *const id_argv[] = { "id", "-u" };

static int with_one(const char *key, int type, const void *value, struct error *error) {
        struct option options[] = { { key, type, value }, { NULL, 0, NULL } };
        struct request *request = NULL;
        int r = read_kind(with_options(message_of("demo", id_argv, 2), options), REQUEST_EXEC, &request, error);

        assert_true(r == 0 ? request != NULL : request == NULL);
        request_free(request);
        return r;
}

static int with_string(const char *key, const char *text, struct error *error) {
        return with_one(key, DBUS_TYPE_STRING, &text, error);
}

static void plain(void **state) {
        struct request *request = NULL;
        struct error error;

        assert_int_equal(read_kind(with_options(message_of("crun:demo", id_argv, 2), NULL), REQUEST_EXEC, &request, &error), 0);
        assert_string_equal(request->target, "crun:demo");
        assert_int_equal(request->argv.n, 2);
        assert_string_equal(request->argv.list[1], "-u");
        assert_int_equal(request->argv.size, 6);
        assert_null(request->user);
        assert_int_equal(request->output, REQUEST_FDS);
        assert_int_equal(request->client_gone, POLICY_GONE_KILL);
        for (int i = 0; i < 3; i++)
                assert_int_equal(request->streams[i], -1);
        request_free(request);
}

static void argv_bad(void **state) {
        static const char *const empty_name[] = { "" };
        struct request *request = NULL;
        struct error error;

        assert_int_equal(read_kind(with_options(message_of("demo", NULL, 0), NULL), REQUEST_EXEC, &request, &error), OUTCOME_INVALID_ARGS);
        assert_non_null(strstr(error.text, "argv"));
        assert_int_equal(read_kind(with_options(message_of("demo", empty_name, 1), NULL), REQUEST_EXEC, &request, &error),
                         OUTCOME_INVALID_ARGS);
        assert_int_equal(read_kind(with_options(message_of("", id_argv, 2), NULL), REQUEST_EXEC, &request, &error), OUTCOME_INVALID_ARGS);
        assert_null(request);
}

static void argv_large(void **state) {
        static char word[LIMIT_STRING_BYTES + 1];
        const char *argv[24];
        struct request *request = NULL;
        struct error error;

        memset(word, 'x', sizeof word - 1);
        argv[0] = word;
        assert_int_equal(read_kind(with_options(message_of("demo", argv, 1), NULL), REQUEST_EXEC, &request, &error),
                         OUTCOME_LIMITS_EXCEEDED);
        word[LIMIT_STRING_BYTES - 1] = 0;
        assert_int_equal(read_kind(with_options(message_of("demo", argv, 1), NULL), REQUEST_EXEC, &request, &error), 0);
        request_free(request);
        request = NULL;
        for (int i = 0; i < 24; i++)
                argv[i] = word;
        assert_int_equal(read_kind(with_options(message_of("demo", argv, 24), NULL), REQUEST_EXEC, &request, &error),
                         OUTCOME_LIMITS_EXCEEDED);
        assert_null(request);
}

static void keys(void **state) {
        static const char *const types[] = { "user", "cwd", "seccomp", "label", "name", "reason", "client-gone", "leftovers", "group", "output" };
        dbus_uint32_t number = 7;
        dbus_bool_t yes = TRUE;
        struct error error;

        assert_int_equal(with_string("no-such-key", "x", &error), OUTCOME_INVALID_ARGS);
        assert_non_null(strstr(error.text, "no-such-key"));
        assert_int_equal(with_string("uid", "0", &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_string("caller-uid", "0", &error), OUTCOME_INVALID_ARGS);
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
                assert_int_equal(with_one(types[i], DBUS_TYPE_UINT32, &number, &error), OUTCOME_INVALID_ARGS);
                assert_non_null(strstr(error.text, types[i]));
                assert_non_null(strstr(error.text, "expected s"));
        }
        assert_int_equal(with_one("detach", DBUS_TYPE_BOOLEAN, &yes, &error), 0);
        assert_int_equal(with_string("output", "ring", &error), 0);
        assert_int_equal(with_one("open-stdin", DBUS_TYPE_BOOLEAN, &yes, &error), OUTCOME_INVALID_ARGS);
        assert_non_null(strstr(error.text, "output=ring"));
        assert_int_equal(with_string("output", "elsewhere", &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_string("leftovers", "maybe", &error), OUTCOME_INVALID_ARGS);
}

static void twice(void **state) {
        const char *one = "/a", *two = "/b";
        struct option options[] = { { "cwd", DBUS_TYPE_STRING, &one }, { "cwd", DBUS_TYPE_STRING, &two }, { NULL, 0, NULL } };
        struct request *request = NULL;
        struct error error;

        assert_int_equal(read_kind(with_options(message_of("demo", id_argv, 2), options), REQUEST_EXEC, &request, &error),
                         OUTCOME_INVALID_ARGS);
        assert_non_null(strstr(error.text, "cwd"));
}

static void users(void **state) {
        static const char *const good[] = { "0", "1000", "4294967294", "root", "1000:1000", "alice:staff", "0:0", "a-b", "_x" };
        static const char *const bad[] = { "-1", "4294967295", "4294967296", "0x0", "00", "+0", " 0", "0 ", "1:", ":1", "1:1:1", "1:00",
                                           "1:-1", "1:4294967295", "99999999999999999999", "root\n", "0\n", "\xd9\xa0", "01", "1:+1", ":", "-",
                                           "al ice", "a/b", "a:b:c", "1.0", "1e3", "\t0", "0\t" };
        struct error error;

        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
                assert_int_equal(with_string("user", good[i], &error), 0);
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
                assert_int_equal(with_string("user", bad[i], &error), OUTCOME_BAD_USER);
        assert_int_equal(with_string("user", "", &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_string("group", "4294967295", &error), OUTCOME_BAD_USER);
        assert_int_equal(with_string("group", "staff", &error), 0);
}

static void values(void **state) {
        dbus_uint64_t zero = 0, second = 1000;
        struct error error;

        assert_int_equal(with_string("cwd", "relative", &error), OUTCOME_BAD_CWD);
        assert_int_equal(with_string("cwd", "/tmp", &error), 0);
        assert_int_equal(with_string("seccomp", "../../etc/passwd", &error), OUTCOME_BAD_PROFILE);
        assert_int_equal(with_string("name", "a b", &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_string("name", "build-1.2_x", &error), 0);
        assert_int_equal(with_one("timeout-ms", DBUS_TYPE_UINT64, &zero, &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_one("timeout-ms", DBUS_TYPE_UINT64, &second, &error), 0);
        assert_int_equal(with_string("client-gone", "hup", &error), 0);
        assert_int_equal(with_string("client-gone", "stay", &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_string("client-gone", "keep", &error), OUTCOME_INVALID_ARGS);
        assert_non_null(strstr(error.text, "output=null"));
        assert_int_equal(with_string("client-gone", "keep-for:0", &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_string("client-gone", "keep-for:1h", &error), OUTCOME_INVALID_ARGS);
}

static void kept(void **state) {
        const char *null = "null", *keep = "keep-for:90";
        dbus_bool_t yes = TRUE;
        struct option detached[] = { { "detach", DBUS_TYPE_BOOLEAN, &yes }, { "output", DBUS_TYPE_STRING, &null }, { NULL, 0, NULL } };
        struct option for_some[] = { { "client-gone", DBUS_TYPE_STRING, &keep }, { "output", DBUS_TYPE_STRING, &null }, { NULL, 0, NULL } };
        struct request *request = NULL;
        struct error error;

        assert_int_equal(read_kind(with_options(message_of("demo", id_argv, 2), detached), REQUEST_EXEC, &request, &error), 0);
        assert_int_equal(request->client_gone, POLICY_GONE_KEEP);
        assert_int_equal(request->output, REQUEST_NULL);
        request_free(request);
        assert_int_equal(read_kind(with_options(message_of("demo", id_argv, 2), for_some), REQUEST_EXEC, &request, &error), 0);
        assert_int_equal(request->client_gone, POLICY_GONE_KEEP_FOR);
        assert_int_equal(request->keep_for_s, 90);
        request_free(request);
        request = NULL;
        assert_int_equal(read_kind(with_options(message_of("demo", id_argv, 2), detached), REQUEST_RUN, &request, &error),
                         OUTCOME_INVALID_ARGS);
        assert_null(request);
}

/* ---- arrays ---- */

static int with_array(const char *key, const char *element, const char *const *list, int n, struct request **ret, struct error *error) {
        DBusMessage *message = message_of("demo", id_argv, 2);
        DBusMessageIter iter, array, entry, variant, values, bytes;
        char signature[8] = "a";

        strcat(signature, element);
        dbus_message_iter_init_append(message, &iter);
        dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &array);
        dbus_message_iter_open_container(&array, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant);
        dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, element, &values);
        for (int i = 0; i < n; i++) {
                if (element[0] == 's') {
                        dbus_message_iter_append_basic(&values, DBUS_TYPE_STRING, &list[i]);
                        continue;
                }
                /* Bytes: a '|' stands for NUL. */
                char *copy = strdup(list[i]);

                for (char *c = copy; *c; c++)
                        *c = *c == '|' ? 0 : *c;
                dbus_message_iter_open_container(&values, DBUS_TYPE_ARRAY, "y", &bytes);
                dbus_message_iter_append_fixed_array(&bytes, DBUS_TYPE_BYTE, &copy, (int)strlen(list[i]));
                dbus_message_iter_close_container(&values, &bytes);
                free(copy);
        }
        dbus_message_iter_close_container(&variant, &values);
        dbus_message_iter_close_container(&entry, &variant);
        dbus_message_iter_close_container(&array, &entry);
        dbus_message_iter_close_container(&iter, &array);
        return read_kind(message, REQUEST_EXEC, ret, error);
}

static void environment(void **state) {
        static const char *const good[] = { "A=1", "B", "A=2", "_X9=" }, *const bad[] = { "A=1", "=x" }, *const digit[] = { "9A=1" },
                          *const latin[] = { "A=\xff\xfe" }, *const nul[] = { "A=|x" };
        struct request *request = NULL;
        struct error error;

        assert_int_equal(with_array("env", "s", good, 4, &request, &error), 0);
        assert_int_equal(request->env.n, 4);
        request_free(request);
        request = NULL;
        assert_int_equal(with_array("env", "s", bad, 2, &request, &error), OUTCOME_INVALID_ARGS);
        assert_non_null(strstr(error.text, "entry 1"));
        assert_int_equal(with_array("env", "s", digit, 1, &request, &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_array("env-bytes", "ay", nul, 1, &request, &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_array("env-bytes", "ay", latin, 1, &request, &error), 0);
        assert_string_equal(request->env.list[0], "A=\xff\xfe");
        request_free(request);
}

static void capabilities(void **state) {
        static const char *const good[] = { "net_admin", "CAP_SYS_TIME" }, *const bad[] = { "CAP_NO_SUCH" };
        struct request *request = NULL;
        struct error error;

        assert_int_equal(with_array("cap-add", "s", good, 2, &request, &error), 0);
        assert_int_equal(request->cap_add, CAPS_BIT(12) | CAPS_BIT(25));
        request_free(request);
        request = NULL;
        assert_int_equal(with_array("cap-add", "s", bad, 1, &request, &error), OUTCOME_BAD_CAPABILITY);
        assert_non_null(strstr(error.text, "CAP_NO_SUCH"));
        assert_int_equal(with_array("argv-bytes", "ay", good, 2, &request, &error), OUTCOME_INVALID_ARGS);
}

/* ---- file descriptors ---- */

static int with_fds(const unsigned *numbers, const int *fds, int n, struct request **ret, struct error *error) {
        DBusMessage *message = message_of("demo", id_argv, 2);
        DBusMessageIter iter, array, entry, variant, values, pair;
        const char *key = "fds";

        dbus_message_iter_init_append(message, &iter);
        dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &array);
        dbus_message_iter_open_container(&array, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "a{uh}", &variant);
        dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, "{uh}", &values);
        for (int i = 0; i < n; i++) {
                dbus_message_iter_open_container(&values, DBUS_TYPE_DICT_ENTRY, NULL, &pair);
                dbus_message_iter_append_basic(&pair, DBUS_TYPE_UINT32, &numbers[i]);
                dbus_message_iter_append_basic(&pair, DBUS_TYPE_UNIX_FD, &fds[i]);
                dbus_message_iter_close_container(&values, &pair);
        }
        dbus_message_iter_close_container(&variant, &values);
        dbus_message_iter_close_container(&entry, &variant);
        dbus_message_iter_close_container(&array, &entry);
        dbus_message_iter_close_container(&iter, &array);
        return read_kind(message, REQUEST_EXEC, ret, error);
}

static int lowest_fd(void) {
        int fd = dup(0);

        close(fd);
        return fd;
}

static void pipes(void **state) {
        unsigned numbers[16], both[] = { 1, 1 }, gap[] = { 4 }, far[] = { 3 + LIMIT_EXTRA_FDS };
        int before = lowest_fd(), out[2], fds[16];
        struct request *request = NULL;
        struct error error;

        assert_int_equal(pipe(out), 0);
        for (unsigned i = 0; i < 16; i++) {
                numbers[i] = i;
                fds[i] = i == 0 ? out[0] : out[1];
        }
        assert_int_equal(with_fds(numbers, fds, 3 + LIMIT_EXTRA_FDS, &request, &error), 0);
        assert_int_equal(request->n_extra, LIMIT_EXTRA_FDS);
        assert_true(request->streams[0] >= 0 && request->extra[LIMIT_EXTRA_FDS - 1] >= 0);
        request_free(request);
        request = NULL;
        assert_int_equal(with_fds(numbers, fds, 16, &request, &error), OUTCOME_LIMITS_EXCEEDED);
        assert_int_equal(with_fds(far, fds + 1, 1, &request, &error), OUTCOME_LIMITS_EXCEEDED);
        assert_int_equal(with_fds(both, fds + 1, 2, &request, &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_fds(gap, fds + 1, 1, &request, &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_fds(numbers, fds + 1, 1, &request, &error), OUTCOME_BAD_FD);
        assert_int_equal(with_fds(numbers + 1, fds, 1, &request, &error), OUTCOME_BAD_FD);
        close(out[0]);
        close(out[1]);
        assert_int_equal(lowest_fd(), before); /* nothing of what was refused stayed open */
}

static void refuses(int fd, const char *what) {
        unsigned numbers[] = { 1, 3 };
        struct request *request = NULL;
        struct error error;

        assert_true(fd >= 0);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(with_fds(&numbers[i], &fd, 1, &request, &error), OUTCOME_BAD_FD);
                if (!strstr(error.text, what) || !strstr(error.text, "pass a pipe"))
                        fail_msg("'%s' does not name %s", error.text, what);
        }
        close(fd);
}

static void other_kinds(void **state) {
        char folder[] = "/tmp/airlock-request-XXXXXX", fifo[64];
        int inet = socket(AF_INET, SOCK_STREAM, 0);

        refuses(open("/tmp", O_RDONLY | O_DIRECTORY), "a directory");
        refuses(open("/tmp", O_PATH), "O_PATH");
        refuses(open("/dev/null", O_RDWR), "null");
        refuses(open("/dev/ptmx", O_RDWR | O_NOCTTY), "a terminal");
        refuses(open("/proc/self/status", O_RDONLY), "procfs");
        refuses(open("/proc/self/ns/mnt", O_RDONLY), "namespace");
        refuses(inet, "an inet socket");
        assert_non_null(mkdtemp(folder));
        snprintf(fifo, sizeof fifo, "%s/fifo", folder);
        assert_int_equal(mkfifo(fifo, 0600), 0);
        refuses(open(fifo, O_RDWR), "a named FIFO");
        unlink(fifo);
        rmdir(folder);
}

/* What the ceiling can allow is taken, with its kind, until the target's facts say what may go in there. */
static void by_the_ceiling(void **state) {
        char path[] = "/tmp/airlock-request-XXXXXX";
        int pair[2], file = mkstemp(path), reading = open(path, O_RDONLY);
        unsigned numbers[] = { 0, 1, 3, 4 };
        struct request *request = NULL;
        struct error error;

        unlink(path);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        assert_int_equal(with_fds(numbers, (int[]){ pair[0], file, pair[1], reading }, 4, &request, &error), 0);
        assert_int_equal(request->stream_kinds[0], FD_KIND_UNIX);
        assert_int_equal(request->stream_kinds[1], FD_KIND_FILE);
        assert_int_equal(request->stream_kinds[2], 0);
        assert_int_equal(request->extra_kinds[0], FD_KIND_UNIX);
        assert_int_equal(request->extra_kinds[1], FD_KIND_FILE);
        assert_int_equal(request_check_fds(request, FD_KINDS, &error), 0);
        assert_int_equal(request_check_fds(request, FD_KIND_PIPE | FD_KIND_UNIX, &error), OUTCOME_BAD_FD);
        assert_non_null(strstr(error.text, "fd 1: is a file; expected an anonymous pipe: pass a pipe"));
        assert_int_equal(request_check_fds(request, FD_KIND_PIPE | FD_KIND_FILE, &error), OUTCOME_BAD_FD);
        assert_non_null(strstr(error.text, "fd 0: is a unix socket; "));
        request_close_fds(request);
        request_free(request);
        request = NULL;
        assert_int_equal(with_fds(numbers + 1, &reading, 1, &request, &error), OUTCOME_BAD_FD);
        assert_non_null(strstr(error.text, "open for reading alone, for output"));
        close(pair[0]);
        close(pair[1]);
        close(file);
        close(reading);
}

/* ---- filters ---- */

static int with_filter(const struct option *options, struct request_filter *filter, struct error *error) {
        DBusMessage *message = with_options(dbus_message_new_method_call("a.b", "/a", "a.b", "ListSessions"), options);
        int r = request_read_filter(message, filter, error);

        dbus_message_unref(message);
        return r;
}

static void filters(void **state) {
        const char *text = "demo";
        dbus_uint32_t uid = 5;
        struct option good[] = { { "user", DBUS_TYPE_UINT32, &uid }, { "target", DBUS_TYPE_STRING, &text }, { NULL, 0, NULL } };
        struct option key[] = { { "color", DBUS_TYPE_STRING, &text }, { NULL, 0, NULL } };
        struct option type[] = { { "user", DBUS_TYPE_STRING, &text }, { NULL, 0, NULL } };
        struct request_filter filter = { 0 };
        struct error error;

        assert_int_equal(with_filter(good, &filter, &error), 0);
        assert_true(filter.by_user && filter.user == 5);
        assert_string_equal(filter.target, "demo");
        request_filter_clear(&filter);
        assert_int_equal(with_filter(key, &filter, &error), OUTCOME_INVALID_ARGS);
        assert_non_null(strstr(error.text, "color"));
        assert_int_equal(with_filter(type, &filter, &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_filter(NULL, &filter, &error), 0);
}

/* One request for a terminal: rows and cols 0 are not given, text options NULL are not. */
struct tty_row {
        dbus_uint16_t rows, cols;
        const char *stderr_is, *output;
        bool tty;
        enum request_kind kind;
        int result;
        const char *text;
};

static const struct tty_row tty_rows[] = {
        { 0, 0, NULL, NULL, true, REQUEST_EXEC, 0, NULL },
        { 24, 80, NULL, NULL, true, REQUEST_EXEC, 0, NULL },
        { 65535, 65535, NULL, NULL, true, REQUEST_EXPLAIN, 0, NULL },
        { 24, 80, "own", NULL, true, REQUEST_EXEC, 0, NULL },
        { 24, 80, "tty", "fds", true, REQUEST_EXEC, 0, NULL },
        { 24, 0, NULL, NULL, true, REQUEST_EXEC, OUTCOME_INVALID_ARGS, "one without the other" },
        { 0, 80, NULL, NULL, true, REQUEST_EXEC, OUTCOME_INVALID_ARGS, "one without the other" },
        { 24, 80, NULL, NULL, false, REQUEST_EXEC, OUTCOME_INVALID_ARGS, "add tty" },
        { 0, 0, "own", NULL, false, REQUEST_EXEC, OUTCOME_INVALID_ARGS, "add tty" },
        { 0, 0, "both", NULL, true, REQUEST_EXEC, OUTCOME_INVALID_ARGS, "own or tty" },
        { 0, 0, NULL, "null", true, REQUEST_EXEC, OUTCOME_INVALID_ARGS, "null does not go with tty" },
        { 0, 0, NULL, NULL, true, REQUEST_RUN, OUTCOME_INVALID_ARGS, "Run" },
};

static void terminals(void **state) {
        for (size_t i = 0; i < sizeof tty_rows / sizeof tty_rows[0]; i++) {
                const struct tty_row *row = &tty_rows[i];
                dbus_bool_t tty = row->tty;
                struct option options[6] = { { "tty", DBUS_TYPE_BOOLEAN, &tty } };
                struct request *request = NULL;
                struct error error;
                size_t n = 1;

                if (row->rows)
                        options[n++] = (struct option){ "rows", DBUS_TYPE_UINT16, &row->rows };
                if (row->cols)
                        options[n++] = (struct option){ "cols", DBUS_TYPE_UINT16, &row->cols };
                if (row->stderr_is)
                        options[n++] = (struct option){ "stderr", DBUS_TYPE_STRING, &row->stderr_is };
                if (row->output)
                        options[n++] = (struct option){ "output", DBUS_TYPE_STRING, &row->output };
                assert_int_equal(read_kind(with_options(message_of("demo", id_argv, 2), options), row->kind, &request, &error), row->result);
                if (row->result) {
                        assert_non_null(strstr(error.text, row->text));
                        continue;
                }
                assert_true(request->tty && request->rows == row->rows && request->cols == row->cols);
                assert_int_equal(request->stderr_own, row->stderr_is && row->stderr_is[0] == 'o');
                request_free(request);
        }
}

static void terminal_sides(void **state) {
        dbus_uint32_t large = 70000;
        dbus_uint16_t none = 0;
        struct error error;

        assert_int_equal(with_one("rows", DBUS_TYPE_UINT32, &large, &error), OUTCOME_INVALID_ARGS);
        assert_int_equal(with_one("rows", DBUS_TYPE_UINT16, &none, &error), OUTCOME_INVALID_ARGS);
        assert_non_null(strstr(error.text, "1 to 65535"));
}

static void shells(void **state) {
        dbus_bool_t yes = TRUE;
        struct option options[] = { { "shell", DBUS_TYPE_BOOLEAN, &yes }, { NULL, 0, NULL } };
        struct request *request = NULL;
        struct error error;

        assert_int_equal(with_one("shell", DBUS_TYPE_BOOLEAN, &yes, &error), OUTCOME_INVALID_ARGS);
        assert_non_null(strstr(error.text, "argv"));
        assert_int_equal(read_kind(with_options(message_of("demo", NULL, 0), options), REQUEST_EXEC, &request, &error), 0);
        assert_true(request->shell);
        assert_int_equal(request_take_shell(request, "/bin/zsh"), 0);
        assert_int_equal(request->argv.n, 1);
        assert_string_equal(request->argv.list[0], "/bin/zsh");
        request_free(request);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(plain),       cmocka_unit_test(argv_bad),     cmocka_unit_test(argv_large),  cmocka_unit_test(keys),
                cmocka_unit_test(twice),       cmocka_unit_test(users),        cmocka_unit_test(values),      cmocka_unit_test(kept),
                cmocka_unit_test(environment), cmocka_unit_test(capabilities), cmocka_unit_test(pipes),       cmocka_unit_test(other_kinds),
                cmocka_unit_test(by_the_ceiling),
                cmocka_unit_test(filters),     cmocka_unit_test(terminals),    cmocka_unit_test(terminal_sides),
                cmocka_unit_test(shells),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
