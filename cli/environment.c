/* SPDX-License-Identifier: Apache-2.0 */
/* The environment that a caller asks for. Of two for one name the last counts, and only it is sent. */
#include "cli/environment.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/text.h"

void strings_free(struct strings *strings) {
        for (size_t i = 0; i < strings->n; i++)
                free(strings->items[i]);
        free(strings->items);
        *strings = (struct strings){ 0 };
}

void strings_add(struct strings *strings, const char *item) {
        if (!(strings->n & (strings->n - 1)))
                strings->items = must_realloc(strings->items,
                                              (strings->n * 2 + 1) * sizeof(char *));
        strings->items[strings->n++] = must_strdup(item);
}

bool strings_utf8(const struct strings *strings) {
        for (size_t i = 0; i < strings->n; i++)
                if (!utf8_valid(strings->items[i]))
                        return false;
        return true;
}

static size_t name_length(const char *assignment) {
        return strcspn(assignment, "=");
}

static void set(struct strings *environment, const char *assignment) {
        size_t n = name_length(assignment);

        for (size_t i = 0; i < environment->n; i++) {
                char **item = &environment->items[i];

                if (name_length(*item) == n && !strncmp(*item, assignment, n)) {
                        free(*item);
                        *item = must_strdup(assignment);
                        return;
                }
        }
        strings_add(environment, assignment);
}

/* Ours that begin with @prefix of @n bytes, or are named exactly so; how many there were. */
static unsigned take_own(struct strings *environment, const char *prefix, size_t n, bool exactly) {
        unsigned found = 0;

        for (char **own = environ; own && *own; own++) {
                if (strncmp(*own, prefix, n) || !strchr(*own, '=') || (exactly && (*own)[n] != '='))
                        continue;
                set(environment, *own);
                found++;
        }
        return found;
}

static bool is_prefix(const char *spec, size_t n) {
        return n > 0 && spec[n - 1] == '*' && !spec[n];
}

int environment_add(struct strings *environment, const char *spec) {
        size_t n = name_length(spec);

        if (!n) {
                complain("--env", "has no name; NAME=VALUE or NAME was expected");
                return -EINVAL;
        }
        if (spec[n])
                set(environment, spec);
        else if (is_prefix(spec, n))
                take_own(environment, spec, n - 1, false);
        else if (!take_own(environment, spec, n, true))
                set(environment, spec);
        return 0;
}

/* docker's and podman's rules: blanks before the name go, all after the = stays; # begins a comment only at the beginning. */
static int file_line(struct strings *environment, const char *path, unsigned number, char *line) {
        char *name;
        size_t n;

        if (number == 1 && !strncmp(line, "\xef\xbb\xbf", 3))
                line += 3;
        name = line + strspn(line, " \t\v\f");
        if (!*name || *name == '#')
                return 0;
        n = name_length(name);
        if (!utf8_valid(name) || !n || strcspn(name, " \t\v\f") < n) {
                complain(path, "line %u: %s; NAME=VALUE or NAME was expected", number,
                         !utf8_valid(name) ? "is no UTF-8"
                         : !n              ? "has no name"
                                           : "has a blank in the name");
                return -EINVAL;
        }
        if (name[n])
                set(environment, name);
        else
                take_own(environment, name, is_prefix(name, n) ? n - 1 : n, !is_prefix(name, n));
        return 0;
}

int environment_file(struct strings *environment, const char *path) {
        FILE *file = fopen(path, "re");
        char *line = NULL;
        size_t size = 0;
        ssize_t n;
        int r = 0;

        if (!file) {
                r = -errno;
                complain("--env-file", "%s: %s; a readable file was expected", path, strerror(-r));
                return r;
        }
        for (unsigned number = 1; r >= 0 && (n = getline(&line, &size, file)) >= 0; number++) {
                if (n > 0 && line[n - 1] == '\n')
                        line[--n] = 0;
                if (n > 0 && line[n - 1] == '\r')
                        line[--n] = 0;
                if (strlen(line) != (size_t)n) {
                        complain(path, "line %u: has a NUL; text was expected", number);
                        r = -EINVAL;
                } else {
                        r = file_line(environment, path, number, line);
                }
        }
        if (r >= 0 && ferror(file)) {
                complain("--env-file", "%s: cannot be read; a readable file was expected", path);
                r = -EIO;
        }
        free(line);
        fclose(file);
        return r;
}
