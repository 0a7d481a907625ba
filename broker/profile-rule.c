/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One rule of a seccomp profile, from JSON to struct profile_rule, and the strict accessors of its
 * members.
 */
#include "broker/profile-rule.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "broker/profile.h"
#include "common/caps.h"
#include "common/outcome.h"

int profile_refuse(const struct profile_place *place, const char *format, ...) {
        char text[160];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        snprintf(place->err->text, sizeof(place->err->text), "%.60s: %s%s%s", place->origin,
                 place->where, place->where[0] ? ": " : "", text);
        return OUTCOME_BAD_PROFILE;
}

/* A name from the file goes into an error text: short and printable. */
static const char *printable(const char *text, char buf[static 48]) {
        size_t i;

        for (i = 0; text[i] && i < 40; i++)
                buf[i] = text[i] > ' ' && text[i] < 127 ? text[i] : '?';
        buf[i] = 0;
        return buf;
}

int profile_check_keys(const struct profile_place *place, struct json_object *object,
                       const char *const *known) {
        char buf[48];

        if (!json_object_is_type(object, json_type_object))
                return profile_refuse(place, "is no object");
        json_object_object_foreach(object, key, value) {
                size_t i;

                (void)value;
                for (i = 0; known[i] && strcmp(known[i], key) != 0; i++)
                        ;
                if (!known[i])
                        return profile_refuse(place, "unknown key \"%s\"", printable(key, buf));
        }
        return 0;
}

/* json-c keeps a string's length apart: with a NUL inside, what we compare is not what the file
 * says. */
static bool is_plain_string(struct json_object *value) {
        return json_object_is_type(value, json_type_string) &&
               strlen(json_object_get_string(value)) == (size_t)json_object_get_string_len(value);
}

int profile_get_string(const struct profile_place *place, struct json_object *object,
                       const char *key, const char **ret) {
        struct json_object *value = NULL;

        json_object_object_get_ex(object, key, &value);
        if (value && !is_plain_string(value))
                return profile_refuse(place, "%s is no string", key);
        *ret = value ? json_object_get_string(value) : NULL;
        return 0;
}

int profile_get_array(const struct profile_place *place, struct json_object *object,
                      const char *key, struct json_object **ret) {
        struct json_object *value = NULL;

        json_object_object_get_ex(object, key, &value);
        if (value && !json_object_is_type(value, json_type_array))
                return profile_refuse(place, "%s is no array", key);
        *ret = value;
        return 0;
}

/* json-c clamps what is out of range; the digits tell. */
static bool is_exact(struct json_object *value, uint64_t n) {
        char digits[32];

        snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
        return json_object_get_int64(value) >= 0 &&
               strcmp(digits, json_object_to_json_string(value)) == 0;
}

int profile_get_uint64(const struct profile_place *place, struct json_object *object,
                       const char *key, bool *ret_given, uint64_t *ret) {
        struct json_object *value = NULL;
        uint64_t n;

        json_object_object_get_ex(object, key, &value);
        *ret_given = value != NULL;
        if (!value)
                return 0;
        n = json_object_get_uint64(value);
        if (!json_object_is_type(value, json_type_int) || !is_exact(value, n))
                return profile_refuse(place, "%s is no whole number from 0 to 2^64-1", key);
        *ret = n;
        return 0;
}

static int parse_verb(const struct profile_place *place, const char *key, const char *word,
                      enum profile_verb *ret) {
        static const struct {
                const char *word;
                enum profile_verb verb;
        } verbs[] = {
                { "SCMP_ACT_ALLOW", PROFILE_ALLOW },
                { "SCMP_ACT_LOG", PROFILE_LOG },
                { "SCMP_ACT_ERRNO", PROFILE_ERRNO },
                { "SCMP_ACT_TRAP", PROFILE_TRAP },
                { "SCMP_ACT_KILL", PROFILE_KILL_THREAD },
                { "SCMP_ACT_KILL_THREAD", PROFILE_KILL_THREAD },
                { "SCMP_ACT_KILL_PROCESS", PROFILE_KILL_PROCESS },
        };
        char buf[48];

        if (!word)
                return profile_refuse(place, "%s is missing", key);
        if (strcmp(word, "SCMP_ACT_NOTIFY") == 0 || strcmp(word, "SCMP_ACT_TRACE") == 0)
                return profile_refuse(
                        place, "%s %s lets another process answer system calls; not supported", key,
                        word);
        for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
                if (strcmp(verbs[i].word, word) == 0) {
                        *ret = verbs[i].verb;
                        return 0;
                }
        return profile_refuse(place, "%s \"%s\" is unknown", key, printable(word, buf));
}

static int errno_from_name(const char *name) {
        for (int i = 1; i < 134; i++) {
                const char *known = strerrorname_np(i);

                if (known && strcmp(known, name) == 0)
                        return i;
        }
        return -EINVAL;
}

