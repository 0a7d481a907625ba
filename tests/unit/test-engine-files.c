/* SPDX-License-Identifier: Apache-2.0 */
/* What the engines' files say of names, images and labels, right and odd; marks in cgroup paths. */
#include "broker/engine-files.h"
#include "policy/policy.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char *label(const struct metadata *m, const char *key) {
        for (size_t i = 0; i < m->n_labels; i++)
                if (strcmp(m->labels[i].key, key) == 0)
                        return m->labels[i].value;
        return NULL;
}

static void config(void **state) {
        const char *text = "{\"annotations\":{\"env\":\"prod\",\"x\":\"a=b\\n\",\"org.opencontainers.image.ref.name\":\"web:1\"}}";
        struct metadata m = { 0 };
        struct error error;

        assert_int_equal(engine_read_config(text, strlen(text), &m, &error), 0);
        assert_true(m.labels_known && m.image_known);
        assert_int_equal(m.n_labels, 3);
        assert_string_equal(label(&m, "x"), "a=b\n");
        assert_string_equal(m.image, "web:1");
        metadata_clear(&m);
        assert_int_equal(engine_read_config("{}", 2, &m, &error), 0);
        assert_true(m.labels_known && m.image_known && !m.image && m.n_labels == 0);
        metadata_clear(&m);
}

/* What is odd makes all labels unknown: half of them would let a rule that denies by the others be passed. */
static void odd_configs(void **state) {
        static const char *const rows[] = { "{\"annotations\":[]}", "{\"annotations\":\"x\"}", "{\"annotations\":{\"a\":\"b\",\"c\":1}}",
                                            "{\"annotations\":{\"a\":\"b\",\"c\":\"x\\u0000y\"}}", "{\"annotations\":{\"a\":null}}" };

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct metadata m = { 0 };
                struct error error;

                assert_int_equal(engine_read_config(rows[i], strlen(rows[i]), &m, &error), 0);
                if (m.labels_known || m.image_known || m.n_labels)
                        fail_msg("%s is known", rows[i]);
                metadata_clear(&m);
        }
}

static void many_labels(void **state) {
        for (unsigned n = LIMIT_LABELS; n <= LIMIT_LABELS + 1; n++) {
                struct metadata m = { 0 };
                struct error error;
                char *text = NULL;
                size_t size;
                FILE *out = open_memstream(&text, &size);

                fputs("{\"annotations\":{", out);
                for (unsigned i = 0; i < n; i++)
                        fprintf(out, "%s\"k%u\":\"v\"", i ? "," : "", i);
                fputs("}}", out);
                fclose(out);
                assert_int_equal(engine_read_config(text, size, &m, &error), 0);
                assert_int_equal(m.labels_known, n == LIMIT_LABELS);
                metadata_clear(&m);
                free(text);
        }
}

static void runc(void **state) {
        const char *text = "{\"config\":{\"labels\":[\"bundle=/b\",\"env=dev\",\"e=\",\"q=a=b\"]}}";
        const char *odd = "{\"config\":{\"labels\":[\"env\"]}}", *none = "{\"config\":{\"labels\":null}}";
        struct metadata m = { 0 };
        struct error error;

        assert_int_equal(engine_read_runc_state(text, strlen(text), &m, &error), 0);
        assert_true(m.labels_known && m.n_labels == 3 && !label(&m, "bundle"));
        assert_string_equal(label(&m, "q"), "a=b");
        metadata_clear(&m);
        assert_int_equal(engine_read_runc_state(odd, strlen(odd), &m, &error), 0);
        assert_false(m.labels_known || m.image_known);
        assert_int_equal(engine_read_runc_state(none, strlen(none), &m, &error), 0);
        assert_true(m.labels_known && m.n_labels == 0);
        metadata_clear(&m);
        assert_int_equal(engine_read_runc_state("{}", 2, &m, &error), 0);
        assert_false(m.labels_known);
}

