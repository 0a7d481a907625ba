/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads seccomp profiles: a containers-format file, or the section of an OCI config. It decides
 * nothing and compiles nothing; what it cannot understand whole it refuses whole.
 */
#include "broker/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/profile-rule.h"
#include "common/fd.h"
#include "common/outcome.h"
#include "common/sha256.h"

#define OCI_MAX_DEPTH 32 /* of a whole config.json */

static void json_freep(struct json_object **object) {
        json_object_put(*object);
}

static void tokener_freep(struct json_tokener **tokener) {
        if (*tokener)
                json_tokener_free(*tokener);
}

/* Where a string that begins at i ends: the parser saw that it does. */
static size_t string_end(const char *text, size_t size, size_t i) {
        for (i++; i < size && text[i] != '"'; i++)
                if (text[i] == '\\')
                        i++;
        return i;
}

/* json-c takes a number above 2^64-1 for 2^64-1, silently: another comparison than the file's. */
static bool numbers_fit(const char *text, size_t size) {
        uint64_t n = 0;

        for (size_t i = 0; i < size; i++) {
                if (text[i] == '"')
                        i = string_end(text, size, i);
                if (i >= size || text[i] < '0' || text[i] > '9')
                        n = 0;
                else if (__builtin_mul_overflow(n, 10, &n) ||
                         __builtin_add_overflow(n, text[i] - '0', &n))
                        return false;
        }
        return true;
}

static int check_rest(const struct profile_place *place, const char *text, size_t size,
                      size_t end) {
        while (end < size && strchr(" \t\r\n", text[end]))
                end++;
        if (end < size)
                return profile_refuse(place, "is no JSON: something follows its end");
        if (!numbers_fit(text, size))
                return profile_refuse(
                        place, "holds a number above 2^64-1: no whole number that can be kept");
        return 0;
}

static int json_parse(const struct profile_place *place, const char *text, size_t size, int depth,
                      struct json_object **ret) {
        _cleanup_(tokener_freep) struct json_tokener *tokener = NULL;
        struct json_object *object;
        int r;

        if (size == 0 || size > PROFILE_MAX_BYTES)
                return profile_refuse(place, "size is not from 1 byte to 1 MiB");
        if (memchr(text, 0, size))
                return profile_refuse(place, "is no JSON: holds a NUL byte");
        tokener = json_tokener_new_ex(depth);
        if (!tokener)
                return -ENOMEM;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        object = json_tokener_parse_ex(tokener, text, (int)size);
        if (!object) {
                enum json_tokener_error e = json_tokener_get_error(tokener);

                return profile_refuse(place, "is no JSON: %s at byte %zu",
                                      e == json_tokener_continue || e == json_tokener_success
                                              ? "ends too early"
                                              : json_tokener_error_desc(e),
                                      json_tokener_get_parse_end(tokener));
        }
        r = check_rest(place, text, size, json_tokener_get_parse_end(tokener));
        if (r != 0) {
                json_object_put(object);
                return r;
        }
        *ret = object;
        return 0;
}

/* Names of libseccomp's architectures as the OCI specification lists them. Only x86's can occur
 * here; the others are known so that a profile for many machines is no error. */
static bool arch_is_known(const char *name) {
        static const char *const names[] = {
                "X86_64",  "X86",         "X32",    "ARM",      "AARCH64",     "MIPS",
                "MIPS64",  "MIPS64N32",   "MIPSEL", "MIPSEL64", "MIPSEL64N32", "PPC",
                "PPC64",   "PPC64LE",     "S390",   "S390X",    "PARISC",      "PARISC64",
                "RISCV64", "LOONGARCH64", "M68K",   "SH",       "SHEB",
        };

        if (strncmp(name, "SCMP_ARCH_", 10) != 0)
                return false;
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                if (strcmp(names[i], name + 10) == 0)
                        return true;
        return false;
}

static int parse_arch(const struct profile_place *place, struct json_object *value,
                      const char **ret) {
        const char *name = json_object_is_type(value, json_type_string)
                                 ? json_object_get_string(value)
                                 : "";

        if (!arch_is_known(name))
                return profile_refuse(place, "holds what is no SCMP_ARCH_ name");
        *ret = name;
        return 0;
}

