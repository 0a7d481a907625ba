/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the helper. Its answers are checked as a stranger's would be: it may be another version. */
#include "broker/ask.h"

#include "broker/link.h"
#include "broker/spawn-helper.h"
#include "common/reason.h"
#include "common/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASK_US (UINT64_C(3) * 1000 * 1000) /* beyond the helper's own deadline */

struct ask {
        struct link *link;
        enum wire_kind expected;
        struct asker asker;
};

int ask_link_error(struct error *error, int r) {
        switch (r) {
        case -ENOENT:
        case -ECONNREFUSED:
                return error_set(error, OUTCOME_HELPER_FAILED, "helper: not running (%s)",
                                 strerror(-r));
        case -EACCES:
        case -EPERM:
                return error_set(error, OUTCOME_HELPER_FAILED,
                                 "helper: its socket is not for this account");
        case -ENOEXEC:
                return error_set(error, OUTCOME_HELPER_FAILED, "helper: %s", spawn_why_not());
        case -ETIMEDOUT:
                return error_set(error, OUTCOME_HELPER_FAILED, "helper: no answer within its time");
        case 0:
        case -EPIPE:
                return error_set(error, OUTCOME_HELPER_FAILED, "helper: ended without an answer");
        case -EPROTO:
        case -EBADMSG:
                return error_set(
                        error, OUTCOME_HELPER_FAILED,
                        "helper: its answer is not understood; broker and helper of one version are needed");
        default: return error_set(error, OUTCOME_HELPER_FAILED, "helper: %s", strerror(-r));
        }
}

static void finish(struct ask *ask, struct answer *answer) {
        struct asker asker = ask->asker;

        ask_free(ask);
        asker.done(asker.userdata, answer);
        free(answer->text);
}

static void on_closed(void *userdata, int error) {
        struct answer answer = { 0 };

        answer.result = ask_link_error(&answer.error, error);
        finish(userdata, &answer);
}

