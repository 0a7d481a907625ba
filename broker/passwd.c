/* SPDX-License-Identifier: Apache-2.0 */
/* passwd and group of a container. Its owner writes them, so the worst that a line may do is not to exist. */
#include "broker/passwd.h"

#include "policy/policy.h"

#include <string.h>

#define DEFAULT_SHELL "/bin/sh"

struct field {
        const char *text;
        size_t n;
};

/* The next line without its newline; false at the end. */
static bool next_line(const char **cursor, const char *end, struct field *line) {
        const char *newline;

        if (*cursor >= end)
                return false;
        newline = memchr(*cursor, '\n', (size_t)(end - *cursor));
        line->text = *cursor;
        line->n = (size_t)((newline ? newline : end) - *cursor);
        *cursor = newline ? newline + 1 : end;
        return true;
}

/* Exactly n fields between colons; a NUL in the line would end some reader's text earlier than another's. */
static bool split(const struct field *line, struct field *fields, size_t n) {
        const char *start = line->text, *end = line->text + line->n;

        if (memchr(line->text, 0, line->n))
                return false;
        for (size_t i = 0; i < n; i++) {
                const char *colon = memchr(start, ':', (size_t)(end - start));

                if (!colon != (i == n - 1))
                        return false;
                fields[i].text = start;
                fields[i].n = (size_t)((colon ? colon : end) - start);
                start = colon ? colon + 1 : end;
        }
        return true;
}

static bool number(const struct field *field, uint32_t *ret) {
        bool is_number;

        return policy_id_parse(field->text, field->n, &is_number, ret) == 0 && is_number;
}

static bool equal(const struct field *field, const char *text) {
        return field->n == strlen(text) && memcmp(field->text, text, field->n) == 0;
}

static void copy_path(const struct field *field, char *slot, size_t size) {
        size_t n = field->n;

        if (n == 0 || n >= size || field->text[0] != '/')
                n = 0;
        memcpy(slot, field->text, n);
        slot[n] = 0;
}

bool passwd_find(const char *text, size_t size, const char *name, uint32_t uid,
                 struct passwd_user *ret) {
        const char *cursor = text;
        struct field line, f[7];

        while (next_line(&cursor, text + size, &line)) {
                struct passwd_user user;

                if (!split(&line, f, 7) || f[0].n == 0 || f[0].n >= sizeof user.name ||
                    !number(&f[2], &user.uid) || !number(&f[3], &user.gid))
                        continue;
                if (name ? !equal(&f[0], name) : user.uid != uid)
                        continue;
                memcpy(user.name, f[0].text, f[0].n);
                user.name[f[0].n] = 0;
                copy_path(&f[5], user.home, sizeof user.home);
                copy_path(&f[6], user.shell, sizeof user.shell);
                *ret = user;
                return true;
        }
        return false;
}

bool passwd_find_group(const char *text, size_t size, const char *name, uint32_t *ret_gid) {
        const char *cursor = text;
        struct field line, f[4];
        uint32_t gid;

        while (next_line(&cursor, text + size, &line))
                if (split(&line, f, 4) && equal(&f[0], name) && number(&f[2], &gid)) {
                        *ret_gid = gid;
                        return true;
                }
        return false;
}

static bool has_member(const struct field *list, const char *member) {
        const char *start = list->text, *end = list->text + list->n;

        while (start < end) {
                const char *comma = memchr(start, ',', (size_t)(end - start));
                struct field one = { start, (size_t)((comma ? comma : end) - start) };

                if (equal(&one, member))
                        return true;
                start = comma ? comma + 1 : end;
        }
        return false;
}

static bool add_group(uint32_t gid, uint32_t *groups, uint32_t *n) {
        for (uint32_t i = 0; i < *n; i++)
                if (groups[i] == gid)
                        return true;
        if (*n == LIMIT_GROUPS)
                return false;
        groups[(*n)++] = gid;
        return true;
}

bool passwd_member_groups(const char *text, size_t size, const char *member, uint32_t *groups,
                          uint32_t *n) {
        const char *cursor = text;
        struct field line, f[4];
        uint32_t gid;

        while (next_line(&cursor, text + size, &line))
                if (split(&line, f, 4) && f[0].n > 0 && number(&f[2], &gid) &&
                    has_member(&f[3], member) && !add_group(gid, groups, n))
                        return false;
        return true;
}

