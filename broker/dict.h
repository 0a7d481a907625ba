/* SPDX-License-Identifier: Apache-2.0 */
/* A flat list of named, typed values: what records, listings and explanations are before a bus or a log sees them. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dict_type {
        DICT_STRING = 's',
        DICT_BOOL = 'b',
        DICT_INT = 'i',
        DICT_UINT = 'u',
        DICT_UINT64 = 't',
        DICT_PATH = 'o',
        DICT_STRINGS = 'S', /* as */
        DICT_BYTES = 'Y',   /* ay */
        DICT_UINTS = 'U',   /* au */
        DICT_DICT = 'D',    /* a{sv} */
};

struct dict;

struct dict_value {
        const char *key; /* a literal: never freed */
        enum dict_type type;
        union {
                char *string;
                uint64_t number; /* bool, int (as uint64_t), uint, uint64 */
                struct {
                        char **list;
                        size_t n;
                } strings;
                struct {
                        uint8_t *data;
                        size_t size;
                } bytes;
                struct {
                        uint32_t *list;
                        size_t n;
                } uints;
                struct dict *dict;
        };
};

struct dict {
        struct dict_value *values;
        size_t n;
        bool failed; /* memory ran out: what is missing is unknown, so it may not be used */
};

struct dict *dict_new(void);
struct dict *dict_free(struct dict *dict); /* takes and returns NULL */
void dict_freep(struct dict **dict);

/* All of them copy, and set failed where memory runs out. Strings that are no UTF-8 are escaped. */
void dict_string(struct dict *dict, const char *key, const char *value);
void dict_path(struct dict *dict, const char *key, const char *value);
void dict_bool(struct dict *dict, const char *key, bool value);
void dict_int(struct dict *dict, const char *key, int32_t value);
void dict_uint(struct dict *dict, const char *key, uint32_t value);
void dict_uint64(struct dict *dict, const char *key, uint64_t value);
void dict_bytes(struct dict *dict, const char *key, const void *data, size_t size);
void dict_uints(struct dict *dict, const char *key, const uint32_t *list, size_t n);
/* An empty list that dict_strings_add() fills; it is always the last value of the dict that is filled. */
void dict_strings(struct dict *dict, const char *key);
void dict_strings_add(struct dict *dict, const char *value);
/* Bytes that somebody gave: as they are, or by text_decodable() where they are no UTF-8 or could be taken for its result: so that
 * they are had back exactly by undoing \\ and \xNN wherever these stand. */
void dict_strings_add_bytes(struct dict *dict, const char *value);
/* Takes over the inner one, NULL included (then failed). */
void dict_dict(struct dict *dict, const char *key, struct dict *value);
const struct dict_value *dict_find(const struct dict *dict, const char *key);