static int parse_arch_list(const struct profile_place *place, struct json_object *array,
                           bool *ret_x86) {
        for (size_t i = 0; i < json_object_array_length(array); i++) {
                const char *name;
                int r = parse_arch(place, json_object_array_get_idx(array, i), &name);

                if (r != 0)
                        return r;
                *ret_x86 |= strcmp(name, "SCMP_ARCH_X86") == 0;
        }
        return 0;
}

/* One element of archMap: of use only where its architecture is ours. */
static int parse_arch_entry(const struct profile_place *place, struct json_object *entry,
                            bool *ret_x86) {
        static const char *const keys[] = { "architecture", "subArchitectures", NULL };
        struct json_object *array, *arch = NULL;
        const char *name;
        bool x86 = false;
        int r;

        r = profile_check_keys(place, entry, keys);
        if (r != 0)
                return r;
        json_object_object_get_ex(entry, "architecture", &arch);
        r = parse_arch(place, arch, &name);
        if (r == 0)
                r = profile_get_array(place, entry, "subArchitectures", &array);
        if (r == 0 && array)
                r = parse_arch_list(place, array, &x86);
        if (r == 0 && strcmp(name, "SCMP_ARCH_X86_64") == 0)
                *ret_x86 |= x86;
        return r;
}

static int parse_arches(const struct profile_place *outer, struct json_object *section,
                        struct profile *p) {
        struct profile_place place = { outer->origin, "architectures", outer->err };
        struct json_object *list, *map;
        int r;

        r = profile_get_array(outer, section, "architectures", &list);
        if (r == 0)
                r = profile_get_array(outer, section, "archMap", &map);
        if (r != 0)
                return r;
        if (list && map && json_object_array_length(list) > 0 && json_object_array_length(map) > 0)
                return profile_refuse(outer, "architectures and archMap exclude each other");
        if (list)
                r = parse_arch_list(&place, list, &p->lists_x86);
        place.where = "archMap";
        for (size_t i = 0; r == 0 && map && i < json_object_array_length(map); i++)
                r = parse_arch_entry(&place, json_object_array_get_idx(map, i), &p->lists_x86);
        return r;
}

/* Flags of seccomp(2). None changes what a filter refuses; the helper loads without any. */
static int check_flags(const struct profile_place *place, struct json_object *section) {
        static const char *const known[] = { "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
                                             "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
                                             "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" };
        struct json_object *array;
        int r;

        r = profile_get_array(place, section, "flags", &array);
        for (size_t i = 0; r == 0 && array && i < json_object_array_length(array); i++) {
                struct json_object *value = json_object_array_get_idx(array, i);
                const char *name = json_object_is_type(value, json_type_string)
                                         ? json_object_get_string(value)
                                         : "";
                size_t k = 0;

                while (k < sizeof(known) / sizeof(*known) && strcmp(known[k], name) != 0)
                        k++;
                if (k == sizeof(known) / sizeof(*known))
                        r = profile_refuse(place, "flags holds what is no seccomp flag");
        }
        return r;
}

static int check_listener(const struct profile_place *place, struct json_object *section) {
        const char *path, *metadata;
        int r;

        r = profile_get_string(place, section, "listenerPath", &path);
        if (r == 0)
                r = profile_get_string(place, section, "listenerMetadata", &metadata);
        if (r == 0 && path && path[0])
                return profile_refuse(
                        place,
                        "listenerPath lets another process answer system calls; not supported");
        return r;
}

static int parse_rule_at(const struct profile_place *outer, struct json_object *array, size_t i,
                         struct profile *p) {
        char where[32];
        struct profile_place place = { outer->origin, where, outer->err };
        struct profile_rule *rule = &p->rules[p->n_rules++];
        int r;

        snprintf(where, sizeof(where), "syscalls[%zu]", i);
        r = profile_parse_rule(&place, json_object_array_get_idx(array, i), rule);
        if (r != 0)
                return r;
        p->n_entries += rule->n_names * (rule->any ? rule->n_args : 1);
        p->caps_used |= rule->includes.caps | rule->excludes.caps;
        if (p->n_entries > PROFILE_MAX_ENTRIES)
                return profile_refuse(outer, "has more than %d entries in all",
                                      PROFILE_MAX_ENTRIES);
        return 0;
}

