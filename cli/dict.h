/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an a{sv} out of a message, and its forms for people and programs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/message.h"
#include "cli/text.h"

/* @dict stands before the array; @value is set before the value, @type is its signature. */
bool dict_find(struct in dict, const char *key, struct in *value, const char **type);
/* A number or bool of any width, a string, another a{sv}; the fallback where there is none. */
int64_t dict_number(struct in dict, const char *key, int64_t fallback);
const char *dict_string(struct in dict, const char *key);
bool dict_dict(struct in dict, const char *key, struct in *ret);

/* One value as JSON: pure ASCII, so that nothing in it can act on a terminal. */
void json_string(struct text *text, const char *string);
void json_value(struct text *text, struct in *in, const char *type);
/* One value in one line for people: lists with blanks between their items, escaped. */
void plain_value(struct text *text, struct in *in, const char *type);
/* Every entry of @dict as "key: value" lines, dicts inside indented. */
void plain_dict(struct text *text, struct in dict, unsigned indent);

/* The exit status that a record stands for; where it is not the command's own a line on stderr says why. */
int record_status(struct in record, const char *what);
