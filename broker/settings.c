/* SPDX-License-Identifier: Apache-2.0 */
/* KEY=VALUE lines. An unknown key, a value that is none or a line that is neither is an error with its place: a typing error must
 * not quietly become a default. */
#include "broker/settings.h"

#include "common/fd.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES (64u << 10)
#define DIR_BYTES 255

/* Keys that list folders. Targets are found by name in the first two kinds; the stores say which name podman and docker gave
 * to a container that was found otherwise; the last is taken so that one file serves the engines to come. */
static const struct {
        const char *key;
        const char *engine;
        const char *store;
        const char *fallback;
} roots[] = {
        { "CrunRoot", "crun", NULL, "/run/crun" },
        { "RuncRoot", "runc", NULL, "/run/runc" },
        { "PodmanRoot", NULL, "podman", "/var/lib/containers/storage" },
        { "PodmanRunRoot", NULL, "podman-run", "/run/containers/storage" },
        { "DockerRoot", NULL, "docker", "/var/lib/docker" },
        { "DockerExecRoot", NULL, NULL, "/run/docker" },
};
#define N_ROOTS (sizeof roots / sizeof roots[0])

static const struct {
        const char *key;
        size_t offset;
        uint32_t fallback;
        uint32_t max;
} numbers[] = {
        { "SessionsPerUser", offsetof(struct settings, sessions_per_user), 1024, 4096 },
        { "Sessions", offsetof(struct settings, sessions), 4096, 4096 },
        { "StartsPerMinute", offsetof(struct settings, starts_per_minute), 120000, 1000000 },
        { "RequestsPerUser", offsetof(struct settings, requests_per_user), 2048, 4096 },
        { "ForgetAfter", offsetof(struct settings, forget_after_s), 300, 86400 },
        { "HistoryDays", offsetof(struct settings, history_days), 90, 3650 },
        { "HistorySessions", offsetof(struct settings, history_sessions), 100000, 10000000 },
        { "HistoryMiB", offsetof(struct settings, history_mib), 512, 65536 },
        { "PromptTimeout", offsetof(struct settings, prompt_timeout_s), 120, 3600 },
};
#define N_NUMBERS (sizeof numbers / sizeof numbers[0])

/* One of the two lists of folders. */
struct folders {
        struct lookup_place *list;
        size_t *n;
        const char *kind; /* NULL: a key that nobody looks at yet */
};

static struct folders folders_of(struct settings *settings, size_t root) {
        if (roots[root].engine)
                return (struct folders){ settings->places, &settings->n_places,
                                         roots[root].engine };
        return (struct folders){ settings->stores, &settings->n_stores, roots[root].store };
}

static int add_folder(const struct folders *folders, const char *dir) {
        struct lookup_place *list = folders->list;
        size_t at = 0, n = *folders->n;
        char *copy = strdup(dir);

        if (!copy)
                return -ENOMEM;
        /* Those of one engine stand together, in the order of the engines. */
        while (at < n && strcmp(list[at].engine, folders->kind) <= 0)
                at++;
        memmove(&list[at + 1], &list[at], (n - at) * sizeof list[0]);
        list[at] = (struct lookup_place){ folders->kind, copy };
        ++*folders->n;
        return 0;
}

static void drop_folders(const struct folders *folders) {
        size_t kept = 0;

        for (size_t i = 0; i < *folders->n; i++) {
                if (strcmp(folders->list[i].engine, folders->kind) == 0)
                        free((char *)folders->list[i].dir);
                else
                        folders->list[kept++] = folders->list[i];
        }
        *folders->n = kept;
}

int settings_defaults(struct settings **ret) {
        struct settings *settings = calloc(1, sizeof *settings);
        int r = 0;

        if (!settings)
                return -ENOMEM;
        for (size_t i = 0; i < N_NUMBERS; i++)
                *(uint32_t *)((char *)settings + numbers[i].offset) = numbers[i].fallback;
        settings->setuid = AIRLOCK_SETUID;
        for (size_t i = 0; i < N_ROOTS && r == 0; i++) {
                struct folders folders = folders_of(settings, i);

                if (folders.kind)
                        r = add_folder(&folders, roots[i].fallback);
        }
        if (r < 0) {
                settings_free(settings);
                return r;
        }
        *ret = settings;
        return 0;
}

struct settings *settings_free(struct settings *settings) {
        if (!settings)
                return NULL;
        settings_free(settings->older);
        for (size_t i = 0; i < settings->n_places; i++)
                free((char *)settings->places[i].dir);
        for (size_t i = 0; i < settings->n_stores; i++)
                free((char *)settings->stores[i].dir);
        free(settings);
        return NULL;
}

/* The file being parsed; a line without its surrounding blanks. */
struct parsing {
        struct settings *settings;
        const char *file;
        unsigned line;
        unsigned column;
        bool seen[N_ROOTS + N_NUMBERS];
        bool seen_helper;
        struct error *error;
};

static int wrong(struct parsing *parsing, const char *what, const char *key) {
        return error_set(parsing->error, OUTCOME_INVALID_ARGS, "%s:%u:%u: %s%s", parsing->file,
                         parsing->line, parsing->column, key, what);
}

