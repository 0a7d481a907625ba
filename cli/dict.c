/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an a{sv} out of a message, and its forms for people and programs. */
#include "cli/dict.h"

#include <inttypes.h>
#include <string.h>

static bool is_dict(const char *type) {
        return !strcmp(type, "a{sv}");
}

bool dict_find(struct in dict, const char *key, struct in *value, const char **type) {
        size_t end = in_array(&dict, "{");

        while (in_more(&dict, end)) {
                const char *name, *signature;

                in_align(&dict, 8);
                name = in_string(&dict);
                signature = in_signature(&dict);
                if (!name || !signature || !type_end(signature))
                        return false;
                if (!strcmp(name, key)) {
                        *value = dict;
                        *type = signature;
                        return true;
                }
                in_skip(&dict, signature);
        }
        return false;
}

static int64_t number(struct in *in, const char *type) {
        switch (*type) {
        case 'y': return in_u8(in);
        case 'n': return (int16_t)in_u16(in);
        case 'q': return in_u16(in);
        case 'i': return (int32_t)in_u32(in);
        case 'b':
        case 'u':
        case 'h': return in_u32(in);
        default: return (int64_t)in_u64(in);
        }
}

static bool is_number(const char *type) {
        return *type && !type[1] && strchr("ynqibuhxt", *type);
}

int64_t dict_number(struct in dict, const char *key, int64_t fallback) {
        struct in value;
        const char *type;

        if (!dict_find(dict, key, &value, &type) || !is_number(type))
                return fallback;
        return number(&value, type);
}

const char *dict_string(struct in dict, const char *key) {
        struct in value;
        const char *type;

        if (!dict_find(dict, key, &value, &type) || (strcmp(type, "s") && strcmp(type, "o")))
                return NULL;
        return in_string(&value);
}

bool dict_dict(struct in dict, const char *key, struct in *ret) {
        const char *type;

        return dict_find(dict, key, ret, &type) && is_dict(type);
}

static void json_code_point(struct text *text, uint32_t c) {
        if (c >= 0x10000)
                text_printf(text, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                            0xdc00 + ((c - 0x10000) & 0x3ff));
        else if (c < 0x20 || c >= 0x7f)
                text_printf(text, "\\u%04x", c);
        else
                text_printf(text, c == '"' || c == '\\' ? "\\%c" : "%c", (char)c);
}

void json_string(struct text *text, const char *string) {
        size_t n = strlen(string), len;

        text_puts(text, "\"");
        for (; n; string += len, n -= len) {
                uint32_t c = 0xfffd; /* what the bus lets through is UTF-8 */

                len = utf8_next(string, n, &c);
                len = len ? len : 1;
                json_code_point(text, c);
        }
        text_puts(text, "\"");
}

static void json_array(struct text *text, struct in *in, const char *element) {
        bool dict = *element == '{';
        size_t end = in_array(in, element);
        const char *between = "";

        text_puts(text, dict ? "{" : "[");
        for (; in_more(in, end); between = ",") {
                text_puts(text, between);
                json_value(text, in, element);
        }
        text_puts(text, dict ? "}" : "]");
}

/* The key of an entry is a string in JSON, whatever it is on the bus. */
static void json_entry(struct text *text, struct in *in, const char *type) {
        bool quoted = strchr("sog", type[1]) != NULL;

        in_align(in, 8);
        text_puts(text, quoted ? "" : "\"");
        json_value(text, in, type + 1);
        text_puts(text, quoted ? ":" : "\":");
        json_value(text, in, type_end(type + 1));
}

static void json_struct(struct text *text, struct in *in, const char *type) {
        const char *between = "[";

        in_align(in, 8);
        for (type++; *type != ')' && !in->bad; type = type_end(type), between = ",") {
                text_puts(text, between);
                json_value(text, in, type);
        }
        text_puts(text, "]");
}

static void json_double(struct text *text, struct in *in) {
        uint64_t bits = in_u64(in);
        double value;

        memcpy(&value, &bits, sizeof(value));
        if (value - value == 0)
                text_printf(text, "%.17g", value);
        else
                text_puts(text, "null");
}

