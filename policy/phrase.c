/* SPDX-License-Identifier: Apache-2.0 */
/* Builds lines for people out of text that may be hostile. */
#include "policy/phrase.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void phrase_add(struct phrase *text, const char *format, ...) {
        size_t left = text->used < text->size ? text->size - text->used : 0;
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(left ? text->buf + text->used : NULL, left, format, args);
        va_end(args);
        if (n > 0)
                text->used += (size_t)n;
}

void phrase_escaped(struct phrase *text, const char *from) {
        for (; *from && text->used < text->size; from++) {
                unsigned char c = (unsigned char)*from;

                if (c == '\\')
                        phrase_add(text, "\\\\");
                else if (c < 0x20 || c > 0x7e)
                        phrase_add(text, "\\x%02x", c);
                else
                        phrase_add(text, "%c", c);
        }
        if (*from)
                text->used = text->size + 1;
}

int phrase_end(struct phrase *text) {
        if (text->used < text->size) {
                text->buf[text->used] = '\0';
                return 0;
        }
        if (text->size)
                text->buf[text->size - 1] = '\0';
        return 1;
}
