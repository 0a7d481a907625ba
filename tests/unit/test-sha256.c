/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of FIPS 180-4 and its examples, at every length around a block's end, and in pieces. */
#include "common/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
        const char *text;
        const char *hex;
} vectors[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
          "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
};

static void expect(const uint8_t digest[32], const char *wanted) {
        char hex[65];

        sha256_hex(digest, hex);
        assert_string_equal(hex, wanted);
}

static void test_vectors(void **state) {
        for (unsigned i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
                uint8_t digest[32];

                sha256(vectors[i].text, strlen(vectors[i].text), digest);
                expect(digest, vectors[i].hex);
        }
}

static void test_million(void **state) {
        char block[1000];
        uint8_t digest[32];
        struct sha256 s;

        memset(block, 'a', sizeof(block));
        sha256_init(&s);
        for (unsigned i = 0; i < 1000; i++)
                sha256_update(&s, block, sizeof(block));
        sha256_final(&s, digest);
        expect(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Each length once whole and once in pieces of every size; the sum of all digests is a known one (by sha256sum). */
static void test_pieces(void **state) {
        static uint8_t data[300];
        struct sha256 all;
        uint8_t sum[32];

        for (unsigned i = 0; i < sizeof(data); i++)
                data[i] = (uint8_t)(i * 7 + 1);
        sha256_init(&all);
        for (size_t n = 0; n <= sizeof(data); n++) {
                uint8_t whole[32];

                sha256(data, n, whole);
                sha256_update(&all, whole, sizeof(whole));
                for (size_t piece = 1; piece < 130; piece += 7) {
                        struct sha256 s;
                        uint8_t digest[32];

                        sha256_init(&s);
                        for (size_t at = 0; at < n; at += piece)
                                sha256_update(&s, data + at, n - at < piece ? n - at : piece);
                        sha256_final(&s, digest);
                        assert_memory_equal(digest, whole, sizeof(digest));
                }
        }
        sha256_final(&all, sum);
        expect(sum, "bb7d6d0d6592ab7edb752459c835ecac860ed253b337ce29b780d8e0bb3a76d5");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_vectors),
                cmocka_unit_test(test_million),
                cmocka_unit_test(test_pieces),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
