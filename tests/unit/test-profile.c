/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: what is malformed is refused with one clear text, what engines write is taken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/profile-rule.h"
#include "broker/profile.h"
#include "common/outcome.h"

#define RULE(members) "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{" members "}]}"
#define ARGS(arg) RULE("\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[" arg "]")
#define WITH(members) "{\"defaultAction\":\"SCMP_ACT_ALLOW\"," members "}"
#define NAMED(members) RULE("\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"," members)

static const struct {
        const char *text;
        const char *error; /* a part of the one error */
} malformed[] = {
        { "", "size" },
        { " ", "is no JSON" },
        { "{", "ends too early" },
        { "[]", "is no object" },
        { "null", "is no JSON" },
        { "\"x\"", "is no object" },
        { "{}", "defaultAction is missing" },
        { "{}x", "is no JSON" },
        { "{'defaultAction':'SCMP_ACT_ALLOW'}", "is no JSON" },
        { WITH("\"x\":1"), "unknown key \"x\"" },
        { WITH("\"a\\u0001b\":1"), "unknown key \"a?b\"" },
        { WITH("\"syscalls\":[],}"), "is no JSON" },
        { WITH("\"syscalls\":NaN"), "syscalls is no array" },
        { WITH("\"comment\":\"\xff\""), "is no JSON" },
        { "{\"defaultAction\":1}", "defaultAction is no string" },
        { "{\"defaultAction\":\"SCMP_ACT_ALLOW\\u0000\"}", "defaultAction is no string" },
        { "{\"defaultAction\":\"ALLOW\"}", "defaultAction \"ALLOW\" is unknown" },
        { "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "lets another process answer" },
        { "{\"defaultAction\":\"SCMP_ACT_TRACE\"}", "lets another process answer" },
        { WITH("\"defaultErrnoRet\":1"), "defaultErrnoRet with SCMP_ACT_ALLOW" },
        { "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":0}", "from 1 to 4095" },
        { "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096}", "from 1 to 4095" },
        { "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":-1}", "no whole number" },
        { "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1.5}", "no whole number" },
        { "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":\"1\"}", "no whole number" },
        { "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":true}", "no whole number" },
        { "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"EWRONG\"}", "no errno's name" },
        { "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"EPERM\",\"defaultErrnoRet\":38}",
          "differ" },
        { WITH("\"architectures\":\"SCMP_ARCH_X86\""), "architectures is no array" },
        { WITH("\"architectures\":[\"amd64\"]"), "no SCMP_ARCH_ name" },
        { WITH("\"architectures\":[\"SCMP_ARCH_\"]"), "no SCMP_ARCH_ name" },
        { WITH("\"architectures\":[1]"), "no SCMP_ARCH_ name" },
        { WITH("\"archMap\":[{}]"), "no SCMP_ARCH_ name" },
        { WITH("\"archMap\":[[]]"), "is no object" },
        { WITH("\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\",\"sub\":[]}]"), "unknown key" },
        { WITH("\"archMap\":[{\"architecture\":\"SCMP_ARCH_ARM\"}],\"architectures\":[\"SCMP_ARCH_ARM\"]"),
          "exclude" },
        { WITH("\"flags\":[\"X\"]"), "no seccomp flag" },
        { WITH("\"flags\":{}"), "flags is no array" },
        { WITH("\"listenerPath\":\"/run/x\""), "lets another process answer" },
        { WITH("\"syscalls\":{}"), "syscalls is no array" },
        { WITH("\"syscalls\":[[]]"), "syscalls[0]: is no object" },
        { RULE(""), "needs names or name" },
        { RULE("\"names\":[],\"action\":\"SCMP_ACT_ALLOW\""), "needs names or name" },
        { RULE("\"names\":[\"read\"],\"name\":\"write\",\"action\":\"SCMP_ACT_ALLOW\""),
          "needs names or name" },
        { RULE("\"names\":\"read\",\"action\":\"SCMP_ACT_ALLOW\""), "names is no array" },
        { RULE("\"names\":[\"\"],\"action\":\"SCMP_ACT_ALLOW\""), "not that of a system call" },
        { RULE("\"names\":[\"Read\"],\"action\":\"SCMP_ACT_ALLOW\""), "not that of a system call" },
        { RULE("\"names\":[\"read\\u0000x\"],\"action\":\"SCMP_ACT_ALLOW\""),
          "not that of a system call" },
        { RULE("\"names\":[0],\"action\":\"SCMP_ACT_ALLOW\""), "not that of a system call" },
        { RULE("\"names\":[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"],\"action\":\"SCMP_ACT_ALLOW\""),
          "not that of a system call" },
        { RULE("\"names\":[\"read\"]"), "action is missing" },
        { RULE("\"names\":[\"read\"],\"action\":\"SCMP_ACT_NOTIFY\""),
          "lets another process answer" },
        { RULE("\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":0"),
          "from 1 to 4095" },
        { NAMED("\"errnoRet\":5"), "errnoRet with SCMP_ACT_ALLOW" },
        { NAMED("\"args\":{}"), "args is no array" },
        { NAMED("\"what\":1"), "unknown key \"what\"" },
        { NAMED("\"includes\":[]"), "is no object" },
        { NAMED("\"includes\":{\"cap\":[]}"), "unknown key \"cap\"" },
        { NAMED("\"includes\":{\"caps\":\"CAP_KILL\"}"), "caps is no array" },
        { NAMED("\"includes\":{\"caps\":[\"KILL\"]}"), "no capability's name" },
        { NAMED("\"excludes\":{\"caps\":[7]}"), "no capability's name" },
        { NAMED("\"includes\":{\"arches\":[1]}"), "no string" },
        { NAMED("\"includes\":{\"minKernel\":4.8}"), "minKernel is no string" },
        { NAMED("\"includes\":{\"minKernel\":\"4\"}"), "not MAJOR.MINOR" },
        { NAMED("\"includes\":{\"minKernel\":\"4.x\"}"), "not MAJOR.MINOR" },
        { NAMED("\"includes\":{\"minKernel\":\"4.8.1\"}"), "not MAJOR.MINOR" },
        { NAMED("\"includes\":{\"minKernel\":\"-4.8\"}"), "not MAJOR.MINOR" },
        { ARGS("1"), "is no object" },
        { ARGS("{}"), "index is not" },
        { ARGS("{\"index\":6,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}"), "index is not" },
        { ARGS("{\"index\":-1,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}"), "no whole number" },
        { ARGS("{\"index\":0,\"op\":\"SCMP_CMP_EQ\"}"), "value is missing" },
        { ARGS("{\"index\":0,\"value\":1}"), "op \"\" is unknown" },
        { ARGS("{\"index\":0,\"value\":1,\"op\":\"EQ\"}"), "op \"EQ\" is unknown" },
        { ARGS("{\"index\":0,\"value\":-1,\"op\":\"SCMP_CMP_EQ\"}"), "no whole number" },
        { ARGS("{\"index\":0,\"value\":1e3,\"op\":\"SCMP_CMP_EQ\"}"), "no whole number" },
        { ARGS("{\"index\":0,\"value\":18446744073709551616,\"op\":\"SCMP_CMP_EQ\"}"),
          "no whole number" },
        { ARGS("{\"index\":0,\"value\":99999999999999999999999,\"op\":\"SCMP_CMP_EQ\"}"),
          "no whole number" },
        { ARGS("{\"index\":0,\"value\":1,\"valueTwo\":2,\"op\":\"SCMP_CMP_MASKED_EQ\"}"),
          "bits outside the mask" },
        { WITH("\"comment\":[[[[[[[[[[1]]]]]]]]]]"), "is no JSON" },
};

static void refuses_malformed(void **state) {
        for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
                struct profile_error err = { .text = "" };
                struct profile *p = NULL;
                int r = profile_parse(malformed[i].text, strlen(malformed[i].text), "mine", &p,
                                      &err);

                if (r != OUTCOME_BAD_PROFILE || p || !strstr(err.text, malformed[i].error) ||
                    strncmp(err.text, "mine: ", 6) != 0 || strchr(err.text, '\n'))
                        fail_msg("%s: returned %d, said \"%s\" instead of \"%s\"",
                                 malformed[i].text, r, err.text, malformed[i].error);
        }
}

