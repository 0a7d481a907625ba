/* SPDX-License-Identifier: Apache-2.0 */
/* D-Bus messages as bytes. Reading trusts nothing: every length is held against what is there. */
#include "cli/message.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define ENDIAN_MARK 'l'
#else
#define ENDIAN_MARK 'B'
#endif

enum field {
        FIELD_PATH = 1,
        FIELD_INTERFACE,
        FIELD_MEMBER,
        FIELD_ERROR,
        FIELD_REPLY,
        FIELD_TO,
        FIELD_FROM,
        FIELD_SIGNATURE,
        FIELD_FDS
};

void out_free(struct out *out) {
        free(out->data);
        *out = (struct out){ 0 };
}

void out_bytes(struct out *out, const void *bytes, size_t n) {
        if (out->size - out->len < n) {
                out->size = (out->len + n) * 2 + 512;
                out->data = must_realloc(out->data, out->size);
        }
        if (n)
                memcpy(out->data + out->len, bytes, n);
        out->len += n;
}

void out_align(struct out *out, size_t align) {
        static const uint8_t zero[8];

        out_bytes(out, zero, -out->len & (align - 1));
}

void out_u8(struct out *out, uint8_t value) {
        out_bytes(out, &value, 1);
}

void out_u16(struct out *out, uint16_t value) {
        out_align(out, 2);
        out_bytes(out, &value, sizeof(value));
}

void out_u32(struct out *out, uint32_t value) {
        out_align(out, 4);
        out_bytes(out, &value, sizeof(value));
}

void out_u64(struct out *out, uint64_t value) {
        out_align(out, 8);
        out_bytes(out, &value, sizeof(value));
}

void out_string(struct out *out, const char *string) {
        size_t n = strlen(string);

        out_u32(out, (uint32_t)n);
        out_bytes(out, string, n + 1);
}

void out_signature(struct out *out, const char *signature) {
        size_t n = strlen(signature);

        out_u8(out, (uint8_t)n);
        out_bytes(out, signature, n + 1);
}

size_t out_array(struct out *out, size_t align) {
        size_t mark;

        out_u32(out, 0);
        mark = out->len - 4;
        out_align(out, align);
        return mark;
}

void out_array_end(struct out *out, size_t mark, size_t align) {
        size_t start = (mark + 4 + align - 1) & ~(align - 1);
        uint32_t n = (uint32_t)(out->len - start);

        memcpy(out->data + mark, &n, sizeof(n));
}

void out_entry(struct out *out, const char *key, const char *signature) {
        out_align(out, 8);
        out_string(out, key);
        out_signature(out, signature);
}

static void header_field(struct out *out, enum field code, const char *type, const char *value) {
        if (!value)
                return;
        out_align(out, 8);
        out_u8(out, (uint8_t)code);
        out_signature(out, type);
        if (*type == 'g')
                out_signature(out, value);
        else
                out_string(out, value);
}

void message_header(const struct call *call, struct out *ret) {
        const uint8_t head[] = { ENDIAN_MARK, MESSAGE_CALL, call->flags, 1 };
        size_t mark;

        out_bytes(ret, head, sizeof(head));
        out_u32(ret, call->body ? (uint32_t)call->body->len : 0);
        out_u32(ret, call->serial);
        mark = out_array(ret, 8);
        header_field(ret, FIELD_PATH, "o", call->path);
        header_field(ret, FIELD_TO, "s", call->destination);
        header_field(ret, FIELD_INTERFACE, "s", call->interface);
        header_field(ret, FIELD_MEMBER, "s", call->member);
        header_field(ret, FIELD_SIGNATURE, "g", call->signature);
        if (call->n_fds) {
                out_align(ret, 8);
                out_u8(ret, FIELD_FDS);
                out_signature(ret, "u");
                out_u32(ret, call->n_fds);
        }
        out_array_end(ret, mark, 8);
        out_align(ret, 8);
}

static const uint8_t *in_bytes(struct in *in, size_t n) {
        const uint8_t *p = in->base + in->pos;

        if (in->bad || in->end - in->pos < n) {
                in->bad = true;
                return NULL;
        }
        in->pos += n;
        return p;
}

void in_align(struct in *in, size_t align) {
        in_bytes(in, -in->pos & (align - 1));
}

static void in_number(struct in *in, void *ret, size_t size) {
        const uint8_t *p;

        in_align(in, size);
        p = in_bytes(in, size);
        if (p)
                memcpy(ret, p, size);
}

uint8_t in_u8(struct in *in) {
        uint8_t value = 0;

        in_number(in, &value, sizeof(value));
        return value;
}

uint16_t in_u16(struct in *in) {
        uint16_t value = 0;

        in_number(in, &value, sizeof(value));
        return value;
}

uint32_t in_u32(struct in *in) {
        uint32_t value = 0;

        in_number(in, &value, sizeof(value));
        return value;
}

uint64_t in_u64(struct in *in) {
        uint64_t value = 0;

        in_number(in, &value, sizeof(value));
        return value;
}

/* @n bytes and the NUL behind them, with none inside. */
static const char *in_terminated(struct in *in, size_t n) {
        const uint8_t *p = in_bytes(in, n + 1);

        if (p && memchr(p, 0, n + 1) != p + n) {
                in->bad = true;
                p = NULL;
        }
        return (const char *)p;
}

const char *in_string(struct in *in) {
        return in_terminated(in, in_u32(in));
}

const char *in_signature(struct in *in) {
        return in_terminated(in, in_u8(in));
}

