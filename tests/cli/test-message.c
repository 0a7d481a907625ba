/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, written and read back, cut at every byte, and changed at random: nothing may be read beyond its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/dict.h"
#include "cli/message.h"
#include "cli/text.h"
#include "tests/cli/walk.h"

/* A body with every type that the service uses. */
static void sample_body(struct out *body) {
        size_t dict, inner, list;

        out_string(body, "text");
        dict = out_array(body, 8);
        out_entry(body, "flag", "b");
        out_u32(body, 1);
        out_entry(body, "big", "t");
        out_u64(body, UINT64_MAX);
        out_entry(body, "less", "i");
        out_u32(body, (uint32_t)-5);
        out_entry(body, "list", "as");
        list = out_array(body, 4);
        out_string(body, "a\"\n");
        out_string(body, "\xe2\x80\xae");
        out_array_end(body, list, 4);
        out_entry(body, "bytes", "ay");
        list = out_array(body, 1);
        out_u8(body, 255);
        out_array_end(body, list, 1);
        out_entry(body, "dict", "a{sv}");
        inner = out_array(body, 8);
        out_entry(body, "port", "q");
        out_u16(body, 7);
        out_entry(body, "nested", "v");
        out_signature(body, "v");
        out_signature(body, "(ys)");
        out_align(body, 8);
        out_u8(body, 9);
        out_string(body, "z");
        out_array_end(body, inner, 8);
        out_array_end(body, dict, 8);
}

#define SAMPLE_SIGNATURE "sa{sv}"

static void sample(struct out *ret) {
        struct out body = { 0 };
        struct call call = {
                .destination = "org.airlock1",
                .path = "/org/airlock1",
                .interface = "a.b",
                .member = "Exited",
                .signature = SAMPLE_SIGNATURE,
                .serial = 3,
                .body = &body,
        };

        sample_body(&body);
        message_header(&call, ret);
        out_bytes(ret, body.data, body.len);
        out_free(&body);
}

static void test_round_trip(void **state) {
        struct out bytes = { 0 };
        struct message m;
        struct in in, value;
        struct text json = { 0 };
        const char *type;

        sample(&bytes);
        assert_int_equal(message_size(bytes.data), bytes.len);
        assert_int_equal(message_parse(bytes.data, bytes.len, &m), 0);
        assert_string_equal(m.path, "/org/airlock1");
        assert_string_equal(m.member, "Exited");
        assert_string_equal(m.signature, SAMPLE_SIGNATURE);
        in = m.body;
        assert_string_equal(in_string(&in), "text");
        assert_int_equal(dict_number(in, "flag", 0), 1);
        assert_int_equal(dict_number(in, "less", 0), -5);
        assert_int_equal(dict_number(in, "absent", 77), 77);
        assert_int_equal(dict_number(in, "list", 77), 77);
        assert_null(dict_string(in, "flag"));
        assert_true(dict_find(in, "bytes", &value, &type));
        assert_string_equal(type, "ay");
        json_value(&json, &in, "a{sv}");
        assert_string_equal(
                json.data,
                "{\"flag\":true,\"big\":18446744073709551615,\"less\":-5,\"list\":[\"a\\\"\\u000a\",\"\\u202e\"],"
                "\"bytes\":[255],\"dict\":{\"port\":7,\"nested\":[9,\"z\"]}}");
        assert_false(in.bad);
        assert_int_equal(in.pos, in.end);
        text_free(&json);
        out_free(&bytes);
}

/* A copy of exactly that size, so that a sanitizer sees one byte too many. */
static int parse_copy(const uint8_t *bytes, size_t n) {
        uint8_t *copy = malloc(n ? n : 1);
        int r;

        memcpy(copy, bytes, n);
        r = walk_message(copy, n);
        free(copy);
        return r;
}

