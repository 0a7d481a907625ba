/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a message in all the ways that the client does. */
#pragma once

#include <errno.h>
#include <string.h>

#include "cli/dict.h"
#include "cli/message.h"
#include "cli/text.h"

static inline void walk_value(struct in in, const char *type) {
        struct text json = { 0 }, plain = { 0 };
        struct in copy = in;

        json_value(&json, &in, type);
        if (!strcmp(type, "a{sv}")) {
                (void)dict_number(copy, "code", -1);
                (void)dict_string(copy, "state");
                plain_dict(&plain, copy, 0);
        } else {
                plain_value(&plain, &copy, type);
        }
        text_free(&json);
        text_free(&plain);
}

/* 0, or -EBADMSG. */
static inline int walk_message(const uint8_t *bytes, size_t n) {
        struct message m;
        struct in in;

        if (n < 16 || message_size(bytes) != n || message_parse(bytes, n, &m) < 0)
                return -EBADMSG;
        (void)message_text(&m);
        in = m.body;
        for (const char *type = m.signature; *type; type = type_end(type)) {
                const char *end = type_end(type);
                char one[256] = { 0 };

                memcpy(one, type, (size_t)(end - type));
                walk_value(in, one);
                in_skip(&in, type);
        }
        return 0;
}
