/* SPDX-License-Identifier: Apache-2.0 */
/* The three parts of airlock policy. */
#pragma once

struct ask;
struct policy_sources;

/* @ask's arguments are what follows the name. An exit status. */
int policy_check_main(const struct ask *ask);
int policy_show_main(const struct ask *ask);
int policy_status_main(const struct ask *ask);

/* A folder that a user named. 0, and *ret is its absolute path without links; or 2 after a line on stderr. */
int policy_folder(const char *name, char **ret);
