/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns: tables of both kinds, a simple matcher that they agree with, and texts that would make a simple one slow. */
#include "policy-test.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "policy/arena.h"
#include "policy/pattern.h"

static bool matches(enum pattern_flavour flavour, const char *text, const char *subject) {
        struct arena arena = { 0 };
        struct pattern pattern;
        const char *why = NULL;
        size_t at = 0;
        bool ret;

        if (pattern_compile(&arena, flavour, text, strlen(text), &pattern, &why, &at) != 0)
                fail_msg("%s: %s", text, why ? why : "no memory");
        ret = pattern_matches(&pattern, subject);
        arena_free(&arena);
        return ret;
}

static const struct {
        const char *pattern, *text;
        bool as_name, as_path;
} rows[] = {
        { "", "", true, true },
        { "", "a", false, false },
        { "a", "a", true, true },
        { "a", "", false, false },
        { "a", "ab", false, false },
        { "*", "", true, true },
        { "*", "abc", true, true },
        { "*", "a/b", true, false },
        { "**", "a/b", true, true },
        { "***", "a/b", true, true },
        { "?", "a", true, true },
        { "?", "/", true, false },
        { "?", "", false, false },
        { "a*", "a", true, true },
        { "a*", "ab/c", true, false },
        { "*a", "ba", true, true },
        { "*a", "b/a", true, false },
        { "**a", "b/a", true, true },
        { "a*b", "ab", true, true },
        { "a*b", "axxb", true, true },
        { "a*b", "axxbx", false, false },
        { "a*b*c", "abbc", true, true },
        { "a*b*c", "acb", false, false },
        { "*ab", "aab", true, true },
        { "*aab", "aaaab", true, true },
        { "**/x", "a/b/x", true, true },
        { "*/x", "a/b/x", true, false },
        { "**/*x", "a/b/yx", true, true },
        { "*/**x", "a/b/yx", true, true },
        { "**b*", "a/b/c", true, false },
        { "**b*", "a/b/bc", true, true },
        { "a**", "a", true, true },
        { "[ab]", "b", true, true },
        { "[ab]", "c", false, false },
        { "[!ab]", "c", true, true },
        { "[!ab]", "a", false, false },
        { "[!ab]", "/", true, false },
        { "[a-c]", "b", true, true },
        { "[a-]", "-", true, true },
        { "[-a]", "-", true, true },
        { "[!-~]", "!", true, true },
        { "[\\!a]", "!", true, true },
        { "[a\\]b]", "]", true, true },
        { "[*]", "*", true, true },
        { "[*]", "a", false, false },
        { "\\*", "*", true, true },
        { "\\*", "a", false, false },
        { "\\a", "a", true, true },
        { "a\\[b", "a[b", true, true },
        { "]", "]", true, true },
        { "\xc3*", "\xc3\xa4", true, true },
        { "[\x80-\xff]", "\xa4", true, true },
        { "[!a]*", "bcd", true, true },
        { "?*?", "a", false, false },
        { "?*?", "ab", true, true },
        { "!", "!", true, true },
        { "a-b", "a-b", true, true },
};

static void test_tables(void **state) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                if (matches(PATTERN_NAME, rows[i].pattern, rows[i].text) != rows[i].as_name)
                        fail_msg("name %s, %s", rows[i].pattern, rows[i].text);
                if (matches(PATTERN_PATH, rows[i].pattern, rows[i].text) != rows[i].as_path)
                        fail_msg("path %s, %s", rows[i].pattern, rows[i].text);
        }
}

/* The same by trying everything; for patterns of letters, slashes, ? and stars. */
static bool simple(const char *p, const char *t, bool path) {
        if (*p == '\0')
                return *t == '\0';
        if (*p == '*') {
                bool wide = p[1] == '*' || !path;
                const char *rest = p + strspn(p, "*");

                for (;; t++) {
                        if (simple(rest, t, path))
                                return true;
                        if (*t == '\0' || (*t == '/' && !wide))
                                return false;
                }
        }
        return *t && (*p == *t || (*p == '?' && (*t != '/' || !path))) &&
               simple(p + 1, t + 1, path);
}

