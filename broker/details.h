/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked for a session and what it was granted, for people who look at one of them. Pure. */
#pragma once

#include <stdbool.h>

struct dict;
struct session;

/* What the caller said, by the names of its options; values of the environment for the owner alone. NULL or failed: no memory. */
struct dict *details_asked(const struct session *session, bool for_owner);
/* What runs, of the plan itself; empty where it is not known any more. */
struct dict *details_granted(const struct session *session);
