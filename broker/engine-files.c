/* SPDX-License-Identifier: Apache-2.0 */
/* Names, images and labels. All of it is text that somebody chose: it is compared with patterns and shown escaped, never used as a
 * path or a command. */
#include "broker/engine-files.h"

#include "broker/json.h"
#include "broker/target.h"
#include "common/fd.h"
#include "policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ID_DIGITS 64

/* Annotations that hold the image's name, the first that is there. */
static const char *const image_keys[] = { "io.kubernetes.cri.image-name",
                                          "io.kubernetes.cri-o.ImageName",
                                          "org.opencontainers.image.ref.name" };

void metadata_clear(struct metadata *metadata) {
        for (size_t i = 0; i < metadata->n_labels; i++) {
                free((char *)metadata->labels[i].key);
                free((char *)metadata->labels[i].value);
        }
        free(metadata->labels);
        free(metadata->image);
        *metadata = (struct metadata){ 0 };
}

/* Half of the labels would be worse than none: a rule that denies by the other half would not match. */
static void forget_labels(struct metadata *metadata) {
        char *image = metadata->image;
        bool image_known = metadata->image_known;

        metadata->image = NULL;
        metadata_clear(metadata);
        metadata->image = image;
        metadata->image_known = image_known;
}

/* 0; -ENOMEM; -E2BIG: too many. */
static int add_label(struct metadata *metadata, const char *key, size_t n, const char *value) {
        struct policy_label *grown, *label;

        if (metadata->n_labels == LIMIT_LABELS)
                return -E2BIG;
        grown = reallocarray(metadata->labels, metadata->n_labels + 1, sizeof *grown);
        if (!grown)
                return -ENOMEM;
        metadata->labels = grown;
        label = &grown[metadata->n_labels];
        *label = (struct policy_label){ strndup(key, n), strdup(value) };
        metadata->n_labels++;
        return label->key && label->value ? 0 : -ENOMEM;
}

/* An object of texts; NULL: there are none. */
static int read_labels(struct json_object *object, struct metadata *metadata) {
        int r = 0;

        metadata->labels_known = true;
        if (!object)
                return 0;
        json_object_object_foreach(object, key, value) {
                const char *text = json_text(value);

                r = text ? add_label(metadata, key, strlen(key), text) : -EINVAL;
                if (r < 0)
                        break;
        }
        if (r < 0)
                forget_labels(metadata);
        return r == -ENOMEM ? r : 0;
}

/* A member that is there and is no object is not understood, and so not known. */
static bool is_odd(struct json_object *object, const char *name, json_type type) {
        struct json_object *value = NULL;

        return json_object_object_get_ex(object, name, &value) && value &&
               !json_object_is_type(value, type);
}

static int take_image(struct metadata *metadata, const char *image) {
        metadata->image_known = true;
        metadata->image = image ? strdup(image) : NULL;
        return image && !metadata->image ? -ENOMEM : 0;
}

/* The runtime itself knows no image: who made the bundle says it in an annotation, or there is none. */
static int image_of_labels(struct metadata *metadata) {
        if (!metadata->labels_known)
                return 0;
        for (size_t k = 0; k < sizeof image_keys / sizeof image_keys[0]; k++)
                for (size_t i = 0; i < metadata->n_labels; i++)
                        if (strcmp(metadata->labels[i].key, image_keys[k]) == 0)
                                return take_image(metadata, metadata->labels[i].value);
        return take_image(metadata, NULL);
}

int engine_read_config(const char *text, size_t size, struct metadata *ret, struct error *error) {
        _cleanup_(json_put) struct json_object *root = NULL;
        int r = json_parse(text, size, json_type_object, "config.json", &root, error);

        if (r || is_odd(root, "annotations", json_type_object))
                return r;
        r = read_labels(json_member(root, "annotations", json_type_object), ret);
        return r < 0 ? r : image_of_labels(ret);
}

/* runc has them as KEY=VALUE, and its own bundle= among them. */
static int read_runc_labels(struct json_object *list, struct metadata *metadata) {
        size_t n = list ? json_object_array_length(list) : 0;
        int r = 0;

        metadata->labels_known = true;
        for (size_t i = 0; i < n && r == 0; i++) {
                const char *text = json_text(json_object_array_get_idx(list, i));
                const char *equals = text ? strchr(text, '=') : NULL;

                if (!equals)
                        r = -EINVAL;
                else if (strncmp(text, "bundle=", strlen("bundle=")) != 0)
                        r = add_label(metadata, text, (size_t)(equals - text), equals + 1);
        }
        if (r < 0)
                forget_labels(metadata);
        return r == -ENOMEM ? r : 0;
}

int engine_read_runc_state(const char *text, size_t size, struct metadata *ret,
                           struct error *error) {
        _cleanup_(json_put) struct json_object *root = NULL;
        struct json_object *config;
        int r = json_parse(text, size, json_type_object, "state.json", &root, error);

        config = r ? NULL : json_member(root, "config", json_type_object);
        if (!config || is_odd(config, "labels", json_type_array))
                return r;
        r = read_runc_labels(json_member(config, "labels", json_type_array), ret);
        return r < 0 ? r : image_of_labels(ret);
}

