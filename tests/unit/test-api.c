/* SPDX-License-Identifier: Apache-2.0 */
/* The dispatch table against the contract: no method in one that is not in the other, with the same signatures; and none without
 * the word who may call it. */
#include "broker/api.h"

#include "broker/props.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const char *const interfaces[] = { "org.airlock1.Manager", "org.airlock1.Session", "org.freedesktop.DBus.Properties",
                                          "org.freedesktop.DBus.ObjectManager", "org.freedesktop.DBus.Introspectable",
                                          "org.freedesktop.DBus.Peer" };

/* The value of an attribute within one tag, or false. */
static bool attribute(const char *tag, const char *name, char *ret, size_t size) {
        const char *end = strchr(tag, '>'), *at;
        char key[64];

        snprintf(key, sizeof key, " %s=\"", name);
        at = strstr(tag, key);
        if (!at || at > end)
                return false;
        at += strlen(key);
        snprintf(ret, size, "%.*s", (int)strcspn(at, "\""), at);
        return true;
}

/* Signatures of the method that begins at this tag. */
static void signatures(const char *method, const char *end, char *in, char *out) {
        const char *tag_end = strchr(method, '>'), *stop;

        in[0] = out[0] = 0;
        if (tag_end[-1] == '/')
                return;
        stop = strstr(method, "</method>");
        assert_true(stop && stop < end);
        for (const char *arg = strstr(method, "<arg "); arg && arg < stop; arg = strstr(arg + 1, "<arg ")) {
                char type[64], direction[8];

                assert_true(attribute(arg, "type", type, sizeof type));
                assert_true(attribute(arg, "direction", direction, sizeof direction));
                strcat(strcmp(direction, "in") == 0 ? in : out, type);
        }
}

static const struct method *row_of(const char *interface, const char *member) {
        const struct method *method;

        for (unsigned i = 0; (method = api_method(i)); i++)
                if (strcmp(method->interface, interface) == 0 && strcmp(method->member, member) == 0)
                        return method;
        return NULL;
}

static unsigned compare(const char *interface) {
        unsigned long size;
        const char *xml = props_interface_xml(interface, &size);
        unsigned n = 0;

        assert_non_null(xml);
        for (const char *tag = strstr(xml, "<method "); tag && tag < xml + size; tag = strstr(tag + 1, "<method ")) {
                char name[64], in[128], out[128];
                const struct method *row;

                assert_true(attribute(tag, "name", name, sizeof name));
                signatures(tag, xml + size, in, out);
                row = row_of(interface, name);
                if (!row)
                        fail_msg("%s.%s is in the contract and not in the table", interface, name);
                assert_string_equal(row->in, in);
                assert_string_equal(row->out, out);
                n++;
        }
        return n;
}

static void table_is_contract(void **state) {
        unsigned in_xml = 0, in_table = 0;

        for (size_t i = 0; i < sizeof interfaces / sizeof interfaces[0]; i++)
                in_xml += compare(interfaces[i]);
        while (api_method(in_table))
                in_table++;
        assert_int_equal(in_xml, in_table);
        assert_true(in_table > 25);
}

static void each_has_an_action(void **state) {
        const struct method *method;

        for (unsigned i = 0; (method = api_method(i)); i++) {
                assert_non_null(method->action);
                assert_true(strcmp(method->action, "public") == 0 || strcmp(method->action, "owner") == 0 ||
                            strcmp(method->action, "list") == 0 ||
                            strncmp(method->action, "org.airlock1.", 13) == 0);
                /* What runs or changes something for others is never public. */
                if (strcmp(method->member, "Exec") == 0 || strcmp(method->member, "Run") == 0 || strcmp(method->member, "Reload") == 0)
                        assert_true(strncmp(method->action, "org.airlock1.", 13) == 0);
                if (strcmp(method->interface, "org.airlock1.Session") == 0)
                        assert_string_equal(method->action, "owner");
                assert_true(method->handler || strcmp(method->interface, "org.freedesktop.DBus.Peer") == 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(table_is_contract), cmocka_unit_test(each_has_an_action) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
