/* SPDX-License-Identifier: Apache-2.0 */
/* The engines' JSON. Root's engines wrote it, but the container's maker chose much of it: strict, bounded, and nothing of it is
 * ever a path or a command of the host. */
#include "broker/oci.h"

#include "broker/json.h"
#include "common/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int parse_state(const char *text, size_t size, const char *const keys[3],
                       struct oci_state *ret, struct error *error) {
        _cleanup_(json_put) struct json_object *root = NULL;
        int r = json_parse(text, size, json_type_object, keys[0], &root, error);

        if (r)
                return r;
        if (!json_member(root, keys[1], json_type_int))
                return json_bad(error, keys[0], "has no pid");
        ret->pid = (int64_t)json_number(root, keys[1]);
        ret->start_ticks = json_number(root, keys[2]);
        return 0;
}

int oci_parse_crun_status(const char *text, size_t size, struct oci_state *ret,
                          struct error *error) {
        static const char *const keys[] = { "status", "pid", "process-start-time" };

        return parse_state(text, size, keys, ret, error);
}

int oci_parse_runc_state(const char *text, size_t size, struct oci_state *ret,
                         struct error *error) {
        static const char *const keys[] = { "state.json", "init_process_pid",
                                            "init_process_start" };

        return parse_state(text, size, keys, ret, error);
}

static int id(struct json_object *value, uint32_t *ret) {
        int64_t n;

        if (!json_object_is_type(value, json_type_int))
                return -EINVAL;
        n = json_object_get_int64(value);
        if (n < 0 || n >= UINT32_MAX)
                return -EINVAL;
        *ret = (uint32_t)n;
        return 0;
}

static int read_user(struct json_object *user, struct oci_process *process) {
        struct json_object *value, *groups = json_member(user, "additionalGids", json_type_array);
        size_t n = groups ? json_object_array_length(groups) : 0;

        if (json_object_object_get_ex(user, "uid", &value) && id(value, &process->uid) < 0)
                return -EINVAL;
        if (json_object_object_get_ex(user, "gid", &value) && id(value, &process->gid) < 0)
                return -EINVAL;
        if (n > LIMIT_GROUPS)
                return -EINVAL;
        for (size_t i = 0; i < n; i++)
                if (id(json_object_array_get_idx(groups, i), &process->groups[i]) < 0)
                        return -EINVAL;
        process->n_groups = (uint32_t)n;
        return 0;
}

static int read_env(struct json_object *env, struct oci_process *process) {
        size_t n = env ? json_object_array_length(env) : 0;

        for (size_t i = 0; i < n; i++) {
                const char *entry = json_text(json_object_array_get_idx(env, i));
                int r = entry ? strings_add(&process->env, entry, strlen(entry)) : -EINVAL;

                if (r < 0)
                        return r;
        }
        return strings_index(&process->env);
}

static int read_process(struct json_object *object, struct oci_process *process) {
        struct json_object *user = json_member(object, "user", json_type_object);
        struct json_object *cwd = json_member(object, "cwd", json_type_string);
        const char *path = cwd ? json_text(cwd) : NULL;
        int r = user ? read_user(user, process) : 0;

        if (r == 0)
                r = read_env(json_member(object, "env", json_type_array), process);
        if (r < 0 || !cwd)
                return r;
        if (!path || path[0] != '/' || strlen(path) >= LIMIT_CWD_BYTES)
                return -EINVAL;
        process->cwd = strdup(path);
        return process->cwd ? 0 : -ENOMEM;
}

int oci_parse_process(const char *text, size_t size, struct oci_process *ret, struct error *error) {
        _cleanup_(json_put) struct json_object *root = NULL;
        struct oci_process process = { 0 };
        struct json_object *object;
        int r = json_parse(text, size, json_type_object, "config.json", &root, error);

        if (r)
                return r;
        object = json_member(root, "process", json_type_object);
        if (!object)
                return json_bad(error, "config.json", "has no process");
        r = read_process(object, &process);
        if (r == 0) {
                *ret = process;
                return 0;
        }
        oci_process_clear(&process);
        return r == -ENOMEM ? r
                            : json_bad(error, "config.json",
                                  "its process has a user, directory or environment out of bounds");
}

void oci_process_clear(struct oci_process *process) {
        strings_clear(&process->env);
        free(process->cwd);
        *process = (struct oci_process){ 0 };
}