static int read_text(int fd, size_t size, size_t max, struct answer *answer) {
        size_t done = 0;
        char *text;

        if (size > max)
                return -EPROTO;
        text = malloc(size + 1);
        if (!text)
                return -ENOMEM;
        while (done < size) {
                ssize_t n = pread(fd, text + done, size - done, (off_t)done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                done += (size_t)n;
        }
        text[done] = 0;
        answer->text = text;
        answer->text_size = done;
        return 0;
}

static int take_refusal(const void *message, size_t size, struct answer *answer) {
        const struct wire_refused *refused = message;

        if (size != sizeof *refused || refused->reason == 0)
                return -EPROTO;
        answer->reason = refused->reason;
        return error_set(&answer->error, reason_outcome(refused->reason), "%s%s%s",
                         reason_text(refused->reason), refused->err ? ": " : "",
                         refused->err ? strerror(refused->err) : "");
}

static int take_facts(const void *message, size_t size, const int *fds, size_t n_fds,
                      struct answer *answer) {
        const struct wire_facts *facts = message;

        if (size != sizeof *facts || n_fds > 1)
                return -EPROTO;
        if (!memchr(facts->label, 0, sizeof facts->label) ||
            !memchr(facts->cgroup, 0, sizeof facts->cgroup))
                return -EPROTO;
        answer->facts = facts;
        return n_fds ? read_text(fds[0], facts->environ_size, LIMIT_ENVIRON_BYTES, answer) : 0;
}

static int take_names(const void *message, size_t size, const int *fds, size_t n_fds,
                      struct answer *answer) {
        const struct wire_names *names = message;

        if (size != sizeof *names || n_fds != 1)
                return -EPROTO;
        return read_text(fds[0], names->size, LIMIT_NAMES_BYTES, answer);
}

static int take_file(const void *message, size_t size, const int *fds, size_t n_fds,
                     struct answer *answer) {
        const struct wire_file *file = message;

        if (size != sizeof *file || n_fds != 1)
                return -EPROTO;
        return read_text(fds[0], file->size, LIMIT_FILE_BYTES, answer);
}

static void on_message(void *userdata, const void *message, size_t size, int *fds, size_t n_fds) {
        const struct wire_head *head = message;
        struct answer answer = { 0 };
        struct ask *ask = userdata;
        int r = -EPROTO;

        if (head->kind == WIRE_REFUSED && n_fds == 0)
                r = take_refusal(message, size, &answer);
        else if (head->kind == ask->expected && head->kind == WIRE_FACTS)
                r = take_facts(message, size, fds, n_fds, &answer);
        else if (head->kind == ask->expected && head->kind == WIRE_NAMES)
                r = take_names(message, size, fds, n_fds, &answer);
        else if (head->kind == ask->expected && head->kind == WIRE_FILE)
                r = take_file(message, size, fds, n_fds, &answer);
        answer.result = r < 0 ? ask_link_error(&answer.error, r) : r;
        finish(ask, &answer);
}

static int ask_start(const struct asker *asker, enum wire_kind expected,
                     const struct link_request *request, struct ask **ret) {
        struct link_request timed = *request;
        struct ask *ask = calloc(1, sizeof *ask);
        int r;

        if (!ask)
                return -ENOMEM;
        ask->expected = expected;
        ask->asker = *asker;
        timed.deadline_us = asker->now + ASK_US;
        r = link_open(asker->links, &timed, &(struct link_handler){ on_message, on_closed, ask },
                      &ask->link);
        if (r < 0) {
                free(ask);
                return r;
        }
        *ret = ask;
        return 0;
}

struct ask *ask_free(struct ask *ask) {
        if (!ask)
                return NULL;
        link_free(ask->link);
        free(ask);
        return NULL;
}

static int copy_path(char *slot, size_t size, const char *path) {
        size_t n = strlen(path);

        if (n >= size)
                return -ENAMETOOLONG;
        memcpy(slot, path, n + 1);
        return 0;
}

int ask_list(const struct asker *asker, const char *dir, struct ask **ret) {
        struct wire_list message = { .head = WIRE_HEAD(WIRE_LIST, message, 0) };
        int r = copy_path(message.dir, sizeof message.dir, dir);

        return r < 0 ? r
                     : ask_start(asker, WIRE_NAMES,
                                 &(struct link_request){ .message = &message,
                                                         .size = sizeof message },
                                 ret);
}

int ask_state(const struct asker *asker, const char *dir, const char *path, struct ask **ret) {
        struct wire_open message = { .head = WIRE_HEAD(WIRE_OPEN, message, 0),
                                     .what = WIRE_OPEN_STATE };
        int r = copy_path(message.dir, sizeof message.dir, dir);

        if (r == 0)
                r = copy_path(message.path, sizeof message.path, path);
        return r < 0 ? r
                     : ask_start(asker, WIRE_FILE,
                                 &(struct link_request){ .message = &message,
                                                         .size = sizeof message },
                                 ret);
}

int ask_account(const struct asker *asker, unsigned what, int pidfd, struct ask **ret) {
        struct wire_open message = { .head = WIRE_HEAD(WIRE_OPEN, message, 1), .what = what };
        struct link_request request = {
                .message = &message, .size = sizeof message, .fds = &pidfd, .n_fds = 1
        };

        return ask_start(asker, WIRE_FILE, &request, ret);
}

int ask_describe(const struct asker *asker, int pidfd, struct ask **ret) {
        struct wire_describe message = { .head = WIRE_HEAD(WIRE_DESCRIBE, message, 1),
                                         .n_targets = 1,
                                         .flags = WIRE_DESCRIBE_ENVIRON };
        struct link_request request = {
                .message = &message, .size = sizeof message, .fds = &pidfd, .n_fds = 1
        };

        return ask_start(asker, WIRE_FACTS, &request, ret);
}
