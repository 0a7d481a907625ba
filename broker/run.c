/* SPDX-License-Identifier: Apache-2.0 */
/* Output in memory. It is read to its end even where it is not kept: a command that writes more than fits must not hang. */
#include "broker/run.h"

#include "broker/call.h"
#include "broker/dict.h"
#include "broker/quota.h"
#include "broker/record.h"
#include "broker/reply.h"
#include "broker/session.h"
#include "broker/text.h"
#include "common/fd.h"
#include "common/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* What a reply has beside the output: the record, the message's own head. */
#define RECORD_BYTES (64u << 10)
#define BUDGET (LIMIT_RUN_OUTPUT_BYTES - RECORD_BYTES)
#define CHUNK 65536

struct output {
        struct quota *quota;
        int fd;
        sd_event_source *io;
        char *bytes;
        size_t size;
        size_t room;
        bool cut;
};

struct run {
        struct output out;
        struct output err;
        struct call *call;
        struct session *session;
        bool raw;
};

static void close_output(struct output *output) {
        if (output->quota && output->fd >= 0)
                output->quota->fds--;
        output->io = sd_event_source_disable_unref(output->io);
        output->fd = close_fd(output->fd);
}

static void free_output(struct output *output) {
        close_output(output);
        if (output->quota)
                output->quota->bytes -= output->room;
        free(output->bytes);
}

static bool make_room(struct output *output, size_t n) {
        size_t room = output->room ? output->room : 4096;
        char *grown;

        if (n <= output->room)
                return true;
        while (room < n)
                room *= 2;
        if (output->quota->bytes + (room - output->room) > QUOTA_BYTES)
                return false;
        grown = realloc(output->bytes, room);
        if (!grown)
                return false;
        output->quota->bytes += room - output->room;
        output->bytes = grown;
        output->room = room;
        return true;
}

static void keep(struct output *output, const char *bytes, size_t n) {
        size_t left = BUDGET - output->size;

        if (n > left) {
                output->cut = true;
                n = left;
        }
        if (output->cut && n == 0)
                return;
        if (!make_room(output, output->size + n)) {
                output->cut = true;
                return;
        }
        if (n)
                memcpy(output->bytes + output->size, bytes, n);
        output->size += n;
}

/* Whether more may be there. */
static bool read_some(struct output *output) {
        char chunk[CHUNK];
        ssize_t n = read(output->fd, chunk, sizeof chunk);

        if (n < 0)
                return errno == EINTR;
        if (n == 0) {
                close_output(output);
                return false;
        }
        keep(output, chunk, (size_t)n);
        return true;
}

static int on_output(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        read_some(userdata);
        return 0;
}

