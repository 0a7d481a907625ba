/* SPDX-License-Identifier: Apache-2.0 */
/* json-c, as strict as it can be. Root's engines wrote the text, but the container's maker chose much of it. */
#include "broker/json.h"

#include <errno.h>
#include <string.h>

#define DEPTH 32

void json_put(struct json_object **object) {
        json_object_put(*object);
}

int json_bad(struct error *error, const char *origin, const char *what) {
        return error_set(error, OUTCOME_HELPER_FAILED, "%s of the engine: %s", origin, what);
}

int json_parse(const char *text, size_t size, json_type type, const char *origin,
               struct json_object **ret, struct error *error) {
        struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
        struct json_object *object;
        size_t end;

        if (!tokener)
                return -ENOMEM;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        object = json_tokener_parse_ex(tokener, text, (int)size);
        end = json_tokener_get_parse_end(tokener);
        json_tokener_free(tokener);
        while (end < size && strchr(" \t\r\n", text[end]) && text[end])
                end++;
        if (!object || end != size || !json_object_is_type(object, type)) {
                json_object_put(object);
                return json_bad(error, origin, type == json_type_object ? "is no JSON object" : "is no JSON of the kind expected");
        }
        *ret = object;
        return 0;
}

struct json_object *json_member(struct json_object *object, const char *name, json_type type) {
        struct json_object *value = NULL;

        if (!object || !json_object_object_get_ex(object, name, &value) ||
            !json_object_is_type(value, type))
                return NULL;
        return value;
}

uint64_t json_number(struct json_object *object, const char *name) {
        struct json_object *value = json_member(object, name, json_type_int);
        int64_t n = value ? json_object_get_int64(value) : 0;

        return n > 0 ? (uint64_t)n : 0;
}

const char *json_text(struct json_object *value) {
        const char *text = json_object_is_type(value, json_type_string)
                                 ? json_object_get_string(value)
                                 : NULL;

        /* A NUL within it would make two readers see two texts. */
        return text && strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}
