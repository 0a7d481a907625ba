/* SPDX-License-Identifier: Apache-2.0 */
/* The one parser of users and groups: digits are a number and nothing else, so no spelling becomes another identity. */
#include <errno.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/rule.h"

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* 2^32-1 means "leave it as it is" to the kernel; leading zeros mean octal to some. */
static int number(const char *text, size_t len, uint32_t *ret) {
        uint64_t n = 0;

        if (len > 10 || (len > 1 && text[0] == '0'))
                return 1;
        for (size_t i = 0; i < len; i++)
                n = n * 10 + (uint64_t)(text[i] - '0');
        if (n >= UINT32_MAX)
                return 1;
        *ret = (uint32_t)n;
        return 0;
}

static bool is_name(const char *text, size_t len) {
        if (len == 0 || len > POLICY_NAME_BYTES || !is_letter(text[0]))
                return false;
        for (size_t i = 1; i < len; i++)
                if (!is_letter(text[i]) && !is_digit(text[i]) && text[i] != '-' && text[i] != '.' &&
                    !(text[i] == '$' && i == len - 1))
                        return false;
        return true;
}

static bool is_all_digits(const char *text, size_t len) {
        for (size_t i = 0; i < len; i++)
                if (!is_digit(text[i]))
                        return false;
        return len > 0;
}

int policy_id_parse(const char *text, size_t len, bool *ret_is_number, uint32_t *ret_id) {
        bool digits = is_all_digits(text, len);
        uint32_t id = 0;

        if (digits ? number(text, len, &id) != 0 : !is_name(text, len))
                return 1;
        *ret_is_number = digits;
        *ret_id = id;
        return 0;
}

int policy_user_spec_parse(const char *text, struct policy_user_spec *ret) {
        const char *colon = strchr(text, ':');
        struct policy_user_spec spec = { .user = text };

        spec.user_len = colon ? (size_t)(colon - text) : strnlen(text, POLICY_NAME_BYTES + 1);
        if (policy_id_parse(text, spec.user_len, &spec.user_is_number, &spec.uid) != 0)
                return 1;
        if (colon) {
                spec.group = colon + 1;
                spec.group_len = strnlen(spec.group, POLICY_NAME_BYTES + 1);
                if (policy_id_parse(spec.group, spec.group_len, &spec.group_is_number, &spec.gid) !=
                    0)
                        return 1;
        }
        *ret = spec;
        return 0;
}