static int watch(sd_event *event, struct output *output) {
        int flags = fcntl(output->fd, F_GETFL);

        if (flags < 0 || fcntl(output->fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        return sd_event_add_io(event, &output->io, output->fd, EPOLLIN, on_output, output);
}

int run_new(sd_event *event, struct quota *quota, const int fds[2], struct run **ret) {
        struct run *run = calloc(1, sizeof *run);
        int r;

        if (!run) {
                close_fd(fds[0]);
                close_fd(fds[1]);
                return -ENOMEM;
        }
        run->out = (struct output){ .quota = quota, .fd = fds[0] };
        run->err = (struct output){ .quota = quota, .fd = fds[1] };
        quota->fds += 2;
        r = watch(event, &run->out);
        if (r >= 0)
                r = watch(event, &run->err);
        if (r < 0) {
                run_free(run);
                return r;
        }
        *ret = run;
        return 0;
}

void run_attach(struct run *run, struct call *call, struct session *session, bool raw) {
        run->call = call;
        run->session = session;
        run->raw = raw;
}

/* Without the beginning of a character whose rest was cut off: it would make the whole text none. */
static size_t whole_characters(const struct output *output, size_t n) {
        size_t back = 0;

        if (n == output->size && !output->cut)
                return n;
        while (back < 3 && back < n && ((unsigned char)output->bytes[n - back - 1] & 0xc0) == 0x80)
                back++;
        if (back < n && (unsigned char)output->bytes[n - back - 1] >= 0xc0 &&
            text_utf8_length(output->bytes + n - back - 1, back + 1) == 0)
                return n - back - 1;
        return n;
}

/* How many bytes of an output fit into a budget, as they will be sent; a raw copy takes no more than its text does. */
static size_t fit(const struct output *output, bool raw, size_t budget) {
        size_t n = raw ? budget / 2 : budget;

        if (n > output->size)
                n = output->size;
        n = whole_characters(output, n);
        return text_is_utf8(output->bytes, n)
                     ? n
                     : text_decodable_length(output->bytes, n, raw ? budget / 2 : budget);
}

static size_t cost(const struct output *output, size_t n, bool raw) {
        size_t text = text_is_utf8(output->bytes, n) ? n
                                                     : text_decodable(output->bytes, n, NULL, 0);

        return text + (raw ? n : 0);
}

struct output_keys {
        const char *escaped;
        const char *cut;
        const char *raw;
};

/* The text of n bytes; what it says of them goes into the record. NULL: no memory. */
static char *to_text(const struct output *output, size_t n, const struct output_keys *keys,
                     bool raw, struct dict *record) {
        bool plain = text_is_utf8(output->bytes, n);
        size_t size = plain ? n : text_decodable(output->bytes, n, NULL, 0);
        char *text = malloc(size + 1);

        if (!text)
                return NULL;
        if (plain && n)
                memcpy(text, output->bytes, n);
        else if (!plain)
                text_decodable(output->bytes, n, text, size);
        text[size] = 0;
        if (!plain)
                dict_bool(record, keys->escaped, true);
        if (output->cut || n < output->size)
                dict_bool(record, keys->cut, true);
        if (raw)
                dict_bytes(record, keys->raw, output->bytes, n);
        return text;
}

static void answer(struct run *run, struct dict *record) {
        static const struct output_keys out_keys = { "stdout-escaped", "stdout-cut",
                                                     "stdout-bytes" };
        static const struct output_keys err_keys = { "stderr-escaped", "stderr-cut",
                                                     "stderr-bytes" };
        /* Errors get a quarter whatever the output was: they are what says why there is so much of it. */
        size_t n_err = fit(&run->err, run->raw, BUDGET / 4);
        size_t n_out = fit(&run->out, run->raw, BUDGET - cost(&run->err, n_err, run->raw));
        struct reply_output reply = { .record = record };
        struct call *call = run->call;
        char *out, *err;

        n_err = fit(&run->err, run->raw, BUDGET - cost(&run->out, n_out, run->raw));
        out = to_text(&run->out, n_out, &out_keys, run->raw, record);
        err = to_text(&run->err, n_err, &err_keys, run->raw, record);
        run->call = NULL;
        reply.code = record_code(run->session->state == SESSION_EXITED ? &run->session->exited
                                                                       : NULL);
        reply.out = out ? out : "";
        reply.err = err ? err : "";
        if (!out || !err)
                record->failed = true;
        reply_run(call, &reply);
        free(out);
        free(err);
}

void run_session_ended(struct run *run) {
        struct dict *record = session_record(run->session);

        /* The cgroup is empty: what was written is in the pipes. What leftovers that are kept still write is not waited for. */
        for (size_t read = 0; run->out.fd >= 0 && read < BUDGET / 1024 && read_some(&run->out);
             read++)
                ;
        for (size_t read = 0; run->err.fd >= 0 && read < BUDGET / 1024 && read_some(&run->err);
             read++)
                ;
        if (record) {
                answer(run, record);
        } else {
                reply_refusal(run->call, OUTCOME_HELPER_FAILED, "no memory");
                run->call = NULL;
        }
        run_free(run);
}

struct run *run_free(struct run *run) {
        if (!run)
                return NULL;
        if (run->call)
                call_free(run->call);
        free_output(&run->out);
        free_output(&run->err);
        free(run);
        return NULL;
}
