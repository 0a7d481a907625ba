/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON of the engines: whole, bounded in depth, and without the texts that two readers would see two of. Pure. */
#pragma once

#include "broker/error.h"

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

void json_put(struct json_object **object);
/* The one value of a text, of this type; origin is what an error calls the file. 0; -ENOMEM; OUTCOME_HELPER_FAILED with a text. */
int json_parse(const char *text, size_t size, json_type type, const char *origin,
               struct json_object **ret, struct error *error);
int json_bad(struct error *error, const char *origin, const char *what);
/* A member of one type, or NULL: what is of another type counts as absent, and what is needed is then missing. */
struct json_object *json_member(struct json_object *object, const char *name, json_type type);
/* A positive number; else 0. */
uint64_t json_number(struct json_object *object, const char *name);
/* Borrowed; NULL where the value is no string, or one with a NUL in it. */
const char *json_text(struct json_object *value);