static int resolve_group_text(const struct passwd_query *query, const char *text, uint32_t *ret,
                              struct error *error) {
        bool is_number;

        if (policy_id_parse(text, strlen(text), &is_number, ret) != 0)
                return error_set(error, OUTCOME_BAD_USER, "group '%s': neither a name nor a number",
                                 text);
        if (is_number)
                return 0;
        if (query->group_file && passwd_find_group(query->group_file, query->group_size, text, ret))
                return 0;
        return error_set(error, OUTCOME_BAD_USER, "group '%s': not in the target's group file",
                         text);
}

/* A group that the request names: its number is kept, since the rules are asked about it once more. */
static int resolve_group(const struct passwd_query *query, const char *text,
                         struct identity *identity, struct error *error) {
        uint32_t gid = 0;
        int r = resolve_group_text(query, text, &gid, error);

        if (r == 0)
                identity->asked_groups[identity->n_asked_groups++] = gid;
        return r;
}

static int too_many(struct error *error) {
        return error_set(error, OUTCOME_BAD_USER, "user: in more than %u groups", LIMIT_GROUPS);
}

/* The user's line, where there is one; a name needs it, a number does not. */
static int find_user(const struct passwd_query *query, const struct policy_user_spec *spec,
                     struct passwd_user *user, bool *ret_found, struct error *error) {
        char name[257];

        memcpy(name, spec->user, spec->user_len < sizeof name ? spec->user_len : 0);
        name[spec->user_len < sizeof name ? spec->user_len : 0] = 0;
        *ret_found = query->passwd &&
                     passwd_find(query->passwd, query->passwd_size,
                                 spec->user_is_number ? NULL : name, spec->uid, user);
        if (*ret_found || spec->user_is_number)
                return 0;
        return error_set(error, OUTCOME_BAD_USER, "user '%s': not in the target's passwd file",
                         name);
}

static void no_places(struct identity *identity) {
        memcpy(identity->home, "/", 2);
        memcpy(identity->shell, DEFAULT_SHELL, sizeof DEFAULT_SHELL);
}

static void take_places(const struct passwd_user *user, struct identity *identity) {
        if (user->home[0])
                memcpy(identity->home, user->home, sizeof user->home);
        if (user->shell[0])
                memcpy(identity->shell, user->shell, sizeof user->shell);
}

static int resolve_user(const struct passwd_query *query, struct identity *identity,
                        struct error *error) {
        struct policy_user_spec spec;
        struct passwd_user user;
        bool found;
        int r;

        if (policy_user_spec_parse(query->user, &spec) != 0)
                return error_set(error, OUTCOME_BAD_USER, "user '%s': neither a name nor a number",
                                 query->user);
        r = find_user(query, &spec, &user, &found, error);
        if (r)
                return r;
        identity->uid = found ? user.uid : spec.uid;
        identity->gid = found ? user.gid : 0;
        identity->n_groups = 0;
        if (found)
                take_places(&user, identity);
        if (spec.group)
                r = resolve_group(query, spec.group, identity, error);
        if (spec.group || r) {
                identity->gid = r ? 0 : identity->asked_groups[0];
                return r;
        }
        if (found && query->group_file && !query->group &&
            !passwd_member_groups(query->group_file, query->group_size, user.name, identity->groups,
                                  &identity->n_groups))
                return too_many(error);
        return 0;
}

static void find_places(const struct passwd_query *query, struct identity *identity) {
        struct passwd_user user;

        no_places(identity);
        if (query->passwd &&
            passwd_find(query->passwd, query->passwd_size, NULL, identity->uid, &user))
                take_places(&user, identity);
}

int passwd_resolve(const struct passwd_query *query, struct identity *identity,
                   struct error *error) {
        size_t n = query->groups ? query->groups->n : 0;
        int r = 0;

        identity->n_asked_groups = 0;
        find_places(query, identity);
        if (query->user) {
                no_places(identity);
                r = resolve_user(query, identity, error);
        }
        if (r == 0 && query->group)
                r = resolve_group(query, query->group, identity, error);
        if (r == 0 && query->group)
                identity->gid = identity->asked_groups[identity->n_asked_groups - 1];
        for (size_t i = 0; r == 0 && i < n; i++) {
                r = resolve_group(query, query->groups->list[i], identity, error);
                if (r == 0 && !add_group(identity->asked_groups[identity->n_asked_groups - 1],
                                         identity->groups, &identity->n_groups))
                        r = too_many(error);
        }
        return r;
}