/* 0 where neither key is given. Both may be, as podman's file has them, if they agree. */
static int parse_errno(const struct profile_place *place, struct json_object *object,
                       const char *number_key, const char *name_key, uint16_t *ret) {
        const char *name;
        uint64_t number;
        bool given;
        int r, from_name = 0;

        r = profile_get_uint64(place, object, number_key, &given, &number);
        if (r == 0)
                r = profile_get_string(place, object, name_key, &name);
        if (r != 0)
                return r;
        /* errno 0 would be a call that is not made and says that it was */
        if (given && (number < 1 || number > 4095))
                return profile_refuse(place, "%s is not from 1 to 4095", number_key);
        if (name && name[0]) {
                from_name = errno_from_name(name);
                if (from_name < 0)
                        return profile_refuse(place, "%s is no errno's name", name_key);
                if (given && number != (uint64_t)from_name)
                        return profile_refuse(place, "%s and %s differ", number_key, name_key);
        }
        *ret = given ? (uint16_t)number : (uint16_t)from_name;
        return 0;
}

int profile_parse_action(const struct profile_place *place, struct json_object *object,
                         const char *action_key, const char *errno_ret_key, const char *errno_key,
                         struct profile_action *ret) {
        struct profile_action action = { 0 };
        const char *word;
        int r;

        r = profile_get_string(place, object, action_key, &word);
        if (r == 0)
                r = parse_verb(place, action_key, word, &action.verb);
        if (r == 0)
                r = parse_errno(place, object, errno_ret_key, errno_key, &action.errno_ret);
        if (r != 0)
                return r;
        if (action.verb != PROFILE_ERRNO && action.errno_ret != 0)
                return profile_refuse(place, "%s with %s, which returns none", errno_ret_key, word);
        if (action.verb == PROFILE_ERRNO && action.errno_ret == 0)
                action.errno_ret = EPERM;
        *ret = action;
        return 0;
}