static void take_name(struct engine_container *container, const char *name) {
        size_t n = name ? strlen(name) : 0;

        if (n > 0 && n < sizeof container->name && target_name_is_valid(name))
                memcpy(container->name, name, n + 1);
}

int engine_read_docker(const char *text, size_t size, const char *id,
                       struct engine_container *ret, struct error *error) {
        _cleanup_(json_put) struct json_object *root = NULL;
        struct json_object *state, *config;
        const char *name, *own_id;
        int r = json_parse(text, size, json_type_object, "config.v2.json", &root, error);

        if (r)
                return r;
        own_id = json_text(json_member(root, "ID", json_type_string));
        if (!own_id || strcmp(own_id, id) != 0)
                return json_bad(error, "config.v2.json", "is another container's");
        name = json_text(json_member(root, "Name", json_type_string));
        take_name(ret, name && name[0] == '/' ? name + 1 : name);
        state = json_member(root, "State", json_type_object);
        ret->pid = (int64_t)json_number(state, "Pid");
        config = json_member(root, "Config", json_type_object);
        if (!config || is_odd(config, "Labels", json_type_object))
                return 0;
        r = read_labels(json_member(config, "Labels", json_type_object), &ret->metadata);
        if (r == 0 && !is_odd(config, "Image", json_type_string))
                r = take_image(&ret->metadata,
                               json_text(json_member(config, "Image", json_type_string)));
        return r;
}

/* The storage's own record carries libpod's as text. */
static int read_podman_metadata(const char *text, struct engine_container *ret) {
        _cleanup_(json_put) struct json_object *root = NULL;
        struct error ignored;
        const char *image;
        int r = text ? json_parse(text, strlen(text), json_type_object, "metadata", &root, &ignored)
                     : OUTCOME_HELPER_FAILED;

        if (r)
                return r < 0 ? r : 0;
        image = json_text(json_member(root, "image-name", json_type_string));
        return image && image[0] ? take_image(&ret->metadata, image) : 0;
}

int engine_read_podman(const char *text, size_t size, const char *id,
                       struct engine_container *ret, struct error *error) {
        _cleanup_(json_put) struct json_object *root = NULL;
        int r = json_parse(text, size, json_type_array, "containers.json", &root, error);

        for (size_t i = 0; r == 0 && i < json_object_array_length(root); i++) {
                struct json_object *one = json_object_array_get_idx(root, i), *names;
                const char *own_id = json_text(json_member(one, "id", json_type_string));

                if (!own_id || strcmp(own_id, id) != 0)
                        continue;
                names = json_member(one, "names", json_type_array);
                if (names && json_object_array_length(names) > 0)
                        take_name(ret, json_text(json_object_array_get_idx(names, 0)));
                return read_podman_metadata(
                        json_text(json_member(one, "metadata", json_type_string)), ret);
        }
        return r;
}

int64_t engine_read_pidfile(const char *text, size_t size) {
        int64_t n = 0;
        size_t i = 0;

        for (; i < size && i < 10 && text[i] >= '0' && text[i] <= '9'; i++)
                n = n * 10 + (text[i] - '0');
        if (i < size && text[i] == '\n')
                i++;
        return i == size ? n : 0;
}

/* ---- marks in cgroup paths ---- */

static bool take_id(const char *text, size_t n, struct engine_origin *ret) {
        if (n != ID_DIGITS || strspn(text, "0123456789abcdef") < ID_DIGITS)
                return false;
        memcpy(ret->id, text, ID_DIGITS);
        ret->id[ID_DIGITS] = 0;
        return true;
}

static bool take_mark(const char *component, size_t n, struct engine_origin *ret) {
        static const struct {
                const char *prefix;
                const char *engine;
                bool has_id;
        } marks[] = {
                { "docker-", "docker", true },
                { "libpod-", "podman", true },
                { "cri-containerd-", "containerd", true },
                { "crio-", "crio", true },
                { "lxc.payload.", "lxc", false },
                { "machine-", "machine", false },
        };

        for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
                size_t length = strlen(marks[i].prefix);
                size_t end = n > 6 && strncmp(component + n - 6, ".scope", 6) == 0 ? n - 6 : n;

                if (n <= length || strncmp(component, marks[i].prefix, length) != 0)
                        continue;
                if (marks[i].has_id && !take_id(component + length, end - length, ret))
                        continue;
                ret->engine = marks[i].engine;
                return true;
        }
        return false;
}

void engine_of_cgroup(const char *path, struct engine_origin *ret) {
        bool below_docker = false;

        *ret = (struct engine_origin){ 0 };
        while (*path) {
                size_t n;

                path += *path == '/';
                n = strcspn(path, "/");
                if (below_docker && take_id(path, n, ret)) {
                        ret->engine = "docker";
                        return;
                }
                if (take_mark(path, n, ret))
                        return;
                below_docker = n == strlen("docker") && strncmp(path, "docker", n) == 0;
                path += n;
        }
}
