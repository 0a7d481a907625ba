/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text, as little of it as the probe needs. */
#include "tests/helper/probe.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

static FILE *out;
static bool is_first = true;

void json_to(FILE *to) {
        out = to;
        is_first = true;
}

static void put_text(const char *bytes, size_t n) {
        fputc('"', out);
        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char)bytes[i];

                if (c == '"' || c == '\\')
                        fprintf(out, "\\%c", c);
                else if (c < 0x20 || c >= 0x7f)
                        fprintf(out, "\\u%04x", c);
                else
                        fputc(c, out);
        }
        fputc('"', out);
}

static void begin(const char *key) {
        if (!is_first)
                fputc(',', out);
        is_first = false;
        if (key) {
                put_text(key, strlen(key));
                fputc(':', out);
        }
}

void json_open(const char *key, char bracket) {
        begin(key);
        fputc(bracket, out);
        is_first = true;
}

void json_close(char bracket) {
        fputc(bracket, out);
        is_first = false;
}

void json_int(const char *key, int64_t value) {
        begin(key);
        fprintf(out, "%" PRId64, value);
}

void json_hex(const char *key, uint64_t value) {
        begin(key);
        fprintf(out, "\"%" PRIx64 "\"", value);
}

void json_bytes(const char *key, const char *bytes, size_t n) {
        begin(key);
        put_text(bytes, n);
}

void json_text(const char *key, const char *text) {
        if (text) {
                json_bytes(key, text, strlen(text));
                return;
        }
        begin(key);
        fputs("null", out);
}
