/* SPDX-License-Identifier: Apache-2.0 */
/* A request as the body of Exec and its kin. */
#include <stdlib.h>
#include <string.h>

#include "cli/option.h"
#include "cli/request.h"
#include "cli/text.h"

static void body_strings(struct out *out, char **items, size_t n) {
        size_t mark = out_array(out, 4);

        for (size_t i = 0; i < n; i++)
                out_string(out, items[i]);
        out_array_end(out, mark, 4);
}

static void body_bytes(struct out *out, char **items, size_t n) {
        size_t mark = out_array(out, 4), inner;

        for (size_t i = 0; i < n; i++) {
                inner = out_array(out, 1);
                out_bytes(out, items[i], strlen(items[i]));
                out_array_end(out, inner, 1);
        }
        out_array_end(out, mark, 4);
}

/* Everything of one list option: single items, split at commas where the peers split. */
static void body_list(struct out *out, const struct request *request,
                      const struct option_row *row) {
        size_t mark = out_array(out, 4);

        for (unsigned i = 0; i < request->n_given; i++) {
                char *copy, *rest, *item;

                if (request->given[i].row != row)
                        continue;
                rest = copy = must_strdup(request->given[i].value);
                while ((item = strsep(&rest, row->kind == SENT_COMMAS ? "," : "")))
                        out_string(out, item);
                free(copy);
        }
        out_array_end(out, mark, 4);
}

static bool is_first(const struct request *request, unsigned at) {
        for (unsigned i = 0; i < at; i++)
                if (request->given[i].row == request->given[at].row)
                        return false;
        return true;
}

static void body_given(struct out *out, const struct request *request, unsigned at) {
        const struct option_row *row = request->given[at].row;
        const char *value = request->given[at].value;
        uint64_t number = 0;

        if (row->kind == SENT_FLAG) {
                out_entry(out, row->key, "b");
                out_u32(out, *value == 't');
        } else if (row->kind == SENT_STRING) {
                out_entry(out, row->key, "s");
                out_string(out, value);
        } else if (row->kind == SENT_DURATION && option_duration(value, &number)) {
                out_entry(out, row->key, "t");
                out_u64(out, number);
        } else if ((row->kind == SENT_LIST || row->kind == SENT_COMMAS) && is_first(request, at)) {
                out_entry(out, row->key, "as");
                body_list(out, request, row);
        }
}

static void body_limits(struct out *out, const struct request *request) {
        size_t mark = 0;

        for (unsigned i = 0; i < request->n_given; i++) {
                uint64_t number = 0;

                if (request->given[i].row->kind != SENT_LIMIT)
                        continue;
                if (!mark) {
                        out_entry(out, "limits", "a{sv}");
                        mark = out_array(out, 8);
                }
                option_amount(request->given[i].value, &number);
                out_entry(out, request->given[i].row->key, "t");
                out_u64(out, number);
        }
        if (mark)
                out_array_end(out, mark, 8);
}

static void body_env(struct out *out, const struct strings *env) {
        bool text = strings_utf8(env);

        if (!env->n)
                return;
        out_entry(out, text ? "env" : "env-bytes", text ? "as" : "aay");
        if (text)
                body_strings(out, env->items, env->n);
        else
                body_bytes(out, env->items, env->n);
}

static void body_streams(struct out *out, const struct request_extra *extra) {
        size_t mark;

        if (!extra->n_streams)
                return;
        out_entry(out, "fds", "a{uh}");
        mark = out_array(out, 8);
        for (unsigned i = 0; i < extra->n_streams; i++) {
                out_align(out, 8);
                out_u32(out, extra->streams[i].inside);
                out_u32(out, i);
        }
        out_array_end(out, mark, 8);
}

static void body_here(struct out *out, const struct request *request,
                      const struct request_extra *extra) {
        if (extra->output) {
                out_entry(out, "output", "s");
                out_string(out, extra->output);
        }
        if (extra->detach_keys) {
                out_entry(out, "detach-keys", "s");
                out_string(out, extra->detach_keys);
        }
        if (extra->open_stdin) {
                out_entry(out, "open-stdin", "b");
                out_u32(out, true);
        }
        if (request->tty) {
                out_entry(out, "tty", "b");
                out_u32(out, true);
        }
        if (request->shell) {
                out_entry(out, "shell", "b");
                out_u32(out, true);
        }
        if (request->tty && extra->rows) {
                out_entry(out, "rows", "q");
                out_u16(out, extra->rows);
                out_entry(out, "cols", "q");
                out_u16(out, extra->cols);
        }
        if (request->detach || extra->raw) {
                out_entry(out, request->detach ? "detach" : "raw", "b");
                out_u32(out, true);
        }
}

void request_body(const struct request *request, const struct request_extra *extra,
                  struct out *ret) {
        struct strings command = { request->argv, (size_t)request->argc };
        bool text = strings_utf8(&command);
        size_t mark;

        out_string(ret, request->target);
        body_strings(ret, command.items, text ? command.n : 0);
        mark = out_array(ret, 8);
        if (!text) {
                out_entry(ret, "argv-bytes", "aay");
                body_bytes(ret, command.items, command.n);
        }
        for (unsigned i = 0; i < request->n_given; i++)
                body_given(ret, request, i);
        body_limits(ret, request);
        body_env(ret, &request->env);
        body_streams(ret, extra);
        body_here(ret, request, extra);
        out_array_end(ret, mark, 8);
}