void json_value(struct text *text, struct in *in, const char *type) {
        const char *string;

        if (*type == 'v') { /* message_parse() has seen how deep it goes */
                type = in_signature(in);
                json_value(text, in, type ? type : "");
        } else if (in->bad || !*type)
                text_puts(text, "null");
        else if (*type == 'a')
                json_array(text, in, type + 1);
        else if (*type == '{')
                json_entry(text, in, type);
        else if (*type == '(')
                json_struct(text, in, type);
        else if (*type == 'b')
                text_puts(text, in_u32(in) ? "true" : "false");
        else if (*type == 'd')
                json_double(text, in);
        else if (*type == 't')
                text_printf(text, "%" PRIu64, in_u64(in));
        else if (strchr("sog", *type)) {
                string = *type == 'g' ? in_signature(in) : in_string(in);
                json_string(text, string ? string : "");
        } else {
                text_printf(text, "%" PRId64, number(in, type));
        }
}

static void plain_list(struct text *text, struct in *in, const char *element) {
        size_t end = in_array(in, element);
        const char *between = "";

        for (; in_more(in, end); between = " ") {
                text_puts(text, between);
                plain_value(text, in, element);
        }
}

void plain_value(struct text *text, struct in *in, const char *type) {
        const char *string;

        if (*type == 's' || *type == 'o') {
                string = in_string(in);
                text_escape(text, string ? string : "", string ? strlen(string) : 0);
        } else if (*type == 'b') {
                text_puts(text, in_u32(in) ? "yes" : "no");
        } else if (*type == 'a' && type[1] != '{') {
                plain_list(text, in, type + 1);
        } else {
                json_value(text, in, type);
        }
}

/* Items that have blanks themselves stand one a line. */
static bool is_long_list(struct in in, const char *type) {
        size_t end;

        if (strcmp(type, "as"))
                return false;
        for (end = in_array(&in, "s"); in_more(&in, end);) {
                const char *item = in_string(&in);

                if (!item || strchr(item, ' '))
                        return true;
        }
        return false;
}

static void plain_lines(struct text *text, struct in *in, unsigned indent) {
        size_t end = in_array(in, "s");

        while (in_more(in, end)) {
                text_printf(text, "\n%*s", (int)indent, "");
                plain_value(text, in, "s");
        }
}

void plain_dict(struct text *text, struct in dict, unsigned indent) {
        size_t end = in_array(&dict, "{");

        while (in_more(&dict, end)) {
                const char *key, *type;

                in_align(&dict, 8);
                key = in_string(&dict);
                type = in_signature(&dict);
                if (!key || !type || !type_end(type))
                        return;
                text_printf(text, "%*s", (int)indent, "");
                text_escape(text, key, strlen(key));
                text_puts(text, is_dict(type) ? ":\n" : is_long_list(dict, type) ? ":" : ": ");
                if (is_dict(type)) {
                        plain_dict(text, dict, indent + 2);
                        in_skip(&dict, type);
                } else {
                        if (is_long_list(dict, type))
                                plain_lines(text, &dict, indent + 2);
                        else
                                plain_value(text, &dict, type);
                        text_puts(text, "\n");
                }
        }
}

int record_status(struct in record, const char *what) {
        int64_t code = dict_number(record, "code", -1), signal = dict_number(record, "signal", 0);
        const char *state = dict_string(record, "state"), *stage = dict_string(record, "stage");

        if (dict_number(record, "timeout", 0))
                complain(what, "was ended because its time was over");
        if (dict_number(record, "status-withheld", 0))
                complain(what, "its exit status was withheld by a tracer in the target");
        else if (code >= 0 && code <= 255)
                return (int)code;
        else if (signal > 0 && signal < 128)
                return 128 + (int)signal;
        else if (stage && *stage)
                complain(what, "failed at %s: %s", stage,
                         strerror((int)dict_number(record, "errno", 0)));
        else
                complain(what, "ended without a status: it is %s", state ? state : "unknown");
        return 125;
}
