/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule makes of an answer that the request left open; of the library only. */
#pragma once

#include "policy/rule.h"

/* The profile that a command gets under an allowing rule; NULL: what was asked is not listed. */
const char *profile_for(const struct policy_rule *rule, const char *asked);