static int parse(const char *text, struct profile **ret) {
        struct profile_error err = { .text = "" };
        int r = profile_parse(text, strlen(text), "mine", ret, &err);

        if (r != 0)
                print_message("# %s\n", err.text);
        return r;
}

static void refuses_size_and_nul(void **state) {
        static char large[PROFILE_MAX_BYTES + 2];
        struct profile_error err;
        struct profile *p = NULL;

        memset(large, ' ', sizeof(large));
        memcpy(large, "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", 34);
        assert_int_equal(profile_parse(large, PROFILE_MAX_BYTES + 1, "mine", &p, &err),
                         OUTCOME_BAD_PROFILE);
        assert_non_null(strstr(err.text, "1 MiB"));
        assert_int_equal(profile_parse("{\0}", 3, "mine", &p, &err), OUTCOME_BAD_PROFILE);
        assert_non_null(strstr(err.text, "NUL"));
        assert_null(p);
}

/* n rules of one name each. */
static char *many_rules(size_t n) {
        char *text = malloc(n * 64 + 128);
        size_t at;

        assert_non_null(text);
        at = (size_t)sprintf(text, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[");
        for (size_t i = 0; i < n; i++)
                at += (size_t)sprintf(text + at,
                                      "%s{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}",
                                      i ? "," : "");
        sprintf(text + at, "]}");
        return text;
}

static void bounds_the_number_of_rules(void **state) {
        struct profile *p = NULL;
        char *text = many_rules(PROFILE_MAX_RULES);

        assert_int_equal(parse(text, &p), 0);
        profile_free(p);
        free(text);
        text = many_rules(PROFILE_MAX_RULES + 1);
        assert_int_equal(parse(text, &p), OUTCOME_BAD_PROFILE);
        free(text);
}

static void takes_what_engines_write(void **state) {
        static const char text[] =
                "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"defaultErrno\":\"ENOSYS\","
                "\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]},"
                "{\"architecture\":\"SCMP_ARCH_AARCH64\",\"subArchitectures\":[\"SCMP_ARCH_ARM\"]}],"
                "\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],\"listenerPath\":\"\",\"syscalls\":["
                "{\"names\":[\"a_call_of_tomorrow\",\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":null,"
                "\"comment\":\"\",\"includes\":{},\"excludes\":{}},"
                "{\"name\":\"write\",\"action\":\"SCMP_ACT_ERRNO\",\"errno\":\"EINVAL\",\"errnoRet\":22,\"args\":["
                "{\"index\":5,\"value\":18446744073709551615,\"valueTwo\":0,\"op\":\"SCMP_CMP_NE\"}],"
                "\"includes\":{\"minKernel\":\"4.8\",\"arches\":[\"amd64\",\"x32\"]},"
                "\"excludes\":{\"caps\":[\"CAP_AUDIT_WRITE\",\"CAP_OF_TOMORROW\"],\"arches\":[\"s390\"]}}]}";
        struct profile *p = NULL;

        assert_int_equal(parse(text, &p), 0);
        assert_int_equal(p->default_action.verb, PROFILE_ERRNO);
        assert_int_equal(p->default_action.errno_ret, ENOSYS);
        assert_true(p->lists_x86);
        assert_int_equal(p->n_rules, 2);
        assert_int_equal(p->rules[0].n_names, 2);
        assert_int_equal(p->rules[1].action.errno_ret, EINVAL);
        assert_true(p->rules[1].args[0].value == UINT64_MAX);
        assert_int_equal(p->rules[1].args[0].index, 5);
        assert_int_equal(p->rules[1].includes.kernel_minor, 8);
        assert_true(p->rules[1].includes.native_listed);
        assert_false(p->rules[1].excludes.native_listed);
        assert_true((p->rules[1].excludes.caps & UINT64_C(1) << 29) != 0);
        assert_false(p->rules[0].any);
        profile_free(p);
}

/* Another machine's sub-architectures are not ours. */
static void arch_map_of_others(void **state) {
        struct profile *p = NULL;

        assert_int_equal(parse(WITH("\"archMap\":[{\"architecture\":\"SCMP_ARCH_AARCH64\","
                                    "\"subArchitectures\":[\"SCMP_ARCH_X86\"]}]"),
                               &p),
                         0);
        assert_false(p->lists_x86);
        profile_free(p);
        assert_int_equal(
                parse(WITH("\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X32\"]"), &p), 0);
        assert_false(p->lists_x86);
        profile_free(p);
}

static void digest_is_of_the_content(void **state) {
        struct profile *a = NULL, *b = NULL, *c = NULL;

        assert_int_equal(parse("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", &a), 0);
        assert_int_equal(parse(" {\n\"defaultAction\" : \"SCMP_ACT_ALLOW\" }\n", &b), 0);
        assert_int_equal(parse("{\"defaultAction\":\"SCMP_ACT_LOG\"}", &c), 0);
        assert_memory_equal(a->digest, b->digest, 32);
        assert_memory_not_equal(a->digest, c->digest, 32);
        profile_free(a);
        profile_free(b);
        profile_free(c);
}

static int parse_oci(const char *text, struct profile **ret, struct profile_error *err) {
        return profile_parse_oci(text, strlen(text), "web", ret, err);
}

static void oci_section(void **state) {
        struct profile_error err = { .text = "" };
        struct profile *p = NULL;

        assert_int_equal(
                parse_oci(
                        "{\"ociVersion\":\"1.0\",\"x\":{\"y\":[18446744073709551615]},\"linux\":{\"namespaces\":[],"
                        "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86_64\","
                        "\"SCMP_ARCH_X86\"],\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}}}",
                        &p, &err),
                0);
        assert_non_null(p);
        assert_true(p->lists_x86);
        p = profile_free(p);
        assert_int_equal(parse_oci("{\"linux\":{}}", &p, &err), 0);
        assert_null(p);
        assert_int_equal(parse_oci("{}", &p, &err), 0);
        assert_null(p);
        assert_int_equal(parse_oci("{\"linux\":null}", &p, &err), 0);
        assert_null(p);
}

static void oci_refusals(void **state) {
        struct profile_error err = { .text = "" };
        struct profile *p = NULL;

        assert_int_equal(parse_oci("[]", &p, &err), OUTCOME_BAD_PROFILE);
        assert_int_equal(parse_oci("{\"linux\":1}", &p, &err), OUTCOME_BAD_PROFILE);
        assert_int_equal(parse_oci("{\"linux\":{\"seccomp\":[]}}", &p, &err), OUTCOME_BAD_PROFILE);
        assert_int_equal(parse_oci("{\"linux\":{\"seccomp\":{}}}", &p, &err), OUTCOME_BAD_PROFILE);
        assert_string_equal(err.text, "web: linux.seccomp: defaultAction is missing");
        assert_int_equal(
                parse_oci("{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}}}", &p,
                          &err),
                OUTCOME_BAD_PROFILE);
        assert_non_null(strstr(err.text, "lets another process answer"));
        assert_null(p);
}

static void names(void **state) {
        static const char *const bad[] = {
                "",         ".",
                "..",       ".x",
                "-x",       "_x",
                "a/b",      "../a",
                "a b",      "a\n",
                "\xc3\xa4", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        };
        struct profile_error err;
        struct profile *p = NULL;
        const char *const folders[] = { "/", NULL };

        assert_true(profile_name_is_valid("default"));
        assert_true(profile_name_is_valid("web-2.strict_1"));
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                assert_false(profile_name_is_valid(bad[i]));
                assert_int_equal(profile_load(folders, bad[i], &p, &err), OUTCOME_BAD_PROFILE);
        }
}

static void write_file(const char *folder, const char *name, const char *text, mode_t mode) {
        char path[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
        assert_int_equal(chmod(path, mode), 0);
}

static int load(const char *strong, const char *weak, const char *name, char *ret_text) {
        const char *const folders[] = { strong, weak, NULL };
        struct profile_error err = { .text = "" };
        struct profile *p = NULL;
        int r = profile_load(folders, name, &p, &err);

        strcpy(ret_text, err.text);
        if (r == 0)
                snprintf(ret_text, 256, "verb %d of %s", (int)p->default_action.verb, p->origin);
        profile_free(p);
        return r;
}

/* The stronger folder's file counts even when it is broken; only root's files do. */
static void named_profiles(void **state) {
        char strong[] = "/tmp/airlock-profile-XXXXXX", weak[] = "/tmp/airlock-profile-XXXXXX",
             text[256], path[256], command[256];

        if (geteuid() != 0)
                skip();
        assert_non_null(mkdtemp(strong));
        assert_non_null(mkdtemp(weak));
        write_file(weak, "a.json", "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", 0644);
        write_file(strong, "b.json", "{", 0644);
        write_file(weak, "b.json", "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", 0644);
        write_file(strong, "c.json", "{\"defaultAction\":\"SCMP_ACT_LOG\"}", 0664);
        write_file(strong, "d.json", "{\"defaultAction\":\"SCMP_ACT_LOG\"}", 0644);
        write_file(strong, "e.json", "", 0644);
        snprintf(path, sizeof(path), "%s/d.json", strong);
        assert_int_equal(chown(path, 1, 1), 0);
        snprintf(path, sizeof(path), "%s/l.json", strong);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        snprintf(path, sizeof(path), "%s/f.json", strong);
        assert_int_equal(mkfifo(path, 0600), 0);

        assert_int_equal(load(strong, weak, "a", text), 0);
        assert_string_equal(text, "verb 0 of a");
        assert_int_equal(load(strong, weak, "b", text), OUTCOME_BAD_PROFILE);
        assert_non_null(strstr(text, "b: is no JSON"));
        assert_int_equal(load(strong, weak, "c", text), OUTCOME_BAD_PROFILE);
        assert_string_equal(text, "c: can be written by others than root");
        assert_int_equal(load(strong, weak, "d", text), OUTCOME_BAD_PROFILE);
        assert_int_equal(load(strong, weak, "e", text), OUTCOME_BAD_PROFILE);
        assert_int_equal(load(strong, weak, "l", text), OUTCOME_BAD_PROFILE);
        assert_string_equal(text, "l: is no regular file");
        assert_int_equal(load(strong, weak, "f", text), OUTCOME_BAD_PROFILE);
        assert_int_equal(load(strong, weak, "z", text), -ENOENT);
        assert_int_equal(load("/nowhere-at-all", weak, "a", text), 0);
        snprintf(command, sizeof(command), "rm -r %s %s", strong, weak);
        assert_int_equal(system(command), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(refuses_malformed),
                cmocka_unit_test(refuses_size_and_nul),
                cmocka_unit_test(bounds_the_number_of_rules),
                cmocka_unit_test(takes_what_engines_write),
                cmocka_unit_test(arch_map_of_others),
                cmocka_unit_test(digest_is_of_the_content),
                cmocka_unit_test(oci_section),
                cmocka_unit_test(oci_refusals),
                cmocka_unit_test(names),
                cmocka_unit_test(named_profiles),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