static void random_text(unsigned *seed, const char *from, char *ret, size_t max) {
        size_t n = (size_t)rand_r(seed) % max;

        for (size_t i = 0; i < n; i++)
                ret[i] = from[(size_t)rand_r(seed) % strlen(from)];
        ret[n] = '\0';
}

static void test_against_a_simple_matcher(void **state) {
        unsigned seed = 7, agreed = 0;

        for (unsigned i = 0; i < 300000; i++) {
                char pattern[9], text[9];
                bool path = i % 2, wanted;

                random_text(&seed, "aab/**?", pattern, sizeof(pattern));
                random_text(&seed, "aab/", text, sizeof(text));
                wanted = simple(pattern, text, path);
                if (matches(path ? PATTERN_PATH : PATTERN_NAME, pattern, text) != wanted)
                        fail_msg("%s %s, %s", path ? "path" : "name", pattern, text);
                agreed += wanted;
        }
        assert_true(agreed > 3000);
}

static void compile_fails(enum pattern_flavour flavour, const char *text, size_t wanted_at) {
        struct arena arena = { 0 };
        struct pattern pattern;
        const char *why = NULL;
        size_t at = 99;

        assert_int_equal(pattern_compile(&arena, flavour, text, strlen(text), &pattern, &why, &at),
                         -EINVAL);
        assert_non_null(why);
        assert_int_equal(at, wanted_at);
        arena_free(&arena);
}

static void test_malformed(void **state) {
        char text[300];

        compile_fails(PATTERN_NAME, "ab\\", 2);
        compile_fails(PATTERN_NAME, "a[b", 1);
        compile_fails(PATTERN_NAME, "a[", 1);
        compile_fails(PATTERN_NAME, "a[!", 1);
        compile_fails(PATTERN_NAME, "[]", 0);
        compile_fails(PATTERN_NAME, "[!]", 0);
        compile_fails(PATTERN_NAME, "[b-a]", 1);
        compile_fails(PATTERN_NAME, "[a\\", 2);
        compile_fails(PATTERN_NAME, "[a-\\", 3);
        compile_fails(PATTERN_PATH, "a\\/", 2);
        compile_fails(PATTERN_PATH, "[a/]", 2);
        compile_fails(PATTERN_PATH, "[!/]", 2);
        compile_fails(PATTERN_PATH, "[a-/]", 3);
        memset(text, 'a', sizeof(text) - 1);
        text[256] = '\0';
        compile_fails(PATTERN_NAME, text, 0);
        text[255] = '\0';
        assert_true(matches(PATTERN_NAME, text, text));
        assert_true(
                matches(PATTERN_PATH, "[+-9]", "1")); /* a range over the slash does not name it */
        assert_false(matches(PATTERN_PATH, "[+-9]", "/"));
}

static void test_long_texts(void **state) {
        static char text[5000];

        memset(text, 'a', 4096);
        assert_true(matches(PATTERN_NAME, "a*", text));
        text[4096] = 'a';
        assert_false(matches(PATTERN_NAME, "a*", text)); /* in doubt no */
        assert_false(matches(PATTERN_PATH, "**", text));
}

static double seconds(void) {
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Each of these takes a matcher that tries everything longer than a day. */
static void test_hostile_texts(void **state) {
        static const char *const hostile[] = { "*a*a*a*a*a*a*a*a*a*a*b", "**a*a**a*a**a*a**a*a**b",
                                               "**?*?**?*?**?*?**?*?**b*c",
                                               "*?*?*?*?*?*?*?*?*?*?*b*c" };
        static char text[4097];
        double start = seconds();

        memset(text, 'a', 4095);
        for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++)
                for (char end = 'a'; end <= 'c'; end++) {
                        text[4095] = end;
                        matches(PATTERN_PATH, hostile[i], text);
                        matches(PATTERN_NAME, hostile[i], text);
                }
        assert_true(seconds() - start < 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tables),
                cmocka_unit_test(test_against_a_simple_matcher),
                cmocka_unit_test(test_malformed),
                cmocka_unit_test(test_long_texts),
                cmocka_unit_test(test_hostile_texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