static int take_root(struct parsing *parsing, size_t i, const char *value) {
        struct folders folders = folders_of(parsing->settings, i);

        if (value[0] != '/' || strlen(value) > DIR_BYTES || strstr(value, "/../"))
                return wrong(parsing, ": expected the absolute path of a folder, at most 255 bytes",
                             roots[i].key);
        if (!folders.kind)
                return 0;
        if (!parsing->seen[i])
                drop_folders(&folders);
        if (*folders.n == SETTINGS_PLACES)
                return wrong(parsing, ": too many folders", roots[i].key);
        return add_folder(&folders, value);
}

static int take_number(struct parsing *parsing, size_t i, const char *value) {
        unsigned long n;
        char *end;

        errno = 0;
        n = strtoul(value, &end, 10);
        if (errno || *end || value[0] < '1' || value[0] > '9' || n > numbers[i].max)
                return wrong(parsing, ": expected a number from 1 to the limit of the manual",
                             numbers[i].key);
        if (parsing->seen[N_ROOTS + i])
                return wrong(parsing, ": given twice", numbers[i].key);
        *(uint32_t *)((char *)parsing->settings + numbers[i].offset) = (uint32_t)n;
        return 0;
}

static int take_helper(struct parsing *parsing, const char *value) {
        bool setuid = strcmp(value, "setuid") == 0;

        if (!setuid && strcmp(value, "socket") != 0)
                return wrong(parsing, ": expected socket or setuid", "Helper");
        if (parsing->seen_helper)
                return wrong(parsing, ": given twice", "Helper");
        parsing->settings->setuid = setuid;
        parsing->seen_helper = true;
        return 0;
}

static int take_pair(struct parsing *parsing, const char *key, const char *value) {
        int r;

        for (size_t i = 0; i < N_ROOTS; i++)
                if (strcmp(roots[i].key, key) == 0) {
                        r = take_root(parsing, i, value);
                        parsing->seen[i] = true;
                        return r;
                }
        for (size_t i = 0; i < N_NUMBERS; i++)
                if (strcmp(numbers[i].key, key) == 0) {
                        r = take_number(parsing, i, value);
                        parsing->seen[N_ROOTS + i] = true;
                        return r;
                }
        if (strcmp(key, "Helper") == 0)
                return take_helper(parsing, value);
        return wrong(parsing, ": unknown key", key);
}

static int take_line(struct parsing *parsing, char *line) {
        char *equals, *end = line + strlen(line);

        while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
                *--end = 0;
        parsing->column = 1 + (unsigned)strspn(line, " \t");
        line += strspn(line, " \t");
        if (line[0] == 0 || line[0] == '#' || line[0] == ';')
                return 0;
        equals = strchr(line, '=');
        if (!equals || equals == line)
                return wrong(parsing, "expected KEY=VALUE", "");
        *equals = 0;
        return take_pair(parsing, line, equals + 1);
}

int settings_parse(struct settings *settings, const char *file, const char *text, size_t size,
                   struct error *error) {
        struct parsing parsing = { .settings = settings, .file = file, .error = error };
        const char *cursor = text, *end = text + size;
        int r = 0;

        while (r == 0 && cursor < end) {
                const char *newline = memchr(cursor, '\n', (size_t)(end - cursor));
                size_t n = (size_t)((newline ? newline : end) - cursor);
                char line[1024];

                parsing.line++;
                parsing.column = 1;
                if (n >= sizeof line || memchr(cursor, 0, n))
                        return wrong(&parsing, "line is too long or has a NUL", "");
                memcpy(line, cursor, n);
                line[n] = 0;
                r = take_line(&parsing, line);
                cursor = newline ? newline + 1 : end;
        }
        return r;
}

/* Who could write the file could point us at his own folders: root and we ourselves may, nobody else. */
static bool is_trusted(const struct stat *st) {
        return S_ISREG(st->st_mode) && st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int read_file(const char *path, char **ret, size_t *ret_size, struct error *error) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        struct stat st;
        ssize_t n;
        char *text;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!is_trusted(&st) || st.st_size > FILE_BYTES)
                return error_set(
                        error, OUTCOME_INVALID_ARGS,
                        "%s: expected a file of root's, writable by nobody else, of at most 64 KiB",
                        path);
        text = malloc(FILE_BYTES + 1);
        if (!text)
                return -ENOMEM;
        n = read(fd, text, FILE_BYTES);
        if (n < 0) {
                free(text);
                return -errno;
        }
        *ret = text;
        *ret_size = (size_t)n;
        return 0;
}

int settings_load(struct settings **ret, struct error *error) {
        static const char *const files[] = { AIRLOCK_CONF_DIR "/broker.conf",
                                             AIRLOCK_RUN_DIR "/broker.conf",
                                             AIRLOCK_LIB_DIR "/broker.conf" };
        struct settings *settings = NULL;
        char *text = NULL;
        size_t size = 0;
        int r = settings_defaults(&settings);

        for (size_t i = 0; r == 0 && i < sizeof files / sizeof files[0]; i++) {
                r = read_file(files[i], &text, &size, error);
                if (r == -ENOENT) {
                        r = 0;
                        continue;
                }
                if (r == 0)
                        r = settings_parse(settings, files[i], text, size, error);
                break;
        }
        free(text);
        if (r) {
                settings_free(settings);
                return r;
        }
        *ret = settings;
        return 0;
}
