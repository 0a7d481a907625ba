/* SPDX-License-Identifier: Apache-2.0 */
/* Named values. Memory that runs out is remembered, not reported: who uses a dict asks it once, at the end. */
#include "broker/dict.h"

#include "broker/text.h"

#include <stdlib.h>
#include <string.h>

struct dict *dict_new(void) {
        return calloc(1, sizeof(struct dict));
}

static void free_value(struct dict_value *value) {
        switch (value->type) {
        case DICT_STRING:
        case DICT_PATH: free(value->string); break;
        case DICT_STRINGS:
                for (size_t i = 0; i < value->strings.n; i++)
                        free(value->strings.list[i]);
                free(value->strings.list);
                break;
        case DICT_BYTES: free(value->bytes.data); break;
        case DICT_UINTS: free(value->uints.list); break;
        case DICT_DICT: dict_free(value->dict); break;
        case DICT_BOOL:
        case DICT_INT:
        case DICT_UINT:
        case DICT_UINT64: break;
        }
}

struct dict *dict_free(struct dict *dict) {
        if (!dict)
                return NULL;
        for (size_t i = 0; i < dict->n; i++)
                free_value(&dict->values[i]);
        free(dict->values);
        free(dict);
        return NULL;
}

void dict_freep(struct dict **dict) {
        dict_free(*dict);
}

/* Room for one more: a list grows at each power of two from 8 on, so that its length says when. */
static void *grow(struct dict *dict, void *list, size_t n, size_t each) {
        void *grown = list;

        if (n == 0 || (n >= 8 && (n & (n - 1)) == 0))
                grown = reallocarray(list, n ? n * 2 : 8, each);
        if (!grown)
                dict->failed = true;
        return grown;
}

static struct dict_value *add(struct dict *dict, const char *key, enum dict_type type) {
        struct dict_value *grown = grow(dict, dict->values, dict->n, sizeof *grown);

        if (!grown)
                return NULL;
        dict->values = grown;
        grown[dict->n] = (struct dict_value){ .key = key, .type = type };
        return &grown[dict->n++];
}

static char *copy_text(struct dict *dict, const char *text, bool exactly) {
        size_t n = strlen(text);
        char *copy;

        if (text_is_utf8(text, n) && !(exactly && text_looks_decodable(text))) {
                copy = strdup(text);
        } else {
                copy = malloc(4 * n + 1);
                if (copy)
                        copy[text_decodable(text, n, copy, 4 * n)] = 0;
        }
        if (!copy)
                dict->failed = true;
        return copy;
}

void dict_string(struct dict *dict, const char *key, const char *text) {
        struct dict_value *value = add(dict, key, DICT_STRING);

        if (value)
                value->string = copy_text(dict, text, false);
}

void dict_path(struct dict *dict, const char *key, const char *path) {
        struct dict_value *value = add(dict, key, DICT_PATH);

        if (value)
                value->string = copy_text(dict, path, false);
}

static void add_number(struct dict *dict, const char *key, enum dict_type type, uint64_t number) {
        struct dict_value *value = add(dict, key, type);

        if (value)
                value->number = number;
}

void dict_bool(struct dict *dict, const char *key, bool value) {
        add_number(dict, key, DICT_BOOL, value);
}

void dict_int(struct dict *dict, const char *key, int32_t value) {
        add_number(dict, key, DICT_INT, (uint64_t)(int64_t)value);
}

void dict_uint(struct dict *dict, const char *key, uint32_t value) {
        add_number(dict, key, DICT_UINT, value);
}

void dict_uint64(struct dict *dict, const char *key, uint64_t value) {
        add_number(dict, key, DICT_UINT64, value);
}

void dict_bytes(struct dict *dict, const char *key, const void *data, size_t size) {
        struct dict_value *value = add(dict, key, DICT_BYTES);

        if (!value)
                return;
        value->bytes.data = malloc(size ? size : 1);
        if (!value->bytes.data) {
                dict->failed = true;
                return;
        }
        if (size)
                memcpy(value->bytes.data, data, size);
        value->bytes.size = size;
}

void dict_uints(struct dict *dict, const char *key, const uint32_t *list, size_t n) {
        struct dict_value *value = add(dict, key, DICT_UINTS);

        if (!value)
                return;
        value->uints.list = calloc(n ? n : 1, sizeof *list);
        if (!value->uints.list) {
                dict->failed = true;
                return;
        }
        if (n)
                memcpy(value->uints.list, list, n * sizeof *list);
        value->uints.n = n;
}

void dict_strings(struct dict *dict, const char *key) {
        add(dict, key, DICT_STRINGS);
}

static void strings_add_text(struct dict *dict, const char *text, bool exactly) {
        struct dict_value *value = dict->n ? &dict->values[dict->n - 1] : NULL;
        char **grown;

        if (!value || value->type != DICT_STRINGS) {
                dict->failed = true;
                return;
        }
        grown = grow(dict, value->strings.list, value->strings.n, sizeof *grown);
        if (!grown)
                return;
        value->strings.list = grown;
        grown[value->strings.n] = copy_text(dict, text, exactly);
        if (grown[value->strings.n])
                value->strings.n++;
}

void dict_strings_add(struct dict *dict, const char *text) {
        strings_add_text(dict, text, false);
}

void dict_strings_add_bytes(struct dict *dict, const char *text) {
        strings_add_text(dict, text, true);
}

void dict_dict(struct dict *dict, const char *key, struct dict *inner) {
        struct dict_value *value;

        if (!inner || inner->failed) {
                dict->failed = true;
                dict_free(inner);
                return;
        }
        value = add(dict, key, DICT_DICT);
        if (value)
                value->dict = inner;
        else
                dict_free(inner);
}

const struct dict_value *dict_find(const struct dict *dict, const char *key) {
        for (size_t i = 0; i < dict->n; i++)
                if (strcmp(dict->values[i].key, key) == 0)
                        return &dict->values[i];
        return NULL;
}
