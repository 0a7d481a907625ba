/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each key that can match; of match*.c only. In each: a denying rule matches what it names, an absent
 * key of it everything; an allowing rule covers what it names, an absent key of it the least. */
#pragma once

#include "policy/policy.h"
#include "policy/rule.h"

typedef enum policy_tri match_key(const struct policy_rule *rule, const struct policy_request *req);

match_key match_image, match_label, match_owner, match_target, match_command;
match_key match_as_user, match_as_group;
match_key match_capabilities, match_seccomp, match_no_new_privileges, match_selinux_label,
        match_tty, match_fds, match_files;
match_key match_env_allow, match_env_deny, match_env_set;
match_key match_limits, match_client_gone, match_reason, match_when;

bool patterns_match(const struct pattern *patterns, size_t n, const char *text);