static void test_cut(void **state) {
        struct out bytes = { 0 };

        sample(&bytes);
        for (size_t n = 0; n < bytes.len; n++)
                assert_true(parse_copy(bytes.data, n) < 0);
        assert_int_equal(parse_copy(bytes.data, bytes.len), 0);
        out_free(&bytes);
}

static void test_changed(void **state) {
        struct out bytes = { 0 };
        uint64_t random = 1, refused = 0, rounds = 200000;

        sample(&bytes);
        for (uint64_t i = 0; i < rounds; i++) {
                uint8_t *copy = malloc(bytes.len);

                memcpy(copy, bytes.data, bytes.len);
                for (unsigned n = 1 + i % 4; n; n--) {
                        random = random * 6364136223846793005u + 1442695040888963407u;
                        copy[(random >> 33) % bytes.len] = (uint8_t)(random >> 25);
                }
                refused += walk_message(copy, bytes.len) < 0;
                free(copy);
        }
        assert_true(refused > rounds / 2 && refused < rounds);
        out_free(&bytes);
}

static void test_sizes(void **state) {
        struct out bytes = { 0 };
        uint8_t head[16];

        sample(&bytes);
        memcpy(head, bytes.data, 16);
        memset(head + 4, 0xff, 4);
        assert_int_equal(message_size(head), 0);
        memcpy(head, bytes.data, 16);
        memset(head + 12, 0xff, 4);
        assert_int_equal(message_size(head), 0);
        memcpy(head, bytes.data, 16);
        head[0] = 'x';
        assert_int_equal(message_size(head), 0);
        memcpy(head, bytes.data, 16);
        head[3] = 2;
        assert_int_equal(message_size(head), 0);
        out_free(&bytes);
}

static void test_signatures(void **state) {
        static const char *const bad[] = { "", "a", "(", "()", "a()", "{", "(s", "z", "a{", ")" };
        char deep[200];

        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
                assert_null(type_end(bad[i]));
        memset(deep, 'a', sizeof(deep));
        strcpy(deep + sizeof(deep) - 2, "s");
        assert_null(type_end(deep));
        assert_string_equal(type_end("a{sv}u"), "u");
        assert_string_equal(type_end("(sa(yy))"), "");
}

/* Variants in variants, deeper than any stack should go. */
static void test_depth(void **state) {
        for (unsigned depth = 1; depth < 200; depth++) {
                struct out body = { 0 }, bytes = { 0 };
                struct call call = {
                        .path = "/", .member = "M", .signature = "v", .serial = 1, .body = &body
                };

                for (unsigned i = 1; i < depth; i++)
                        out_signature(&body, "v");
                out_signature(&body, "y");
                out_u8(&body, 1);
                message_header(&call, &bytes);
                out_bytes(&bytes, body.data, body.len);
                assert_int_equal(parse_copy(bytes.data, bytes.len) == 0,
                                 depth <= MESSAGE_DEPTH_MAX);
                out_free(&body);
                out_free(&bytes);
        }
}

static void test_out_arrays(void **state) {
        struct out out = { 0 };
        struct in in;
        size_t mark, end;

        out_u8(&out, 1);
        mark = out_array(&out, 8);
        out_u64(&out, 5);
        out_u64(&out, 6);
        out_array_end(&out, mark, 8);
        mark = out_array(&out, 8);
        out_array_end(&out, mark, 8);
        in = (struct in){ out.data, 1, out.len, false };
        end = in_array(&in, "t");
        assert_int_equal(end - in.pos, 16);
        in_skip(&in, "t");
        assert_int_equal(in_u64(&in), 6);
        assert_false(in_more(&in, end));
        end = in_array(&in, "t");
        assert_false(in_more(&in, end));
        assert_false(in.bad);
        out_free(&out);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip), cmocka_unit_test(test_cut),
                cmocka_unit_test(test_changed),    cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_signatures), cmocka_unit_test(test_depth),
                cmocka_unit_test(test_out_arrays),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
