/* SPDX-License-Identifier: Apache-2.0 */
/* A message of a stranger becomes a bounded request, or one named refusal. Options are one flat a{sv}: nothing here recurses,
 * and a key, a type or a value that is not in the table does not pass. */
#include "broker/request.h"

#include "broker/detach-keys.h"
#include "broker/fdkind.h"
#include "common/caps.h"
#include "common/fd.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_BYTES 128
#define REASON_BYTES 1024
#define USER_BYTES 256
#define TARGET_BYTES 512
#define KEEP_FOR_S (366u * 24 * 3600)

/* One option being read: the value stands in the iterator, of the type that the table says. */
struct reading {
        struct request *request;
        const struct option *option;
        DBusMessageIter value;
        struct error *error;
        bool argv_bytes;
        bool env_bytes;
        bool output_given;
        bool stderr_given;
        uint32_t cap_drop_all;
};

struct option {
        const char *key;
        const char *type;
        int (*read)(struct reading *reading); /* NULL: known, and not built yet */
        size_t offset;                        /* in struct request, for the plain readers */
        size_t max;                           /* bytes */
};

static int invalid(struct reading *reading, const char *expected) {
        return error_set(reading->error, OUTCOME_INVALID_ARGS, "option %s: bad value; expected %s",
                         reading->option->key, expected);
}

static void *place(struct reading *reading) {
        return (char *)reading->request + reading->option->offset;
}

static int read_string(struct reading *reading) {
        char **slot = place(reading);
        const char *text;

        dbus_message_iter_get_basic(&reading->value, &text);
        if (text[0] == 0)
                return invalid(reading, "a text that is not empty");
        if (strlen(text) > reading->option->max)
                return error_set(reading->error, OUTCOME_LIMITS_EXCEEDED,
                                 "option %s: longer than %zu bytes", reading->option->key,
                                 reading->option->max);
        *slot = strdup(text);
        return *slot ? 0 : -ENOMEM;
}

static int read_user(struct reading *reading) {
        struct policy_user_spec spec;
        int r = read_string(reading);

        if (r)
                return r;
        if (policy_user_spec_parse(reading->request->user, &spec))
                return error_set(
                        reading->error, OUTCOME_BAD_USER,
                        "user '%s': neither a name nor a number; expected NAME, UID, NAME:GROUP or UID:GID, numbers from 0 to 4294967294 without leading zeros",
                        reading->request->user);
        return 0;
}

static int check_group(struct reading *reading, const char *text) {
        bool is_number;
        uint32_t id;

        if (policy_id_parse(text, strlen(text), &is_number, &id) == 0)
                return 0;
        return error_set(reading->error, OUTCOME_BAD_USER,
                         "group '%s': neither a name nor a number from 0 to 4294967294", text);
}

static int read_group(struct reading *reading) {
        int r = read_string(reading);

        return r ? r : check_group(reading, reading->request->group);
}

static int read_absolute(struct reading *reading) {
        int r = read_string(reading);

        if (r == 0 && reading->request->cwd[0] != '/')
                return error_set(reading->error, OUTCOME_BAD_CWD,
                                 "cwd '%s': not absolute; expected a path from / on",
                                 reading->request->cwd);
        return r;
}