static int parse_rules(const struct profile_place *place, struct json_object *section,
                       struct profile *p) {
        struct json_object *array;
        size_t n;
        int r;

        r = profile_get_array(place, section, "syscalls", &array);
        n = r == 0 && array ? json_object_array_length(array) : 0;
        if (r != 0 || n == 0)
                return r;
        if (n > PROFILE_MAX_RULES)
                return profile_refuse(place, "has more than %d rules", PROFILE_MAX_RULES);
        p->rules = calloc(n, sizeof(*p->rules));
        if (!p->rules)
                return -ENOMEM;
        for (size_t i = 0; i < n && r == 0; i++)
                r = parse_rule_at(place, array, i, p);
        return r;
}

/* White space and comments' place in the file do not make another profile; the order of its keys
 * does, harmlessly. */
static int digest(struct json_object *section, uint8_t ret[static 32]) {
        size_t size;
        const char *text = json_object_to_json_string_length(section, JSON_C_TO_STRING_PLAIN,
                                                             &size);

        if (!text)
                return -ENOMEM;
        sha256(text, size, ret);
        return 0;
}

static int parse_section(const struct profile_place *place, struct json_object *section,
                         struct profile **ret) {
        static const char *const keys[] = { "defaultAction",
                                            "defaultErrnoRet",
                                            "defaultErrno",
                                            "architectures",
                                            "archMap",
                                            "syscalls",
                                            "flags",
                                            "listenerPath",
                                            "listenerMetadata",
                                            "comment",
                                            NULL };
        _cleanup_(profile_freep) struct profile *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        snprintf(p->origin, sizeof(p->origin), "%s", place->origin);
        r = profile_check_keys(place, section, keys);
        if (r == 0)
                r = profile_parse_action(place, section, "defaultAction", "defaultErrnoRet",
                                         "defaultErrno", &p->default_action);
        if (r == 0)
                r = parse_arches(place, section, p);
        if (r == 0)
                r = check_flags(place, section);
        if (r == 0)
                r = check_listener(place, section);
        if (r == 0)
                r = parse_rules(place, section, p);
        if (r == 0)
                r = digest(section, p->digest);
        if (r != 0)
                return r;
        *ret = p;
        p = NULL;
        return 0;
}

int profile_parse(const char *text, size_t size, const char *origin, struct profile **ret,
                  struct profile_error *err) {
        struct profile_place place = { origin, "", err };
        _cleanup_(json_freep) struct json_object *section = NULL;
        int r;

        r = json_parse(&place, text, size, PROFILE_MAX_DEPTH, &section);
        return r != 0 ? r : parse_section(&place, section, ret);
}

int profile_parse_oci(const char *text, size_t size, const char *origin, struct profile **ret,
                      struct profile_error *err) {
        struct profile_place place = { origin, "", err };
        _cleanup_(json_freep) struct json_object *config = NULL;
        struct json_object *linux_section = NULL, *section = NULL;
        int r;

        r = json_parse(&place, text, size, OCI_MAX_DEPTH, &config);
        if (r != 0)
                return r;
        if (!json_object_is_type(config, json_type_object))
                return profile_refuse(&place, "is no OCI config: no object");
        json_object_object_get_ex(config, "linux", &linux_section);
        if (linux_section && !json_object_is_type(linux_section, json_type_object))
                return profile_refuse(&place, "is no OCI config: linux is no object");
        json_object_object_get_ex(linux_section, "seccomp", &section);
        if (!section) {
                *ret = NULL;
                return 0;
        }
        place.where = "linux.seccomp";
        return parse_section(&place, section, ret);
}

struct profile *profile_free(struct profile *profile) {
        if (!profile)
                return NULL;
        for (size_t i = 0; i < profile->n_rules; i++)
                profile_rule_done(&profile->rules[i]);
        free(profile->rules);
        free(profile);
        return NULL;
}

void profile_freep(struct profile **profile) {
        *profile = profile_free(*profile);
}