static void docker(void **state) {
        const char *text = "{\"ID\":\"" ID "\",\"Name\":\"/web-1\",\"State\":{\"Pid\":77},\"Config\":{\"Image\":\"bb\",\"Labels\":{\"a\":\"b\"}}}";
        const char *bad_name = "{\"ID\":\"" ID "\",\"Name\":\"/../x\",\"State\":{},\"Config\":{\"Labels\":null}}";
        struct engine_container c = { 0 };
        struct error error;

        assert_int_equal(engine_read_docker(text, strlen(text), ID, &c, &error), 0);
        assert_string_equal(c.name, "web-1");
        assert_int_equal(c.pid, 77);
        assert_string_equal(c.metadata.image, "bb");
        assert_string_equal(label(&c.metadata, "a"), "b");
        metadata_clear(&c.metadata);
        assert_int_equal(engine_read_docker(text, strlen(text), "0" ID, &c, &error), OUTCOME_HELPER_FAILED);
        c = (struct engine_container){ 0 };
        assert_int_equal(engine_read_docker(bad_name, strlen(bad_name), ID, &c, &error), 0);
        assert_string_equal(c.name, "");
        assert_int_equal(c.pid, 0);
        assert_true(c.metadata.labels_known && c.metadata.n_labels == 0);
        metadata_clear(&c.metadata);
}

static void podman(void **state) {
        const char *text = "[{\"id\":\"other\"},{\"id\":\"" ID "\",\"names\":[\"db\"],\"metadata\":\"{\\\"image-name\\\":\\\"localhost/bb\\\"}\"}]";
        const char *odd = "[{\"id\":\"" ID "\",\"names\":[\"a/b\"],\"metadata\":\"{\"}]";
        struct engine_container c = { 0 };
        struct error error;

        assert_int_equal(engine_read_podman(text, strlen(text), ID, &c, &error), 0);
        assert_string_equal(c.name, "db");
        assert_string_equal(c.metadata.image, "localhost/bb");
        assert_true(c.metadata.image_known && !c.metadata.labels_known);
        metadata_clear(&c.metadata);
        c = (struct engine_container){ 0 };
        assert_int_equal(engine_read_podman(odd, strlen(odd), ID, &c, &error), 0);
        assert_string_equal(c.name, "");
        assert_false(c.metadata.image_known);
        assert_int_equal(engine_read_podman("{}", 2, ID, &c, &error), OUTCOME_HELPER_FAILED);
}

static void pidfiles(void **state) {
        static const struct {
                const char *text;
                int64_t pid;
        } rows[] = { { "12", 12 }, { "12\n", 12 }, { "", 0 }, { "\n", 0 }, { "12x", 0 }, { "-1", 0 }, { "12345678901", 0 }, { "1\n2", 0 } };

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
                assert_int_equal(engine_read_pidfile(rows[i].text, strlen(rows[i].text)), rows[i].pid);
}

static void marks(void **state) {
        static const struct {
                const char *path;
                const char *engine;
                bool has_id;
        } rows[] = {
                { "/", NULL, false },
                { "/targets/demo", NULL, false },
                { "/docker/" ID, "docker", true },
                { "/system.slice/docker-" ID ".scope", "docker", true },
                { "/docker/" ID "0", NULL, false },
                { "/docker/x/" ID, NULL, false },
                { "/x/libpod-" ID, "podman", true },
                { "/machine.slice/libpod-" ID ".scope/container", "podman", true },
                /* below a mark everything may be the container's own doing */
                { "/machine.slice/libpod-" ID ".scope/docker-" ID ".scope", "podman", true },
                { "/kubepods.slice/cri-containerd-" ID ".scope", "containerd", true },
                { "/kubepods.slice/crio-" ID ".scope", "crio", true },
                { "/lxc.payload.web", "lxc", false },
                { "/machine.slice/machine-web.scope", "machine", false },
                { "/docker-short.scope", NULL, false },
                { "/docker-", NULL, false },
        };

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct engine_origin of;

                engine_of_cgroup(rows[i].path, &of);
                if (!of.engine != !rows[i].engine || (of.engine && strcmp(of.engine, rows[i].engine) != 0) ||
                    (of.id[0] != 0) != rows[i].has_id)
                        fail_msg("%s is %s", rows[i].path, of.engine ? of.engine : "nobody's");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(config), cmocka_unit_test(odd_configs), cmocka_unit_test(many_labels), cmocka_unit_test(runc),
                cmocka_unit_test(docker), cmocka_unit_test(podman), cmocka_unit_test(pidfiles), cmocka_unit_test(marks),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