static int parse_op(const struct profile_place *place, const char *word, enum profile_op *ret) {
        static const char *const ops[] = {
                [PROFILE_EQ] = "SCMP_CMP_EQ",
                [PROFILE_NE] = "SCMP_CMP_NE",
                [PROFILE_LT] = "SCMP_CMP_LT",
                [PROFILE_LE] = "SCMP_CMP_LE",
                [PROFILE_GT] = "SCMP_CMP_GT",
                [PROFILE_GE] = "SCMP_CMP_GE",
                [PROFILE_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
        };
        char buf[48];

        for (size_t i = 0; word && i < sizeof(ops) / sizeof(*ops); i++)
                if (strcmp(ops[i], word) == 0) {
                        *ret = (enum profile_op)i;
                        return 0;
                }
        return profile_refuse(place, "op \"%s\" is unknown", word ? printable(word, buf) : "");
}

static int parse_arg(const struct profile_place *place, struct json_object *object,
                     struct profile_arg *ret) {
        static const char *const keys[] = { "index", "value", "valueTwo", "op", "comment", NULL };
        bool has_index, has_value, has_two;
        uint64_t index = 0, value = 0, two = 0;
        const char *op;
        int r;

        r = profile_check_keys(place, object, keys);
        if (r == 0)
                r = profile_get_uint64(place, object, "index", &has_index, &index);
        if (r == 0)
                r = profile_get_uint64(place, object, "value", &has_value, &value);
        if (r == 0)
                r = profile_get_uint64(place, object, "valueTwo", &has_two, &two);
        if (r == 0)
                r = profile_get_string(place, object, "op", &op);
        if (r != 0)
                return r;
        if (!has_index || index > 5)
                return profile_refuse(place, "index is not from 0 to 5");
        if (!has_value)
                return profile_refuse(place, "value is missing");
        *ret = (struct profile_arg){ .index = (unsigned)index, .value = value, .value_two = two };
        r = parse_op(place, op, &ret->op);
        /* bits that the mask takes out can never be equal: the rule would never match, silently */
        if (r == 0 && ret->op == PROFILE_MASKED_EQ && (two & ~value) != 0)
                return profile_refuse(place, "valueTwo has bits outside the mask in value");
        return r;
}

static int parse_args(const struct profile_place *place, struct json_object *object,
                      struct profile_rule *rule) {
        struct json_object *array;
        unsigned seen = 0;
        int r;

        r = profile_get_array(place, object, "args", &array);
        if (r != 0 || !array)
                return r;
        if (json_object_array_length(array) > PROFILE_MAX_ARGS)
                return profile_refuse(place, "more than %d args", PROFILE_MAX_ARGS);
        for (size_t i = 0; i < json_object_array_length(array); i++) {
                struct profile_arg *arg = &rule->args[i];

                r = parse_arg(place, json_object_array_get_idx(array, i), arg);
                if (r != 0)
                        return r;
                rule->any |= (seen & 1u << arg->index) != 0;
                seen |= 1u << arg->index;
                rule->n_args++;
        }
        return 0;
}

static bool name_is_valid(struct json_object *value) {
        const char *s;

        if (!is_plain_string(value))
                return false;
        s = json_object_get_string(value);
        return s[0] && strlen(s) < PROFILE_NAME_SIZE &&
               s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0;
}

static int add_name(const struct profile_place *place, struct json_object *value,
                    struct profile_rule *rule) {
        if (!name_is_valid(value))
                return profile_refuse(place, "a name is not that of a system call");
        snprintf(rule->names[rule->n_names++], PROFILE_NAME_SIZE, "%s",
                 json_object_get_string(value));
        return 0;
}

/* "names", or the single "name" of docker's first format. */
static int parse_names(const struct profile_place *place, struct json_object *object,
                       struct profile_rule *rule) {
        struct json_object *array, *single = NULL;
        size_t n;
        int r;

        r = profile_get_array(place, object, "names", &array);
        if (r != 0)
                return r;
        json_object_object_get_ex(object, "name", &single);
        n = array ? json_object_array_length(array) : 0;
        if ((n == 0) == !single)
                return profile_refuse(place, "needs names or name, and not both");
        if (n > PROFILE_MAX_NAMES)
                return profile_refuse(place, "more than %d names", PROFILE_MAX_NAMES);
        rule->names = calloc(single ? 1 : n, sizeof(*rule->names));
        if (!rule->names)
                return -ENOMEM;
        if (single)
                return add_name(place, single, rule);
        for (size_t i = 0; i < n && r == 0; i++)
                r = add_name(place, json_object_array_get_idx(array, i), rule);
        return r;
}

/* The kernel of tomorrow has capabilities that we do not know: nobody can hold them here, so a rule
 * that includes one never applies, and one that excludes it does. Bit 63 stands for them. */
#define CAP_UNKNOWN (UINT64_C(1) << 63)

static int parse_caps(const struct profile_place *place, struct json_object *object,
                      uint64_t *ret) {
        struct json_object *array;
        int r;

        r = profile_get_array(place, object, "caps", &array);
        for (size_t i = 0; r == 0 && array && i < json_object_array_length(array); i++) {
                struct json_object *value = json_object_array_get_idx(array, i);
                int cap;

                if (!is_plain_string(value) ||
                    strncmp(json_object_get_string(value), "CAP_", 4) != 0)
                        return profile_refuse(place, "caps holds what is no capability's name");
                cap = caps_from_name(json_object_get_string(value));
                *ret |= cap < 0 ? CAP_UNKNOWN : UINT64_C(1) << cap;
        }
        return r;
}

static int parse_arches(const struct profile_place *place, struct json_object *object,
                        struct profile_condition *ret) {
        struct json_object *array;
        int r;

        r = profile_get_array(place, object, "arches", &array);
        for (size_t i = 0; r == 0 && array && i < json_object_array_length(array); i++) {
                struct json_object *value = json_object_array_get_idx(array, i);

                if (!is_plain_string(value))
                        return profile_refuse(place, "arches holds what is no string");
                ret->has_arches = true;
                ret->native_listed |= strcmp(json_object_get_string(value), "amd64") == 0;
        }
        return r;
}

static int parse_kernel(const struct profile_place *place, struct json_object *object,
                        struct profile_condition *ret) {
        const char *text;
        int used = -1, r;

        r = profile_get_string(place, object, "minKernel", &text);
        if (r != 0 || !text || !text[0])
                return r;
        if (sscanf(text, "%4u.%4u%n", &ret->kernel_major, &ret->kernel_minor, &used) != 2 ||
            used < 0 || text[used] != 0 || text[0] < '0' || text[0] > '9')
                return profile_refuse(place, "minKernel is not MAJOR.MINOR");
        return 0;
}

static int parse_condition(const struct profile_place *place, struct json_object *rule,
                           const char *key, struct profile_condition *ret) {
        static const char *const keys[] = { "caps", "arches", "minKernel", NULL };
        struct json_object *object = NULL;
        int r;

        json_object_object_get_ex(rule, key, &object);
        if (!object)
                return 0;
        r = profile_check_keys(place, object, keys);
        if (r == 0)
                r = parse_caps(place, object, &ret->caps);
        if (r == 0)
                r = parse_arches(place, object, ret);
        if (r == 0)
                r = parse_kernel(place, object, ret);
        return r;
}

int profile_parse_rule(const struct profile_place *place, struct json_object *object,
                       struct profile_rule *ret) {
        static const char *const keys[] = { "names", "name",    "action",   "errnoRet", "errno",
                                            "args",  "comment", "includes", "excludes", NULL };
        int r;

        r = profile_check_keys(place, object, keys);
        if (r == 0)
                r = parse_names(place, object, ret);
        if (r == 0)
                r = profile_parse_action(place, object, "action", "errnoRet", "errno",
                                         &ret->action);
        if (r == 0)
                r = parse_args(place, object, ret);
        if (r == 0)
                r = parse_condition(place, object, "includes", &ret->includes);
        if (r == 0)
                r = parse_condition(place, object, "excludes", &ret->excludes);
        return r;
}

void profile_rule_done(struct profile_rule *rule) {
        free(rule->names);
        rule->names = NULL;
        rule->n_names = 0;
}
