/* SPDX-License-Identifier: Apache-2.0 */
/* The names of keys, answers and engines. */
#include "policy/policy.h"

static const char *const keys[POLICY_N_KEYS] = {
        [POLICY_KEY_NONE] = "",
        [POLICY_KEY_WHO] = "Who",
        [POLICY_KEY_ACTIVE] = "Active",
        [POLICY_KEY_UNIT] = "Unit",
        [POLICY_KEY_TARGET] = "Target",
        [POLICY_KEY_IMAGE] = "Image",
        [POLICY_KEY_LABEL] = "Label",
        [POLICY_KEY_OWNER] = "Owner",
        [POLICY_KEY_COMMAND] = "Command",
        [POLICY_KEY_AS_USER] = "AsUser",
        [POLICY_KEY_AS_GROUP] = "AsGroup",
        [POLICY_KEY_CAPABILITIES] = "Capabilities",
        [POLICY_KEY_SECCOMP] = "Seccomp",
        [POLICY_KEY_NO_NEW_PRIVILEGES] = "NoNewPrivileges",
        [POLICY_KEY_SELINUX_LABEL] = "SELinuxLabel",
        [POLICY_KEY_TTY] = "Tty",
        [POLICY_KEY_FDS] = "Fds",
        [POLICY_KEY_FILES] = "Files",
        [POLICY_KEY_ENV_ALLOW] = "EnvAllow",
        [POLICY_KEY_ENV_DENY] = "EnvDeny",
        [POLICY_KEY_ENV_SET] = "EnvSet",
        [POLICY_KEY_LIMITS] = "Limits",
        [POLICY_KEY_CLIENT_GONE] = "ClientGone",
        [POLICY_KEY_REASON] = "Reason",
        [POLICY_KEY_WHEN] = "When",
        [POLICY_KEY_ANSWER] = "Answer",
};

static const char *const engines[] = {
        "crun", "runc",    "podman",     "docker", "containerd", "crio",
        "lxc",  "machine", "registered", "pid",    NULL,
};

static const char *const answers[] = {
        [POLICY_DENY] = "deny",
        [POLICY_ALLOW] = "allow",
        [POLICY_ASK_SELF] = "ask-self",
        [POLICY_ASK_ADMIN] = "ask-admin",
};

const char *policy_key_name(enum policy_key key) {
        return key < POLICY_N_KEYS ? keys[key] : "";
}

const char *policy_answer_name(enum policy_answer answer) {
        return answer <= POLICY_ASK_ADMIN ? answers[answer] : answers[POLICY_DENY];
}

const char *const *policy_engine_names(void) {
        return engines;
}
