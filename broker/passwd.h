/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups of a target, of the text of its own passwd and group files, which may be hostile. Pure. */
#pragma once

#include "broker/error.h"
#include "broker/string-list.h"
#include "common/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct passwd_user {
        char name[257];
        uint32_t uid;
        uint32_t gid;
        char home[LIMIT_CWD_BYTES];
        char shell[LIMIT_CWD_BYTES];
};

/* The first well-formed line of this name, or of this uid where name is NULL. Lines that are not exactly seven fields with strict
 * decimal ids do not exist. A home or shell that is no absolute path is empty. */
bool passwd_find(const char *text, size_t size, const char *name, uint32_t uid,
                 struct passwd_user *ret);
/* The first well-formed line of four fields. */
bool passwd_find_group(const char *text, size_t size, const char *name, uint32_t *ret_gid);
/* Groups that have this member, without duplicates and without gid itself. False: more than max. */
bool passwd_member_groups(const char *text, size_t size, const char *member, uint32_t *groups,
                          uint32_t *n);

/* Who a command runs as; numbers are those inside the target. */
struct identity {
        uint32_t uid;
        uint32_t gid;
        uint32_t groups[LIMIT_GROUPS];
        uint32_t n_groups;
        uint32_t asked_groups
                [LIMIT_GROUPS +
                 2]; /* numbers of the groups that were named: with the user, group, groups, in this order */
        uint32_t n_asked_groups;
        char home[LIMIT_CWD_BYTES];
        char shell[LIMIT_CWD_BYTES]; /* /bin/sh where the target's passwd names none, as login(1) has it */
};

/* What was asked, and the files as far as they are there (NULL: not there). */
struct passwd_query {
        const char *
                user; /* USER or USER:GROUP; checked before; NULL: base is the target's default, which stays */
        const char *group;            /* of its own option: replaces the primary one */
        const struct strings *groups; /* supplementary ones that are added */
        const char *passwd;
        size_t passwd_size;
        const char *group_file;
        size_t group_size;
};

/* 0; OUTCOME_BAD_USER with a text. *identity comes with the target's default user. */
int passwd_resolve(const struct passwd_query *query, struct identity *identity,
                   struct error *error);
