/* SPDX-License-Identifier: Apache-2.0 */
/* Reads folders of rules into a frozen set. With folder.c and check.c the only part of policy/ that does I/O. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct policy_set;
struct policy_cases;
struct policy_errors;

struct policy_sources {
        const char *const *
                folders; /* absolute, the weakest first: a file hides those of its name in weaker ones */
        size_t n_folders;
        bool any_owner; /* for a check of somebody's own rules: the files need not belong to root */
};

/* lib < run < etc, as compiled in. */
const struct policy_sources *policy_system_sources(void);

/*
 * All or nothing. 0: *ret is the new set; 1: the files have errors, which are appended (warnings may be there in both
 * cases); < 0: -errno. Folders that do not exist hold no rules. *ret is set on 0 only.
 */
int policy_load(const struct policy_sources *sources, struct policy_set **ret,
                struct policy_errors *errors);
/* The test cases in the same folders, as policy_load() loads rules. */
int policy_load_cases(const struct policy_sources *sources, struct policy_cases **ret,
                      struct policy_errors *errors);