static int read_name(struct reading *reading) {
        static const char allowed[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
        int r = read_string(reading);

        if (r == 0 && strspn(reading->request->name, allowed) != strlen(reading->request->name))
                return invalid(reading, "letters, digits, dot, underscore and hyphen");
        return r;
}

static int read_bool(struct reading *reading) {
        dbus_bool_t value;

        dbus_message_iter_get_basic(&reading->value, &value);
        *(bool *)place(reading) = value;
        return 0;
}

static int read_detach_keys(struct reading *reading) {
        struct request *request = reading->request;
        const char *text;

        dbus_message_iter_get_basic(&reading->value, &text);
        request->keys_given = true;
        return detach_keys_parse(text, request->keys, &request->n_keys, reading->error);
}

static int read_drain(struct reading *reading) {
        dbus_message_iter_get_basic(&reading->value, &reading->request->drain_ms);
        if (reading->request->drain_ms == 0 || reading->request->drain_ms > LIMIT_DRAIN_MAX_MS)
                return invalid(reading, "1 to 600000 milliseconds");
        return 0;
}

static int read_no_new_privs(struct reading *reading) {
        dbus_bool_t value;

        dbus_message_iter_get_basic(&reading->value, &value);
        reading->request->no_new_privs = value ? POLICY_YES : POLICY_NO;
        return 0;
}

static int read_ms(struct reading *reading) {
        uint64_t value;

        dbus_message_iter_get_basic(&reading->value, &value);
        if (value == 0 || value > INT64_MAX / 1000000)
                return invalid(reading, "milliseconds, more than 0");
        *(uint64_t *)place(reading) = value;
        return 0;
}

/* The strings of an array into a list; what wrong they can be is named by the position. */
static int read_list(struct reading *reading, DBusMessageIter *array, struct strings *list,
                     const char *what) {
        DBusMessageIter element;

        for (dbus_message_iter_recurse(array, &element);
             dbus_message_iter_get_arg_type(&element) != DBUS_TYPE_INVALID;
             dbus_message_iter_next(&element)) {
                const char *text;
                int n, r;

                if (dbus_message_iter_get_arg_type(&element) == DBUS_TYPE_STRING) {
                        dbus_message_iter_get_basic(&element, &text);
                        n = (int)strlen(text);
                } else {
                        DBusMessageIter bytes;

                        dbus_message_iter_recurse(&element, &bytes);
                        dbus_message_iter_get_fixed_array(&bytes, &text, &n);
                }
                r = strings_add(list, n ? text : "", (size_t)n);
                if (r == -EINVAL)
                        return error_set(reading->error, OUTCOME_INVALID_ARGS,
                                         "%s: entry %zu has a NUL byte", what, list->n);
                if (r == -E2BIG)
                        return error_set(reading->error, OUTCOME_LIMITS_EXCEEDED,
                                         "%s: too large; at most %u bytes an entry and %u in sum",
                                         what, LIMIT_STRING_BYTES, LIMIT_STRINGS_BYTES);
                if (r < 0)
                        return r;
        }
        return strings_index(list);
}

static int read_argv_bytes(struct reading *reading) {
        reading->argv_bytes = true;
        if (reading->request->argv.n)
                return invalid(reading, "argv to be empty where this one is given");
        return read_list(reading, &reading->value, &reading->request->argv, reading->option->key);
}

static bool is_env_name(const char *entry) {
        size_t n = strcspn(entry, "=");
        static const char letters[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

        return n > 0 && strspn(entry, letters) == n && (entry[0] < '0' || entry[0] > '9');
}

static int read_env(struct reading *reading) {
        struct strings *env = &reading->request->env;
        int r;

        if (reading->env_bytes || env->n)
                return invalid(reading, "only one of env and env-bytes");
        reading->env_bytes = true;
        r = read_list(reading, &reading->value, env, reading->option->key);
        if (r)
                return r;
        if (env->n > LIMIT_ENV)
                return error_set(reading->error, OUTCOME_LIMITS_EXCEEDED,
                                 "option %s: more than %u entries", reading->option->key,
                                 LIMIT_ENV);
        for (size_t i = 0; i < env->n; i++)
                if (!is_env_name(env->list[i]))
                        return error_set(
                                reading->error, OUTCOME_INVALID_ARGS,
                                "option %s: entry %zu is not NAME=VALUE or NAME, the name of letters, digits and _",
                                reading->option->key, i);
        return 0;
}

static int read_groups(struct reading *reading) {
        struct strings *groups = &reading->request->groups;
        int r = read_list(reading, &reading->value, groups, reading->option->key);

        if (r == 0 && groups->n > LIMIT_GROUPS)
                return error_set(reading->error, OUTCOME_LIMITS_EXCEEDED,
                                 "option groups: more than %u", LIMIT_GROUPS);
        for (size_t i = 0; r == 0 && i < groups->n; i++)
                r = check_group(reading, groups->list[i]);
        return r;
}

static int read_caps(struct reading *reading) {
        uint64_t *set = place(reading);
        DBusMessageIter element;

        for (dbus_message_iter_recurse(&reading->value, &element);
             dbus_message_iter_get_arg_type(&element) != DBUS_TYPE_INVALID;
             dbus_message_iter_next(&element)) {
                const char *name;
                int cap;

                dbus_message_iter_get_basic(&element, &name);
                if (strcasecmp(name, "all") == 0) {
                        *set = CAPS_ALL;
                        continue;
                }
                cap = caps_from_name(name);
                if (cap < 0)
                        return error_set(reading->error, OUTCOME_BAD_CAPABILITY,
                                         "option %s: no capability '%s' is known",
                                         reading->option->key, name);
                *set |= CAPS_BIT(cap);
        }
        return 0;
}

static int read_seccomp(struct reading *reading) {
        int r = read_string(reading);

        if (r == 0 && strchr(reading->request->seccomp, '/'))
                return error_set(reading->error, OUTCOME_BAD_PROFILE,
                                 "seccomp '%s': a profile has a name, not a path",
                                 reading->request->seccomp);
        return r;
}

static int read_output(struct reading *reading) {
        const char *text;

        dbus_message_iter_get_basic(&reading->value, &text);
        reading->output_given = true;
        if (strcmp(text, "fds") != 0 && strcmp(text, "null") != 0 && strcmp(text, "ring") != 0)
                return invalid(reading, "fds, null or ring");
        reading->request->output = text[0] == 'f' ? REQUEST_FDS
                                 : text[0] == 'n' ? REQUEST_NULL
                                                  : REQUEST_RING;
        return 0;
}

static int read_keep_for(struct reading *reading, const char *text) {
        char *end;

        errno = 0;
        reading->request->keep_for_s = strtoull(text, &end, 10);
        if (errno || *end || text[0] < '1' || text[0] > '9' ||
            reading->request->keep_for_s > KEEP_FOR_S)
                return invalid(reading, "keep-for:SECONDS, from 1 on");
        reading->request->client_gone = POLICY_GONE_KEEP_FOR;
        return 0;
}

static int read_client_gone(struct reading *reading) {
        static const char *const names[] = {
                [POLICY_GONE_KILL] = "kill", [POLICY_GONE_HUP] = "hup", [POLICY_GONE_KEEP] = "keep"
        };
        const char *text;

        dbus_message_iter_get_basic(&reading->value, &text);
        reading->request->gone_given = true;
        if (strncmp(text, "keep-for:", 9) == 0)
                return read_keep_for(reading, text + 9);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
                if (strcmp(text, names[i]) == 0) {
                        reading->request->client_gone = (enum policy_gone)i;
                        return 0;
                }
        return invalid(reading, "kill, hup, keep or keep-for:SECONDS");
}

/* A side of a terminal. None has no columns: a program that divides by them would fall. */
static int read_side(struct reading *reading) {
        uint16_t value;

        dbus_message_iter_get_basic(&reading->value, &value);
        if (value == 0)
                return invalid(reading, "1 to 65535");
        *(uint16_t *)place(reading) = value;
        return 0;
}

static int read_stderr(struct reading *reading) {
        const char *text;

        dbus_message_iter_get_basic(&reading->value, &text);
        reading->stderr_given = true;
        if (strcmp(text, "own") != 0 && strcmp(text, "tty") != 0)
                return invalid(reading, "own or tty");
        reading->request->stderr_own = strcmp(text, "own") == 0;
        return 0;
}

static int read_leftovers(struct reading *reading) {
        const char *text;

        dbus_message_iter_get_basic(&reading->value, &text);
        if (strcmp(text, "kill") != 0 && strcmp(text, "keep") != 0)
                return invalid(reading, "kill or keep");
        reading->request->keep_leftovers = strcmp(text, "keep") == 0;
        return 0;
}

/* Extra fds as they come, until it is known that their numbers have no gap. */
static int keep_fd(struct reading *reading, unsigned number, int fd) {
        struct request *request = reading->request;
        unsigned *kind;
        int *slot;

        if (number >= 3 + LIMIT_EXTRA_FDS) {
                close_fd(fd);
                return error_set(reading->error, OUTCOME_LIMITS_EXCEEDED,
                                 "fd %u: at most %u extra ones, numbered from 3", number,
                                 LIMIT_EXTRA_FDS);
        }
        slot = number < 3 ? &request->streams[number] : &request->extra[number - 3];
        if (*slot >= 0) {
                close_fd(fd);
                return error_set(reading->error, OUTCOME_INVALID_ARGS, "fd %u: given twice",
                                 number);
        }
        *slot = fd;
        kind = number < 3 ? &request->stream_kinds[number] : &request->extra_kinds[number - 3];
        if (number >= 3)
                request->n_extra++;
        return fdkind_check(fd, number,
                            number == 0  ? FDKIND_INPUT
                            : number < 3 ? FDKIND_OUTPUT
                                         : FDKIND_EXTRA,
                            kind, reading->error);
}

int request_check_fds(const struct request *request, unsigned kinds, struct error *error) {
        for (unsigned i = 0; i < 3; i++)
                if (request->stream_kinds[i] & ~kinds)
                        return fdkind_refuse(request->streams[i], i, error);
        for (unsigned i = 0; i < request->n_extra; i++)
                if (request->extra_kinds[i] & ~kinds)
                        return fdkind_refuse(request->extra[i], 3 + i, error);
        return 0;
}

static int read_fds(struct reading *reading) {
        struct request *request = reading->request;
        DBusMessageIter entry;
        unsigned n = 0;

        for (dbus_message_iter_recurse(&reading->value, &entry);
             dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_INVALID;
             dbus_message_iter_next(&entry)) {
                DBusMessageIter pair;
                uint32_t number;
                int fd = -1, r;

                /* Counted before one is taken: each of them costs the broker a descriptor. */
                if (++n > 3 + LIMIT_EXTRA_FDS)
                        return error_set(reading->error, OUTCOME_LIMITS_EXCEEDED,
                                         "option fds: more than 3 streams and %u extra ones",
                                         LIMIT_EXTRA_FDS);
                dbus_message_iter_recurse(&entry, &pair);
                dbus_message_iter_get_basic(&pair, &number);
                dbus_message_iter_next(&pair);
                dbus_message_iter_get_basic(&pair, &fd);
                if (fd < 0)
                        return -EMFILE;
                r = keep_fd(reading, number, fd);
                if (r)
                        return r;
        }
        for (unsigned i = 0; i < request->n_extra; i++)
                if (request->extra[i] < 0)
                        return error_set(
                                reading->error, OUTCOME_INVALID_ARGS,
                                "fd %u: missing; extra ones are numbered from 3 without a gap",
                                i + 3);
        return 0;
}

#define AT(field) offsetof(struct request, field)

/* Every key of the interface, in its order. */
static const struct option options[] = {
        { "user", "s", read_user, AT(user), USER_BYTES },
        { "cwd", "s", read_absolute, AT(cwd), LIMIT_CWD_BYTES - 1 },
        { "env", "as", read_env, 0, 0 },
        { "clear-env", "b", read_bool, AT(clear_env), 0 },
        { "tty", "b", read_bool, AT(tty), 0 },
        { "rows", "q", read_side, AT(rows), 0 },
        { "cols", "q", read_side, AT(cols), 0 },
        { "fds", "a{uh}", read_fds, 0, 0 },
        { "privileged", "b", read_bool, AT(privileged), 0 },
        { "cap-add", "as", read_caps, AT(cap_add), 0 },
        { "cap-drop", "as", read_caps, AT(cap_drop), 0 },
        { "seccomp", "s", read_seccomp, AT(seccomp), NAME_BYTES },
        { "no-new-privs", "b", read_no_new_privs, 0, 0 },
        { "client-gone", "s", read_client_gone, 0, 0 },
        { "timeout-ms", "t", read_ms, AT(limits.wall_ms), 0 },
        { "idle-ms", "t", read_ms, AT(limits.idle_ms), 0 },
        { "cpu-ms", "t", read_ms, AT(limits.cpu_ms), 0 },
        { "limits", "a{sv}", NULL, 0, 0 },
        { "detach", "b", read_bool, AT(detach), 0 },
        { "detach-keys", "s", read_detach_keys, 0, 0 },
        { "open-stdin", "b", read_bool, AT(open_stdin), 0 },
        { "output", "s", read_output, 0, 0 },
        { "drain-ms", "t", read_drain, 0, 0 },
        { "stderr", "s", read_stderr, 0, 0 },
        { "leftovers", "s", read_leftovers, 0, 0 },
        { "group", "s", read_group, AT(group), USER_BYTES },
        { "groups", "as", read_groups, 0, 0 },
        { "label", "s", read_string, AT(label), LIMIT_LABEL_BYTES - 1 },
        { "raw", "b", read_bool, AT(raw), 0 },
        { "name", "s", read_name, AT(name), NAME_BYTES },
        { "reason", "s", read_string, AT(reason), REASON_BYTES },
        { "shell", "b", read_bool, AT(shell), 0 },
        { "as", "s", read_string, AT(as), USER_BYTES },
        { "argv-bytes", "aay", read_argv_bytes, 0, 0 },
        { "env-bytes", "aay", read_env, 0, 0 },
};
#define N_OPTIONS (sizeof options / sizeof options[0])

const char *request_option(unsigned i) {
        unsigned seen = 0;

        for (unsigned k = 0; k < N_OPTIONS; k++)
                if (options[k].read && seen++ == i)
                        return options[k].key;
        return NULL;
}

/* Whether the variant at value holds exactly this type; its text where not. The text is libdbus's to free. */
static char *other_type(DBusMessageIter *value, const char *type) {
        char *found = dbus_message_iter_get_signature(value);

        if (found && strcmp(found, type) == 0) {
                dbus_free(found);
                return NULL;
        }
        return found ? found : strdup("?");
}

static int check_type(DBusMessageIter *value, const char *key, const char *type,
                      struct error *error) {
        char *found = other_type(value, type);
        int r;

        if (!found)
                return 0;
        r = error_set(error, OUTCOME_INVALID_ARGS, "option %s: type is %s; expected %s", key, found,
                      type);
        dbus_free(found);
        return r;
}

static int read_option(struct reading *reading, const char *key) {
        const struct option *option = NULL;
        int r;

        for (size_t i = 0; i < N_OPTIONS && !option; i++)
                if (strcmp(options[i].key, key) == 0)
                        option = &options[i];
        if (!option)
                return error_set(reading->error, OUTCOME_INVALID_ARGS, "option %s: unknown key",
                                 key);
        r = check_type(&reading->value, key, option->type, reading->error);
        if (r)
                return r;
        if (!option->read)
                return error_set(reading->error, OUTCOME_NOT_SUPPORTED,
                                 "option %s: not built yet; Features lists what is", key);
        reading->option = option;
        return option->read(reading);
}

/* The keys that were read so far, to notice one that comes twice: two values of one key would let two readers differ. */
static int note_key(const char *key, uint64_t *seen, struct error *error) {
        for (size_t i = 0; i < N_OPTIONS; i++)
                if (strcmp(options[i].key, key) == 0) {
                        if (*seen & UINT64_C(1) << i)
                                return error_set(error, OUTCOME_INVALID_ARGS,
                                                 "option %s: given twice", key);
                        *seen |= UINT64_C(1) << i;
                }
        return 0;
}

static int read_options(struct reading *reading, DBusMessageIter *array) {
        DBusMessageIter entry;
        uint64_t seen = 0;

        for (dbus_message_iter_recurse(array, &entry);
             dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_INVALID;
             dbus_message_iter_next(&entry)) {
                DBusMessageIter pair;
                const char *key;
                int r;

                dbus_message_iter_recurse(&entry, &pair);
                dbus_message_iter_get_basic(&pair, &key);
                dbus_message_iter_next(&pair);
                dbus_message_iter_recurse(&pair, &reading->value);
                r = note_key(key, &seen, reading->error);
                if (r == 0)
                        r = read_option(reading, key);
                if (r)
                        return r;
        }
        return 0;
}

static bool streams_outlive_caller(const struct request *request) {
        if (request->output == REQUEST_RING)
                return true;
        if (request->tty)
                return false;
        return request->output == REQUEST_NULL ||
               (request->streams[1] >= 0 && request->streams[2] >= 0);
}

static bool is_kept(const struct request *request) {
        return request->client_gone == POLICY_GONE_KEEP ||
               request->client_gone == POLICY_GONE_KEEP_FOR;
}

/* What only a session with a relay has. */
static int settle_ring(struct reading *reading) {
        struct request *request = reading->request;

        if (request->tty && request->n_keys && !reading->output_given && !request->gone_given) {
                request->would_detach = true;
                request->output = REQUEST_RING;
        }
        if (request->output == REQUEST_RING) {
                /* Who may detach may leave it running, so the rule is asked for that. */
                if (!reading->request->gone_given)
                        request->client_gone = POLICY_GONE_KEEP;
                request->may_detach = is_kept(request);
                if (request->n_keys && !request->may_detach)
                        return error_set(
                                reading->error, OUTCOME_INVALID_ARGS,
                                "option detach-keys: who detaches leaves it running; not with client-gone kill or hup");
                return 0;
        }
        if (request->open_stdin || request->drain_ms || request->n_keys)
                return error_set(reading->error, OUTCOME_INVALID_ARGS,
                                 "option %s: only with output=ring",
                                 request->open_stdin ? "open-stdin"
                                 : request->drain_ms ? "drain-ms"
                                                     : "detach-keys");
        return 0;
}

/* A client that leaves never means keep by accident: what it would have read must have somewhere to go. */
static int settle_detach(struct reading *reading) {
        struct request *request = reading->request;
        int r;

        if (request->detach && !reading->request->gone_given)
                request->client_gone = POLICY_GONE_KEEP;
        if (request->detach && !reading->output_given && !streams_outlive_caller(request))
                request->output = REQUEST_RING;
        r = settle_ring(reading);
        if (r)
                return r;
        if (is_kept(request) && !streams_outlive_caller(request))
                return error_set(
                        reading->error, OUTCOME_INVALID_ARGS,
                        "option client-gone: to be kept, a session needs output=null or ring, or streams that were passed");
        return 0;
}

static int settle_run(struct reading *reading) {
        struct request *request = reading->request;

        if (request->kind != REQUEST_RUN)
                return request->raw ? error_set(reading->error, OUTCOME_INVALID_ARGS,
                                                "option raw: only Run has it")
                                    : 0;
        if (request->detach || reading->output_given || request->keys_given ||
            request->streams[1] >= 0 || request->streams[2] >= 0)
                return error_set(
                        reading->error, OUTCOME_INVALID_ARGS,
                        "Run collects the output itself: detach, output and fds 1 and 2 do not go with it");
        return 0;
}

static int settle_as(struct reading *reading) {
        return reading->request->as && reading->request->kind != REQUEST_EXPLAIN
                     ? error_set(reading->error, OUTCOME_INVALID_ARGS,
                                 "option as: only Explain has it")
                     : 0;
}

static int settle_command(struct reading *reading) {
        struct request *request = reading->request;

        if (request->shell)
                return request->argv.n ? error_set(reading->error, OUTCOME_INVALID_ARGS,
                                                   "option shell: argv is to be empty with it")
                                       : 0;
        if (request->argv.n == 0)
                return error_set(reading->error, OUTCOME_INVALID_ARGS,
                                 "argv: empty; expected at least the command");
        if (request->argv.list[0][0] == 0)
                return error_set(reading->error, OUTCOME_INVALID_ARGS,
                                 "argv: the command's name is empty");
        return 0;
}

/* What only makes sense with a terminal. */
static int settle_no_tty(struct reading *reading) {
        if (reading->request->rows || reading->request->cols)
                return error_set(reading->error, OUTCOME_INVALID_ARGS,
                                 "options rows and cols: only a terminal has them; add tty");
        if (reading->stderr_given)
                return error_set(reading->error, OUTCOME_INVALID_ARGS,
                                 "option stderr: only with a terminal; add tty");
        return 0;
}

/* A terminal takes the place of the streams; what else was passed would silently go nowhere. */
static int settle_tty(struct reading *reading) {
        struct request *request = reading->request;

        if (!request->tty)
                return settle_no_tty(reading);
        if (request->kind == REQUEST_RUN)
                return error_set(reading->error, OUTCOME_INVALID_ARGS,
                                 "option tty: Run collects output and has no terminal");
        if ((request->rows == 0) != (request->cols == 0))
                return error_set(reading->error, OUTCOME_INVALID_ARGS,
                                 "options rows and cols: one without the other");
        for (unsigned i = 0; i < (request->stderr_own ? 2u : 3u); i++)
                if (request->streams[i] >= 0)
                        return error_set(
                                reading->error, OUTCOME_INVALID_ARGS,
                                "fd %u: the terminal is in its place; pass none with tty%s", i,
                                i == 2 ? ", or add stderr=own" : "");
        if (request->output == REQUEST_NULL)
                return error_set(reading->error, OUTCOME_INVALID_ARGS,
                                 "option output: null does not go with tty; nobody would read it");
        return 0;
}

static int settle(struct reading *reading) {
        struct request *request = reading->request;
        int r = settle_command(reading);

        if (r == 0)
                r = settle_tty(reading);
        if (r)
                return r;
        if (request->argv.size + request->env.size > LIMIT_STRINGS_BYTES)
                return error_set(reading->error, OUTCOME_LIMITS_EXCEEDED,
                                 "argv and env: more than %u bytes in sum", LIMIT_STRINGS_BYTES);
        r = settle_run(reading);
        if (r == 0)
                r = settle_as(reading);
        return r ? r : settle_detach(reading);
}

static int read_target(struct reading *reading, DBusMessageIter *args) {
        const char *target;

        dbus_message_iter_get_basic(args, &target);
        if (target[0] == 0 || strlen(target) > TARGET_BYTES)
                return error_set(
                        reading->error, OUTCOME_INVALID_ARGS,
                        "target: empty or over %d bytes; expected NAME, ENGINE:NAME or pid:N",
                        TARGET_BYTES);
        reading->request->target = strdup(target);
        return reading->request->target ? 0 : -ENOMEM;
}

static int read_arguments(struct reading *reading, DBusMessage *message) {
        DBusMessageIter args;
        int r;

        dbus_message_iter_init(message, &args);
        r = read_target(reading, &args);
        if (r)
                return r;
        dbus_message_iter_next(&args);
        r = read_list(reading, &args, &reading->request->argv, "argv");
        if (r)
                return r;
        dbus_message_iter_next(&args);
        r = read_options(reading, &args);
        return r ? r : settle(reading);
}

bool request_is_as(struct DBusMessage *message) {
        DBusMessageIter args, entry;

        dbus_message_iter_init(message, &args);
        dbus_message_iter_next(&args);
        dbus_message_iter_next(&args);
        for (dbus_message_iter_recurse(&args, &entry);
             dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_INVALID;
             dbus_message_iter_next(&entry)) {
                DBusMessageIter pair;
                const char *key;

                dbus_message_iter_recurse(&entry, &pair);
                dbus_message_iter_get_basic(&pair, &key);
                if (strcmp(key, "as") == 0)
                        return true;
        }
        return false;
}

static struct request *request_new(enum request_kind kind) {
        struct request *request = calloc(1, sizeof *request);

        if (!request)
                return NULL;
        request->kind = kind;
        for (size_t i = 0; i < 3; i++)
                request->streams[i] = -1;
        for (size_t i = 0; i < LIMIT_EXTRA_FDS; i++)
                request->extra[i] = -1;
        return request;
}

int request_read(struct DBusMessage *message, enum request_kind kind, struct request **ret,
                 struct error *error) {
        _cleanup_(request_freep) struct request *request = request_new(kind);
        struct reading reading = { .request = request, .error = error };
        int r;

        if (!request)
                return -ENOMEM;
        r = read_arguments(&reading, message);
        if (r)
                return r;
        *ret = request;
        request = NULL;
        return 0;
}

int request_adopted(const char *target, const char *const *argv, struct request **ret) {
        _cleanup_(request_freep) struct request *request = request_new(REQUEST_EXEC);
        int r = 0;

        if (!request)
                return -ENOMEM;
        request->target = strdup(target);
        for (; r == 0 && *argv; argv++)
                r = strings_add(&request->argv, *argv, strlen(*argv));
        if (r == 0)
                r = request->target ? strings_index(&request->argv) : -ENOMEM;
        if (r < 0)
                return r;
        *ret = request;
        request = NULL;
        return 0;
}

void request_stay(struct request *request) {
        request->output = REQUEST_FDS;
        request->client_gone = POLICY_GONE_KILL;
        request->would_detach = request->may_detach = false;
        request->n_keys = 0;
}

int request_take_shell(struct request *request, const char *shell) {
        int r = strings_add(&request->argv, shell, strlen(shell));

        return r < 0 ? r : strings_index(&request->argv);
}

int request_charge(struct request *request, struct quota *quota, struct error *error) {
        uint64_t bytes = sizeof *request + request->argv.size + request->env.size;
        uint32_t fds = request->n_extra;

        for (unsigned i = 0; i < 3; i++)
                fds += request->streams[i] >= 0;
        if (quota_charge(quota, bytes, fds, &request->charge))
                return 0;
        return error_set(error, OUTCOME_LIMITS_EXCEEDED,
                         "more than %u MiB or %u descriptors in the requests of one user at once",
                         (unsigned)(QUOTA_BYTES >> 20), quota_fds_max(quota));
}

void request_close_fds(struct request *request) {
        charge_drop_fds(&request->charge);
        close_fds(request->streams, 3);
        close_fds(request->extra, LIMIT_EXTRA_FDS);
}

struct request *request_free(struct request *request) {
        if (!request)
                return NULL;
        request_close_fds(request);
        charge_drop(&request->charge);
        strings_clear(&request->argv);
        strings_clear(&request->env);
        strings_clear(&request->groups);
        free(request->target);
        free(request->user);
        free(request->group);
        free(request->cwd);
        free(request->label);
        free(request->name);
        free(request->reason);
        free(request->seccomp);
        free(request->as);
        free(request);
        return NULL;
}

void request_freep(struct request **request) {
        request_free(*request);
}

/* ---- Attach and Start ---- */

#define ATTACH_AT(field) offsetof(struct request_attach, field)

static const struct attach_key {
        const char *key;
        const char *type;
        size_t offset;
        bool attach; /* which of the two has it */
        bool start;
} attach_keys[] = {
        { "steal", "b", ATTACH_AT(steal), true, false },
        { "read-only", "b", ATTACH_AT(read_only), true, false },
        { "follow", "b", ATTACH_AT(follow), true, false },
        { "since", "t", ATTACH_AT(since), true, false },
        { "detach", "b", ATTACH_AT(detach), false, true },
        { "rows", "q", ATTACH_AT(rows), false, true },
        { "cols", "q", ATTACH_AT(cols), false, true },
        { "detach-keys", "s", 0, true, true },
};
#define N_ATTACH_KEYS (sizeof attach_keys / sizeof attach_keys[0])

static int read_attach_value(DBusMessageIter *value, const struct attach_key *key,
                             struct request_attach *ret, struct error *error) {
        void *slot = (char *)ret + key->offset;
        dbus_bool_t flag;
        const char *text;

        if (key->type[0] == 'b') {
                dbus_message_iter_get_basic(value, &flag);
                *(bool *)slot = flag;
        } else if (key->type[0] == 's') {
                dbus_message_iter_get_basic(value, &text);
                ret->keys_given = true;
                return detach_keys_parse(text, ret->keys, &ret->n_keys, error);
        } else {
                dbus_message_iter_get_basic(value, slot);
                ret->since_given |= key->type[0] == 't';
                if (key->type[0] == 'q' && *(uint16_t *)slot == 0)
                        return error_set(error, OUTCOME_INVALID_ARGS,
                                         "option %s: bad value; expected 1 to 65535", key->key);
        }
        return 0;
}

static int read_attach_key(DBusMessageIter *value, const char *key, bool start,
                           struct request_attach *ret, struct error *error) {
        for (size_t i = 0; i < N_ATTACH_KEYS; i++) {
                const struct attach_key *k = &attach_keys[i];
                int r;

                if (strcmp(k->key, key) != 0 || !(start ? k->start : k->attach))
                        continue;
                r = check_type(value, key, k->type, error);
                return r ? r : read_attach_value(value, k, ret, error);
        }
        return error_set(error, OUTCOME_INVALID_ARGS, "option %s: unknown key", key);
}

int request_read_attach(struct DBusMessage *message, bool start, struct request_attach *ret,
                        struct error *error) {
        struct request_attach attach = { .follow = true };
        DBusMessageIter args, entry;
        int r = 0;

        dbus_message_iter_init(message, &args);
        for (dbus_message_iter_recurse(&args, &entry);
             r == 0 && dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_INVALID;
             dbus_message_iter_next(&entry)) {
                DBusMessageIter pair, value;
                const char *key;

                dbus_message_iter_recurse(&entry, &pair);
                dbus_message_iter_get_basic(&pair, &key);
                dbus_message_iter_next(&pair);
                dbus_message_iter_recurse(&pair, &value);
                r = read_attach_key(&value, key, start, &attach, error);
        }
        if (r == 0 && attach.read_only && attach.n_keys)
                r = error_set(error, OUTCOME_INVALID_ARGS,
                              "option detach-keys: who only reads types nothing");
        if (r == 0 && (attach.rows == 0) != (attach.cols == 0))
                r = error_set(error, OUTCOME_INVALID_ARGS,
                              "options rows and cols: one without the other");
        if (r == 0)
                *ret = attach;
        return r;
}

struct filter_key {
        const char *key;
        const char *type;
        size_t offset;
};

static const struct filter_key filter_keys[] = {
        { "user", "u", offsetof(struct request_filter, user) },
        { "target", "s", offsetof(struct request_filter, target) },
        { "rule", "s", offsetof(struct request_filter, rule) },
        { "state", "s", offsetof(struct request_filter, state) },
        { "since", "t", offsetof(struct request_filter, since_us) },
        { "name", "s", offsetof(struct request_filter, name) },
};

static int read_filter_key(DBusMessageIter *value, const char *key, struct request_filter *filter,
                           struct error *error) {
        for (size_t i = 0; i < sizeof filter_keys / sizeof filter_keys[0]; i++) {
                void *slot = (char *)filter + filter_keys[i].offset;
                const char *text;
                int r;

                if (strcmp(filter_keys[i].key, key) != 0)
                        continue;
                r = check_type(value, key, filter_keys[i].type, error);
                if (r)
                        return r;
                if (filter_keys[i].type[0] != 's') {
                        dbus_message_iter_get_basic(value, slot);
                        filter->by_user |= filter_keys[i].type[0] == 'u';
                        return 0;
                }
                if (*(char **)slot)
                        return error_set(error, OUTCOME_INVALID_ARGS, "filter %s: given twice",
                                         key);
                dbus_message_iter_get_basic(value, &text);
                *(char **)slot = strdup(text);
                return *(char **)slot ? 0 : -ENOMEM;
        }
        return error_set(error, OUTCOME_INVALID_ARGS,
                         "filter %s: unknown key; known are user, target, rule, state, since, name",
                         key);
}

int request_read_filter(struct DBusMessage *message, struct request_filter *ret,
                        struct error *error) {
        struct request_filter filter = { 0 };
        DBusMessageIter args, entry;
        int r = 0;

        dbus_message_iter_init(message, &args);
        for (dbus_message_iter_recurse(&args, &entry);
             r == 0 && dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_INVALID;
             dbus_message_iter_next(&entry)) {
                DBusMessageIter pair, value;
                const char *key;

                dbus_message_iter_recurse(&entry, &pair);
                dbus_message_iter_get_basic(&pair, &key);
                dbus_message_iter_next(&pair);
                dbus_message_iter_recurse(&pair, &value);
                r = read_filter_key(&value, key, &filter, error);
        }
        if (r) {
                request_filter_clear(&filter);
                return r;
        }
        *ret = filter;
        return 0;
}

void request_filter_clear(struct request_filter *filter) {
        free(filter->target);
        free(filter->rule);
        free(filter->state);
        free(filter->name);
        *filter = (struct request_filter){ 0 };
}
