/* SPDX-License-Identifier: Apache-2.0 */
/* Questions that options of exec need answered. A connection of their own: what exec's hears meanwhile stays exec's. */
#include "cli/nearby.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/failure.h"
#include "cli/text.h"

#define STARTED_FIELD 20 /* of /proc/PID/stat, counted from the state, which follows the last parenthesis */

/* Nothing is filtered: the answer holds what the caller may see. */
static int ask_list(struct bus *bus, const char *member, const char *what, struct message *ret) {
        struct out body = { 0 };
        struct question q = {
                .path = AIRLOCK_PATH,
                .interface = AIRLOCK_MANAGER,
                .member = member,
                .signature = "a{sv}",
                .wanted = "aa{sv}",
                .what = what,
                .body = &body,
                .runs = true,
        };
        size_t mark = out_array(&body, 8);
        int status;

        out_array_end(&body, mark, 8);
        status = ask_service(bus, &q, ret);
        out_free(&body);
        return status;
}

/* In ticks since boot; 0 where it is gone or cannot be read. */
static unsigned long long started(int64_t pid) {
        char path[64], text[1024], *p;
        unsigned long long when = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
        file = fopen(path, "re");
        if (!file)
                return 0;
        p = fgets(text, sizeof(text), file) ? strrchr(text, ')') : NULL;
        fclose(file);
        for (unsigned i = 0; p && i < STARTED_FIELD; i++)
                p = strchr(p + 1, ' ');
        if (p)
                when = strtoull(p, NULL, 10);
        return when;
}

static void take_younger(struct in target, unsigned long long *when, char *ret, size_t size) {
        const char *name = dict_string(target, "name");
        unsigned long long then = started(dict_number(target, "pid", 0));

        if (!name || strlen(name) >= size || then <= *when)
                return;
        *when = then;
        memcpy(ret, name, strlen(name) + 1);
}

int nearby_latest(char *ret, size_t size) {
        struct bus bus = { .fd = -1 };
        struct message reply;
        unsigned long long when = 0;
        int status = ask_list(&bus, "ListTargets", "--latest", &reply);

        if (!status) {
                struct in body = reply.body;
                size_t end = in_array(&body, "a");

                while (in_more(&body, end)) {
                        take_younger(body, &when, ret, size);
                        in_skip(&body, "a{sv}");
                }
                if (!when) {
                        complain("--latest", "there is no container; a running one that airlock targets shows was expected");
                        status = 125;
                }
        }
        bus_close(&bus);
        return status;
}

int nearby_pid_file(const char *path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        if (fd < 0)
                complain("--pid-file", "%s: %s; a file that can be written was expected", path, strerror(errno));
        return fd;
}

static int64_t pid_of(struct in body, const char *session) {
        size_t end = in_array(&body, "a");

        while (in_more(&body, end)) {
                const char *path = dict_string(body, "path");

                if (path && !strcmp(path, session))
                        return dict_number(body, "pid", 0);
                in_skip(&body, "a{sv}");
        }
        return 0;
}

int nearby_write_pid(int fd, const char *path, const char *session) {
        struct bus bus = { .fd = -1 };
        struct message reply;
        int status = ask_list(&bus, "ListSessions", "--pid-file", &reply);
        int64_t pid = status ? 0 : pid_of(reply.body, session);

        if (pid > 0 && dprintf(fd, "%lld\n", (long long)pid) > 0)
                fd = close(fd) < 0 ? -2 : -1;
        if (!status && fd != -1) {
                complain("--pid-file", "%s: the command's pid could not be written there", path);
                status = 125;
        }
        bus_close(&bus);
        return status;
}
