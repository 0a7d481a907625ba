/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D-Bus messages as bytes: writing a call, reading what comes back. Pure: no descriptors, no allocation while reading.
 *
 * Why not libdbus here: as Debian builds it, it loads libsystemd and with it gcrypt, lzma, zstd and lz4, which is 0.7 ms of a
 * program's start; connecting by libdbus and one call are 1.69 ms, with these files 0.73 ms. The whole command may take what
 * nsenter takes, about 2 ms. See docs/cli.md. The service itself uses libdbus.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_MAX (32u << 20)
#define MESSAGE_FDS_MAX 16
#define MESSAGE_DEPTH_MAX 32

enum message_type { MESSAGE_CALL = 1, MESSAGE_REPLY, MESSAGE_ERROR, MESSAGE_SIGNAL };
enum message_flag { MESSAGE_NO_REPLY = 1, MESSAGE_INTERACTIVE = 4 };

/* Bytes being written; alignment counts from their beginning. */
struct out {
        uint8_t *data;
        size_t len, size;
};

void out_free(struct out *out);
void out_align(struct out *out, size_t align);
void out_u8(struct out *out, uint8_t value);
void out_u16(struct out *out, uint16_t value);
void out_u32(struct out *out, uint32_t value);
void out_u64(struct out *out, uint64_t value);
void out_string(struct out *out, const char *string);
void out_signature(struct out *out, const char *signature);
void out_bytes(struct out *out, const void *bytes, size_t n);
/* An array: the mark that out_array() gives is handed to out_array_end() after the elements, which are aligned to @align. */
size_t out_array(struct out *out, size_t align);
void out_array_end(struct out *out, size_t mark, size_t align);
/* The beginning of one entry of an a{sv}: its key and the signature of the value that follows. */
void out_entry(struct out *out, const char *key, const char *signature);

struct call {
        const char *destination, *path, *interface, *member, *signature;
        const struct out *body;
        uint8_t flags;
        uint32_t serial, n_fds;
};

/* The header of a call, padded, ready for its body to follow. */
void message_header(const struct call *call, struct out *ret);

/* Bytes being read. An error sticks: everything read after it is zero, empty or NULL, and bad is set. */
struct in {
        const uint8_t *base;
        size_t pos, end;
        bool bad;
};

uint8_t in_u8(struct in *in);
uint16_t in_u16(struct in *in);
uint32_t in_u32(struct in *in);
uint64_t in_u64(struct in *in);
const char *in_string(struct in *in);
const char *in_signature(struct in *in);
/* Enters an array whose elements are of the type that @element begins with; the value is its end for in_more(). */
size_t in_array(struct in *in, const char *element);
bool in_more(struct in *in, size_t end);
void in_align(struct in *in, size_t align);
void in_skip(struct in *in, const char *type);
/* The first byte after one complete type, NULL where @signature does not begin with one. */
const char *type_end(const char *signature);

struct message {
        uint8_t type;
        uint32_t reply_serial, n_fds;
        const char *path, *interface, *member, *error, *sender, *signature;
        struct in body;
        int fds[MESSAGE_FDS_MAX];
};

/* The size of the whole message whose first 16 bytes are @head; 0 where it is none that we take. */
size_t message_size(const uint8_t *head);
/* 0, or -EBADMSG; ret points into @bytes. */
int message_parse(const uint8_t *bytes, size_t n, struct message *ret);
bool message_is_signal(const struct message *message, const char *interface, const char *member);
/* The body's first string, or NULL. */
const char *message_text(const struct message *message);
