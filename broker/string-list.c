/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of byte strings in one block. */
#include "broker/string-list.h"

#include "common/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int make_room(struct strings *strings, size_t more) {
        size_t room = strings->room ? strings->room : 256;
        char *grown;

        if (strings->size + more <= strings->room)
                return 0;
        while (room < strings->size + more)
                room *= 2;
        grown = realloc(strings->bytes, room);
        if (!grown)
                return -ENOMEM;
        strings->bytes = grown;
        strings->room = room;
        return 0;
}

int strings_add(struct strings *strings, const char *bytes, size_t n) {
        int r;

        if (memchr(bytes, 0, n))
                return -EINVAL;
        if (n >= LIMIT_STRING_BYTES || strings->n >= LIMIT_ARGS ||
            strings->size + n + 1 > LIMIT_STRINGS_BYTES)
                return -E2BIG;
        r = make_room(strings, n + 1);
        if (r < 0)
                return r;
        memcpy(strings->bytes + strings->size, bytes, n);
        strings->bytes[strings->size + n] = 0;
        strings->size += n + 1;
        strings->n++;
        return 0;
}

int strings_index(struct strings *strings) {
        char **list = calloc(strings->n + 1, sizeof *list);
        char *next = strings->bytes;

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < strings->n; i++) {
                list[i] = next;
                next += strlen(next) + 1;
        }
        free(strings->list);
        strings->list = list;
        return 0;
}

void strings_clear(struct strings *strings) {
        free(strings->bytes);
        free(strings->list);
        *strings = (struct strings){ 0 };
}