static size_t type_align(char type) {
        switch (type) {
        case 'n':
        case 'q': return 2;
        case 'b':
        case 'i':
        case 'u':
        case 'h':
        case 's':
        case 'o':
        case 'a': return 4;
        case 'x':
        case 't':
        case 'd':
        case '(':
        case '{': return 8;
        default: return 1;
        }
}

static const char *type_end_within(const char *p, unsigned depth) {
        const char *open = p;

        if (!*p || depth > MESSAGE_DEPTH_MAX)
                return NULL;
        if (*p == 'a')
                return type_end_within(p + 1, depth + 1);
        if (*p == '(' || *p == '{') {
                char close = *p == '(' ? ')' : '}';

                /* One member at least: an array of nothing would be read for ever. */
                do
                        p = type_end_within(p == open ? p + 1 : p, depth + 1);
                while (p && *p != close);
                return p ? p + 1 : NULL;
        }
        return strchr("ybnqiuxtdsoghv", *p) ? p + 1 : NULL;
}

const char *type_end(const char *signature) {
        return type_end_within(signature, 0);
}

size_t in_array(struct in *in, const char *element) {
        size_t n = in_u32(in);

        in_align(in, type_align(*element));
        if (in->bad || in->end - in->pos < n) {
                in->bad = true;
                return in->pos;
        }
        return in->pos + n;
}

bool in_more(struct in *in, size_t end) {
        if (in->pos > end)
                in->bad = true;
        return !in->bad && in->pos < end;
}

static void skip_value(struct in *in, const char *type, unsigned depth);

static void skip_array(struct in *in, const char *element, unsigned depth) {
        size_t end = in_array(in, element);

        while (in_more(in, end))
                skip_value(in, element, depth);
}

static void skip_struct(struct in *in, const char *type, unsigned depth) {
        in_align(in, 8);
        for (type++; type && *type && !strchr(")}", *type) && !in->bad; type = type_end(type))
                skip_value(in, type, depth);
}

static void skip_variant(struct in *in, unsigned depth) {
        const char *type = in_signature(in), *end = type ? type_end(type) : NULL;

        if (!end || *end)
                in->bad = true;
        else
                skip_value(in, type, depth);
}

static void skip_value(struct in *in, const char *type, unsigned depth) {
        if (depth > MESSAGE_DEPTH_MAX)
                in->bad = true;
        else if (*type == 'a')
                skip_array(in, type + 1, depth + 1);
        else if (*type == '(' || *type == '{')
                skip_struct(in, type, depth + 1);
        else if (*type == 'v')
                skip_variant(in, depth + 1);
        else if (*type == 's' || *type == 'o')
                in_string(in);
        else if (*type == 'g')
                in_signature(in);
        else {
                in_align(in, type_align(*type));
                in_bytes(in, type_align(*type));
        }
}

void in_skip(struct in *in, const char *type) {
        if (type_end(type))
                skip_value(in, type, 0);
        else
                in->bad = true;
}

static uint32_t head_u32(const uint8_t *p) {
        uint32_t value;

        memcpy(&value, p, sizeof(value));
        return value;
}

size_t message_size(const uint8_t *head) {
        uint64_t body = head_u32(head + 4), fields = head_u32(head + 12);
        uint64_t n = 16 + ((fields + 7) & ~7ull) + body;

        return head[0] == ENDIAN_MARK && head[3] == 1 && n <= MESSAGE_MAX ? (size_t)n : 0;
}

static void parse_field(struct in *in, struct message *ret) {
        uint8_t code;
        const char *type;

        in_align(in, 8);
        code = in_u8(in);
        type = in_signature(in);
        if (!type)
                return;
        if (code == FIELD_PATH && !strcmp(type, "o"))
                ret->path = in_string(in);
        else if (code == FIELD_INTERFACE && !strcmp(type, "s"))
                ret->interface = in_string(in);
        else if (code == FIELD_MEMBER && !strcmp(type, "s"))
                ret->member = in_string(in);
        else if (code == FIELD_ERROR && !strcmp(type, "s"))
                ret->error = in_string(in);
        else if (code == FIELD_FROM && !strcmp(type, "s"))
                ret->sender = in_string(in);
        else if (code == FIELD_SIGNATURE && !strcmp(type, "g"))
                ret->signature = in_signature(in);
        else if (code == FIELD_REPLY && !strcmp(type, "u"))
                ret->reply_serial = in_u32(in);
        else if (code == FIELD_FDS && !strcmp(type, "u"))
                ret->n_fds = in_u32(in);
        else
                in_skip(in, type);
}

/* The whole body is what its signature says, to the last byte: who reads it afterwards may recurse and never meets a surprise. */
static bool body_valid(struct in in, const char *signature) {
        for (; signature && *signature; signature = type_end(signature))
                in_skip(&in, signature);
        return signature && !in.bad && in.pos == in.end;
}

int message_parse(const uint8_t *bytes, size_t n, struct message *ret) {
        struct message m = { .signature = "" };
        struct in in = { bytes, 12, n, n < 16 };
        size_t end;

        if (in.bad || message_size(bytes) != n)
                return -EBADMSG;
        m.type = bytes[1];
        end = in_array(&in, "(");
        while (in_more(&in, end))
                parse_field(&in, &m);
        in_align(&in, 8);
        if (in.bad || m.n_fds > MESSAGE_FDS_MAX || !body_valid(in, m.signature))
                return -EBADMSG;
        m.body = in;
        *ret = m;
        return 0;
}

bool message_is_signal(const struct message *message, const char *interface, const char *member) {
        return message->type == MESSAGE_SIGNAL && message->interface && message->member &&
               !strcmp(message->interface, interface) && !strcmp(message->member, member);
}

const char *message_text(const struct message *message) {
        struct in in = message->body;

        return *message->signature == 's' ? in_string(&in) : NULL;
}
