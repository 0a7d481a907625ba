/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of decisions: each key, as an allowing and as a denying rule. */
#include "policy-test.h"

#include "common/caps.h"

static void test_deny_wins_wherever_it_stands(void **state) {
        struct policy_set *set = rules(
                "[Rule a]\nWho=*\nTarget=*\nAnswer=allow\n"
                "[Rule b]\nWho=user:alice\nTarget=podman:web-*\nAnswer=deny\n"
                "[Rule c]\nWho=*\nTarget=*\nAnswer=allow\n");
        struct policy_request req = plain();
        struct policy_verdict v = decide(set, &req);

        assert_int_equal(v.answer, POLICY_DENY);
        assert_int_equal(v.refusal, POLICY_REFUSED_BY_RULE);
        assert_string_equal(policy_rule_name(v.rule), "b");
        assert_int_equal(policy_rule_line(v.rule), 5);
        req.target.name = "db";
        v = decide(set, &req);
        assert_int_equal(v.answer, POLICY_ALLOW);
        assert_string_equal(policy_rule_name(v.rule), "a");
        policy_set_unref(set);
}

static void test_first_match_decides(void **state) {
        struct policy_set *set = rules("[Rule x]\nWho=user:bob\nTarget=*\nAnswer=allow\n"
                                       "[Rule a]\nWho=*\nTarget=*\nAnswer=ask-admin\n"
                                       "[Rule b]\nWho=*\nTarget=*\nAnswer=allow\n");
        struct policy_request req = plain();

        assert_int_equal(decide(set, &req).answer, POLICY_ASK_ADMIN);
        policy_set_unref(set);
}

static void test_no_rule_is_a_denial(void **state) {
        struct policy_request req = plain();
        struct policy_set *set = rules("# nothing\n");
        struct policy_verdict v = decide(set, &req);

        assert_int_equal(v.answer, POLICY_DENY);
        assert_int_equal(v.refusal, POLICY_REFUSED_NO_RULE);
        assert_null(v.rule);
        assert_int_equal(policy_decide(NULL, &req, NULL, &v), 0);
        assert_int_equal(v.answer, POLICY_DENY);
        policy_set_unref(set);
}

static void who(const char *value, const struct policy_request *req, enum policy_answer wanted) {
        char text[512];
        struct policy_set *set;

        snprintf(text, sizeof(text), "[Rule r]\nWho=%s\nTarget=*\nAnswer=allow\n", value);
        set = rules(text);
        assert_int_equal(decide(set, req).answer, wanted);
        policy_set_unref(set);
        snprintf(
                text, sizeof(text),
                "[Rule a]\nWho=*\nTarget=*\nAnswer=allow\n[Rule r]\nWho=%s\nTarget=*\nAnswer=deny\n",
                value);
        set = rules(text);
        if (!req->caller.names_failed)
                assert_int_equal(decide(set, req).answer,
                                 wanted == POLICY_ALLOW ? POLICY_DENY : POLICY_ALLOW);
        policy_set_unref(set);
}

static void test_who(void **state) {
        static const struct {
                const char *value;
                enum policy_answer wanted;
        } rows[] = {
                { "*", POLICY_ALLOW },
                { "user:alice", POLICY_ALLOW },
                { "user:alic", POLICY_DENY },
                { "user:bob", POLICY_DENY },
                { "group:support", POLICY_ALLOW },
                { "group:alice", POLICY_ALLOW },
                { "group:wheel", POLICY_DENY },
                { "uid:1000", POLICY_ALLOW },
                { "uid:999", POLICY_DENY },
                { "uid:0", POLICY_DENY },
                { "uid:1000-1999", POLICY_ALLOW },
                { "uid:0-1000", POLICY_ALLOW },
                { "uid:0-999", POLICY_DENY },
                { "user:bob uid:1000", POLICY_ALLOW },
                { "user:support", POLICY_DENY },
        };
        struct policy_request req = plain();

        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
                who(rows[i].value, &req, rows[i].wanted);
}

static void test_names_that_are_not_known(void **state) {
        struct policy_request req = plain();

        req.caller.name = NULL;
        who("user:alice", &req, POLICY_DENY);
        who("uid:1000", &req, POLICY_ALLOW);
        req.caller.names_failed = true;
        who("user:alice", &req, POLICY_DENY);
        /* a denying rule for somebody who may be the caller */
        struct policy_set *set = rules("[Rule a]\nWho=*\nTarget=*\nAnswer=allow\n"
                                       "[Rule b]\nWho=user:mallory\nTarget=*\nAnswer=deny\n");
        assert_int_equal(decide(set, &req).answer, POLICY_DENY);
        policy_set_unref(set);
}

static void test_root_passes_the_same_policy(void **state) {
        struct policy_request req = plain();

        req.caller = (struct policy_caller){ .uid = 0, .name = "root" };
        who("user:alice", &req, POLICY_DENY);
        who("uid:0", &req, POLICY_ALLOW);
}

static void target(const char *value, const struct policy_request *req, enum policy_answer wanted) {
        char text[512];
        struct policy_set *set;

        snprintf(text, sizeof(text), "[Rule r]\nWho=*\nTarget=%s\nAnswer=allow\n", value);
        set = rules(text);
        assert_int_equal(decide(set, req).answer, wanted);
        policy_set_unref(set);
}

static void test_target(void **state) {
        static const struct {
                const char *value;
                enum policy_answer wanted;
        } rows[] = {
                { "*", POLICY_ALLOW },
                { "podman:web-1", POLICY_ALLOW },
                { "podman:web-*", POLICY_ALLOW },
                { "podman:web-?", POLICY_ALLOW },
                { "podman:web-[0-9]", POLICY_ALLOW },
                { "podman:web-[!1]", POLICY_DENY },
                { "podman:*", POLICY_ALLOW },
                { "*:web-1", POLICY_ALLOW },
                { "docker:*", POLICY_DENY },
                { "docker:* podman:web-1", POLICY_ALLOW },
                { "podman:web", POLICY_DENY },
                { "podman:web-11", POLICY_DENY },
                { "podman:eb-1", POLICY_DENY },
                { "podman:WEB-1", POLICY_DENY },
                { "podman:0123456789abcdef", POLICY_ALLOW },
                { "podman:0123456789abcde", POLICY_DENY },
                { "podman:01234567*", POLICY_ALLOW },
                { "own", POLICY_DENY },
        };
        struct policy_request req = plain();

        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
                target(rows[i].value, &req, rows[i].wanted);
        req.target.own = POLICY_YES;
        target("own", &req, POLICY_ALLOW);
        req.target.own = POLICY_UNKNOWN;
        target("own", &req, POLICY_DENY);
}

static void command(const char *rule, const char *const *argv, enum policy_answer wanted) {
        struct policy_request req = plain();
        char lines[512];

        req.argv = argv;
        for (req.n_argv = 0; argv[req.n_argv];)
                req.n_argv++;
        snprintf(lines, sizeof(lines), "Command=%s\n", rule);
        if (answer(lines, &req) != wanted)
                fail_msg("Command=%s: %s ...: wrong answer", rule, argv[0]);
}

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_command_allows(void **state) {
        command("*", ARGV("anything", "at", "all"), POLICY_ALLOW);
        command("/usr/bin/id", ARGV("/usr/bin/id"), POLICY_ALLOW);
        command("/usr/bin/id", ARGV("/usr/bin/id", "-u"), POLICY_DENY);
        command("/usr/bin/id **", ARGV("/usr/bin/id"), POLICY_ALLOW);
        command("/usr/bin/id **", ARGV("/usr/bin/id", "a", "/b/c"), POLICY_ALLOW);
        command("/usr/bin/id *", ARGV("/usr/bin/id", "/b/c"), POLICY_ALLOW);
        command("/usr/bin/id *", ARGV("/usr/bin/id"), POLICY_DENY);
        command("/usr/bin/id *", ARGV("/usr/bin/id", "a", "b"), POLICY_DENY);
        command("/usr/bin/id -?", ARGV("/usr/bin/id", "-u"), POLICY_ALLOW);
        command("/usr/bin/id -?", ARGV("/usr/bin/id", "-uu"), POLICY_DENY);
        command("/usr/bin/*", ARGV("/usr/bin/id"), POLICY_ALLOW);
        command("/usr/bin/*", ARGV("/usr/bin/sub/id"), POLICY_DENY);
        command("/usr/**", ARGV("/usr/bin/sub/id"), POLICY_ALLOW);
        command("/bin/x ** end", ARGV("/bin/x", "end", "b", "end"), POLICY_ALLOW);
        command("/bin/x ** end", ARGV("/bin/x", "end", "b"), POLICY_DENY);
        command("/bin/x ** a ** b", ARGV("/bin/x", "a", "a", "c", "b"), POLICY_ALLOW);
        command("/bin/x \"a b\"", ARGV("/bin/x", "a b"), POLICY_ALLOW);
        command("/bin/x \"a b\"", ARGV("/bin/x", "a", "b"), POLICY_DENY);
        command("/bin/x \\*", ARGV("/bin/x", "*"), POLICY_ALLOW);
        command("/bin/x \\*", ARGV("/bin/x", "y"), POLICY_DENY);
        command("/bin/x \"*\"", ARGV("/bin/x", "a/b"),
                POLICY_DENY); /* quoted: a pattern, no longer the whole-word star */
}

static void test_command_is_absolute(void **state) {
        command("/usr/bin/id **", ARGV("id"), POLICY_DENY);
        command("/usr/bin/id **", ARGV("./id"), POLICY_DENY);
        command("/usr/bin/id **", ARGV("usr/bin/id"), POLICY_DENY);
        command("/usr/bin/id **", ARGV("//usr/bin/id"), POLICY_DENY);
        command("/usr/bin/id **", ARGV("/usr/bin/id/"), POLICY_DENY);
}

static void test_command_is_not_led_out(void **state) {
        command("/bin/cat /var/log/*", ARGV("/bin/cat", "/var/log/syslog"), POLICY_ALLOW);
        command("/bin/cat /var/log/*", ARGV("/bin/cat", "/var/log/a/b"), POLICY_DENY);
        command("/bin/cat /var/log/*", ARGV("/bin/cat", "/var/log/.."), POLICY_DENY);
        command("/bin/cat /var/log/**", ARGV("/bin/cat", "/var/log/a/b"), POLICY_ALLOW);
        command("/bin/cat /var/log/**", ARGV("/bin/cat", "/var/log/../../etc/shadow"), POLICY_DENY);
        command("/bin/cat /var/log/**", ARGV("/bin/cat", "/var/log/..x"), POLICY_ALLOW);
        command("/bin/cat /var/../x", ARGV("/bin/cat", "/var/../x"), POLICY_ALLOW);
        command("/opt/**", ARGV("/opt/../bin/sh"), POLICY_DENY);
}

static void test_command_denies(void **state) {
        struct policy_set *set = rules(
                "[Rule a]\nWho=*\nTarget=*\nAnswer=allow\n"
                "[Rule d]\nWho=*\nTarget=*\nCommand=/bin/rm **\nAnswer=deny\n");
        struct policy_request req = plain();

        assert_int_equal(decide(set, &req).answer, POLICY_ALLOW);
        req.argv = ARGV("/bin/rm", "x");
        assert_int_equal(decide(set, &req).answer, POLICY_DENY);
        req.argv = ARGV("rm", "x"); /* found through PATH: it may be that one */
        assert_int_equal(decide(set, &req).answer, POLICY_DENY);
        req.argv = ARGV("rmdir", "x");
        assert_int_equal(decide(set, &req).answer, POLICY_ALLOW);
        policy_set_unref(set);
}

static struct policy_request as(const char *asked, bool resolved, uint32_t uid,
                                enum policy_tri is_default) {
        struct policy_request req = plain();

        req.user = (struct policy_as_user){
                .asked = asked, .resolved = resolved, .uid = uid, .is_default = is_default
        };
        return req;
}

static void test_as_user(void **state) {
        struct policy_request def = plain(), root = as(NULL, true, 0, POLICY_YES),
                              app = as("app", true, 33, POLICY_NO);
        struct policy_request evil = as("app", true, 0, POLICY_NO),
                              number = as("33", true, 33, POLICY_NO);
        struct policy_request false_root = as("root", true, 5, POLICY_NO);

        allowed("", &def);
        allowed("AsUser=default\n", &def);
        allowed("AsUser=1000\n", &def);
        allowed("AsUser=*\n", &def);
        refused("AsUser=app\n", &def);
        refused("", &app);
        allowed("AsUser=app\n", &app);
        allowed("AsUser=33\n", &app);
        allowed("AsUser=30-40\n", &app);
        refused("AsUser=34-40\n", &app);
        refused("AsUser=app\n", &number); /* a number is not led back to a name */
        allowed("AsUser=33\n", &number);
        /* 0 is matched only where it is listed */
        refused("", &root);
        refused("AsUser=default\n", &root);
        refused("AsUser=*\n", &root);
        allowed("AsUser=default root\n", &root);
        allowed("AsUser=0\n", &root);
        refused("AsUser=app\n", &evil);
        refused("AsUser=app 1-4294967294\n", &evil);
        allowed("AsUser=app 0\n", &evil);
        refused("AsUser=root\n",
                &false_root); /* root is the number, not the name in a hostile passwd */
}

static void test_as_user_denied(void **state) {
        struct policy_request root = as(NULL, true, 0, POLICY_YES),
                              evil = as("app", true, 0, POLICY_NO);
        struct policy_request app = as("app", true, 33, POLICY_NO),
                              unknown = as("app", false, 0, POLICY_UNKNOWN);
        const char *rule = "[Rule a]\nWho=*\nTarget=*\nAsUser=* root\nAnswer=allow\n"
                           "[Rule d]\nWho=*\nTarget=*\nAsUser=root\nAnswer=deny\n";
        struct policy_set *set = rules(rule);

        assert_int_equal(decide(set, &root).answer, POLICY_DENY);
        assert_int_equal(decide(set, &evil).answer, POLICY_DENY);
        assert_int_equal(decide(set, &app).answer, POLICY_ALLOW);
        assert_int_equal(decide(set, &unknown).answer, POLICY_DENY);
        policy_set_unref(set);
}

static void test_before_the_user_is_known(void **state) {
        struct policy_request app = as("app", false, 0, POLICY_UNKNOWN),
                              number = as("33", false, 0, POLICY_UNKNOWN);
        struct policy_set *set = rules(
                "[Rule a]\nWho=*\nTarget=*\nAsUser=app 1000\nAnswer=allow\n");
        struct policy_verdict v;

        assert_int_equal(policy_precheck(set, &app, &v), 0);
        assert_int_equal(v.answer, POLICY_ALLOW);
        assert_int_equal(decide(set, &app).answer,
                         POLICY_DENY); /* a permission only when it is known */
        assert_int_equal(policy_precheck(set, &number, &v), 0);
        assert_int_equal(v.answer, POLICY_DENY);
        app.user.asked = "other"; /* may still be 1000 */
        assert_int_equal(policy_precheck(set, &app, &v), 0);
        assert_int_equal(v.answer, POLICY_ALLOW);
        policy_set_unref(set);
        set = rules("[Rule a]\nWho=*\nTarget=*\nAsUser=app\nAnswer=allow\n");
        assert_int_equal(policy_precheck(set, &app, &v), 0);
        assert_int_equal(v.answer, POLICY_DENY);
        policy_set_unref(set);
}

/* A shell that a file of the target will name: who could have none is refused before that file is opened. */
static void test_before_the_command_is_known(void **state) {
        struct policy_request shell = as("app", true, 1000, POLICY_NO);
        struct policy_set *set = rules(
                "[Rule a]\nWho=*\nTarget=*\nCommand=/bin/sh\nAsUser=*\nTty=no\nAnswer=allow\n"
                "[Rule d]\nWho=*\nTarget=*\nCommand=/bin/bash\nAnswer=deny\n");
        static const char *const sh[] = { "/bin/sh" }, *const bash[] = { "/bin/bash" };
        struct policy_verdict v;

        shell.argv = NULL;
        shell.n_argv = 0;
        shell.command_unknown = true;
        assert_int_equal(policy_precheck(set, &shell, &v), 0);
        assert_int_equal(v.answer, POLICY_ALLOW);
        assert_int_equal(decide(set, &shell).answer, POLICY_DENY); /* a permission only when it is known */
        shell.tty = true;
        assert_int_equal(policy_precheck(set, &shell, &v), 0);
        assert_int_equal(v.answer, POLICY_DENY);
        shell.tty = shell.command_unknown = false;
        shell.argv = sh;
        shell.n_argv = 1;
        assert_int_equal(decide(set, &shell).answer, POLICY_ALLOW);
        shell.argv = bash;
        assert_int_equal(decide(set, &shell).answer, POLICY_DENY);
        policy_set_unref(set);
}

/* What is refused before all is known would have been refused after: a used-up rule may not be the one that decides. */
static void test_early_quota(void **state) {
        struct policy_set *set = rules(
                "[Rule a]\nWho=*\nTarget=*\nAsUser=33\nLimits=sessions:1\nAnswer=allow\n"
                "[Rule b]\nWho=*\nTarget=*\nAsUser=app\nAnswer=ask-self\n");
        struct policy_request app = as("app", false, 0, POLICY_UNKNOWN);
        struct policy_verdict v;

        app.quota.sessions = 1;
        assert_int_equal(policy_precheck(set, &app, &v), 0);
        assert_int_not_equal(v.answer, POLICY_DENY);
        app.user.resolved = true;
        app.user.uid = 34;
        app.user.is_default = POLICY_NO;
        assert_int_equal(decide(set, &app).answer, POLICY_ASK_SELF);
        app.user.uid = 33;
        assert_int_equal(decide(set, &app).refusal, POLICY_REFUSED_QUOTA);
        policy_set_unref(set);
}

static void test_groups(void **state) {
        struct policy_as_group disk = { .asked = "disk", .resolved = true, .gid = 6 };
        struct policy_as_group zero = { .asked = "x", .resolved = true, .gid = 0 };
        struct policy_as_group both[] = { disk, zero };
        struct policy_request req = plain();

        allowed("AsGroup=disk\n", &req);
        req.user.asked_groups = &disk;
        req.user.n_asked_groups = 1;
        refused("", &req);
        allowed("AsGroup=disk\n", &req);
        allowed("AsGroup=6\n", &req);
        allowed("AsGroup=1-10\n", &req);
        refused("AsGroup=7\n", &req);
        req.user.asked_groups = &zero;
        refused("AsGroup=x *\n", &req);
        allowed("AsGroup=x 0\n", &req);
        req.user.asked_groups = both;
        req.user.n_asked_groups = 2;
        refused("AsGroup=disk\n", &req);
        allowed("AsGroup=disk root\n", &req);
}

static void test_capabilities(void **state) {
        struct policy_request none = plain(), one = plain(), two = plain(), privileged = plain();
        const char *net = "Capabilities=CAP_NET_ADMIN\n";
        struct policy_set *set;
        struct policy_verdict v;

        one.caps = CAPS_BIT(12);
        two.caps = CAPS_BIT(12) | CAPS_BIT(21);
        privileged.privileged = true;
        allowed("", &none);
        allowed(net, &none);
        refused("", &one);
        refused("Capabilities=\n", &one);
        allowed(net, &one);
        allowed("Capabilities=net_admin CAP_SYS_ADMIN\n", &two);
        refused(net, &two); /* never trimmed */
        allowed("Capabilities=all\n", &two);
        refused("", &privileged);
        allowed(net, &privileged);
        set = rules(HEAD "Capabilities=CAP_NET_ADMIN CAP_SYS_ADMIN\n" ALLOW);
        v = decide(set, &privileged);
        assert_true(v.caps == (CAPS_BIT(12) | CAPS_BIT(21)) && !v.caps_all);
        v = decide(set, &one);
        assert_true(v.caps == CAPS_BIT(12));
        policy_set_unref(set);
        set = rules(HEAD "Capabilities=all\n" ALLOW);
        assert_true(decide(set, &privileged).caps_all);
        assert_false(decide(set, &one).caps_all);
        policy_set_unref(set);
}

static void test_capabilities_denied(void **state) {
        struct policy_set *set = rules(
                "[Rule a]\nWho=*\nTarget=*\nCapabilities=all\nAnswer=allow\n"
                "[Rule d]\nWho=*\nTarget=*\nCapabilities=CAP_SYS_ADMIN\nAnswer=deny\n");
        struct policy_request req = plain();

        req.caps = CAPS_BIT(12);
        assert_int_equal(decide(set, &req).answer, POLICY_ALLOW);
        req.caps |= CAPS_BIT(21);
        assert_int_equal(decide(set, &req).answer, POLICY_DENY);
        req.caps = 0;
        req.privileged = true;
        assert_int_equal(decide(set, &req).answer, POLICY_DENY);
        policy_set_unref(set);
}

static void profile(const char *lines, const char *asked, const char *wanted) {
        struct policy_request req = plain();
        char text[512];
        struct policy_set *set;
        struct policy_verdict v;

        req.seccomp = asked;
        snprintf(text, sizeof(text), HEAD "%s" ALLOW, lines);
        set = rules(text);
        v = decide(set, &req);
        assert_int_equal(v.answer, wanted ? POLICY_ALLOW : POLICY_DENY);
        if (wanted)
                assert_string_equal(v.seccomp, wanted);
        policy_set_unref(set);
}

static void test_seccomp(void **state) {
        profile("", NULL, "target");
        profile("", "default", "default");
        profile("", "unconfined", NULL);
        profile("", "mine", NULL);
        profile("Seccomp=default\n", NULL, "default");
        profile("Seccomp=default\n", "target", NULL);
        profile("Seccomp=unconfined default\n", NULL,
                "default"); /* unconfined has to be asked for */
        profile("Seccomp=unconfined\n", NULL, NULL);
        profile("Seccomp=unconfined\n", "unconfined", "unconfined");
        profile("Seccomp=*\n", "mine", "mine");
        profile("Seccomp=*\n", NULL, "target");
        profile("Seccomp=*\n", "unconfined", NULL);
        profile("Seccomp=* unconfined\n", "unconfined", "unconfined");
}

static void test_no_new_privs(void **state) {
        struct policy_request req = plain();
        struct policy_set *set = rules(HEAD "NoNewPrivileges=yes\n" ALLOW);

        assert_true(decide(set, &req).no_new_privs);
        req.no_new_privs = POLICY_NO;
        assert_int_equal(decide(set, &req).answer, POLICY_DENY);
        policy_set_unref(set);
        set = rules(HEAD ALLOW);
        assert_false(decide(set, &req).no_new_privs);
        req.no_new_privs = POLICY_YES;
        assert_true(decide(set, &req).no_new_privs);
        policy_set_unref(set);
}

static void test_label_and_tty(void **state) {
        struct policy_request req = plain(), tty = plain();

        req.label = "a:b:c_t:s0";
        refused("", &req);
        allowed("SELinuxLabel=a:b:*\n", &req);
        refused("SELinuxLabel=x*\n", &req);
        tty.tty = true;
        allowed("", &tty);
        allowed("Tty=any\n", &tty);
        allowed("Tty=yes\n", &tty);
        refused("Tty=no\n", &tty);
        tty.tty = false;
        refused("Tty=yes\n", &tty);
        allowed("Tty=no\n", &tty);
}

static void test_descriptors(void **state) {
        struct policy_request req = plain();

        req.n_extra_fds = 2;
        refused("", &req);
        refused("Fds=1\n", &req);
        allowed("Fds=2\n", &req);
        req.fd_kinds |= POLICY_FD_UNIX;
        refused("Fds=2\n", &req);
        allowed("Fds=2 unix\n", &req);
        req.fd_kinds = POLICY_FD_FILE;
        refused("Fds=2 unix\n", &req);
        allowed("Fds=2\nFiles=yes\n", &req);
}

static struct policy_request with_env(const char *const *env) {
        struct policy_request req = plain();

        req.env = env;
        req.n_env = 1;
        return req;
}

static void test_environment(void **state) {
        struct policy_request a = with_env(ARGV("A=1")), ld = with_env(ARGV("LD_PRELOAD=/x"));
        struct policy_request opts = with_env(ARGV("NODE_OPTIONS=x")),
                              path = with_env(ARGV("PATH=/x"));
        const char *fixed = "Command=/usr/bin/id **\n";

        allowed("", &a);
        allowed("", &ld); /* any command is allowed: nothing to protect */
        allowed(fixed, &a);
        refused(fixed, &ld);
        refused(fixed, &opts);
        refused(fixed, &path);
        refused("Command=/usr/bin/id **\nEnvAllow=*\n", &ld); /* a star does not list it */
        allowed("Command=/usr/bin/id **\nEnvAllow=LD_*\n", &ld);
        allowed("Command=/usr/bin/id **\nEnvAllow=LD_PRELOAD\n", &ld);
        refused("EnvAllow=\n", &a);
        refused("EnvAllow=B\n", &a);
        allowed("EnvAllow=A\n", &a);
        refused("EnvDeny=A\n", &a);
        refused("EnvAllow=*\nEnvDeny=A\n", &a);
        allowed("EnvDeny=B\n", &a);
        allowed("EnvSet=A=1\n", &a);
        refused("EnvSet=A=2\n", &a);
}

static void test_limits(void **state) {
        struct policy_set *set = rules(
                HEAD "Limits=sessions:2 per-minute:5 wall:1h memory:1M pids:10\n" ALLOW);
        struct policy_request req = plain();
        struct policy_verdict v = decide(set, &req);

        assert_int_equal(v.limits.wall_ms, 3600000);
        assert_int_equal(v.limits.memory, 1 << 20);
        assert_int_equal(v.limits.idle_ms, 0);
        req.limits.wall_ms = 1000;
        req.limits.idle_ms = 5;
        v = decide(set, &req);
        assert_int_equal(v.limits.wall_ms, 1000);
        assert_int_equal(v.limits.idle_ms, 5);
        req.limits.wall_ms = 3600001;
        assert_int_equal(decide(set, &req).refusal, POLICY_REFUSED_NO_RULE);
        req.limits.wall_ms = 0;
        req.quota.sessions = 2;
        v = decide(set, &req);
        assert_int_equal(v.refusal, POLICY_REFUSED_QUOTA);
        assert_string_equal(policy_rule_name(v.rule), "r");
        req.quota = (struct policy_quota){ .sessions = 1, .starts_last_min = 5 };
        assert_int_equal(decide(set, &req).refusal, POLICY_REFUSED_QUOTA);
        policy_set_unref(set);
}

static void gone(const char *lines, enum policy_gone g, uint64_t s, enum policy_answer wanted) {
        struct policy_request req = plain();

        req.client_gone = g;
        req.keep_for_s = s;
        assert_int_equal(answer(lines, &req), wanted);
}

static void test_client_gone(void **state) {
        gone("", POLICY_GONE_KILL, 0, POLICY_ALLOW);
        gone("", POLICY_GONE_HUP, 0, POLICY_DENY);
        gone("", POLICY_GONE_KEEP, 0, POLICY_DENY);
        gone("ClientGone=hup\n", POLICY_GONE_KILL, 0, POLICY_ALLOW);
        gone("ClientGone=hup\n", POLICY_GONE_HUP, 0, POLICY_ALLOW);
        gone("ClientGone=keep-for:1h\n", POLICY_GONE_KEEP, 0, POLICY_DENY);
        gone("ClientGone=keep-for:1h\n", POLICY_GONE_KEEP_FOR, 3600, POLICY_ALLOW);
        gone("ClientGone=keep-for:1h\n", POLICY_GONE_KEEP_FOR, 3601, POLICY_DENY);
        gone("ClientGone=keep\n", POLICY_GONE_KEEP_FOR, 999999, POLICY_ALLOW);
}

static void test_reason(void **state) {
        struct policy_request req = plain();

        allowed("", &req);
        refused("Reason=*\n", &req);
        req.reason = "";
        refused("Reason=*\n", &req);
        req.reason = "OPS-12 disk is full";
        allowed("Reason=*\n", &req);
        allowed("Reason=OPS-[0-9]*\n", &req);
        allowed("\nReason=\"OPS-[0-9][0-9] *\"\n", &req);
        refused("Reason=DEV-*\n", &req);
}

static void when(const char *value, int day, int minute, enum policy_answer wanted) {
        struct policy_request req = plain();
        char lines[128];

        req.time.weekday = day;
        req.time.minute = minute;
        snprintf(lines, sizeof(lines), "When=%s\n", value);
        assert_int_equal(answer(lines, &req), wanted);
}

static void test_when(void **state) {
        struct policy_request req = plain();

        when("Mon-Fri 08:00-18:00", 4, 8 * 60, POLICY_ALLOW);
        when("Mon-Fri 08:00-18:00", 4, 18 * 60, POLICY_DENY);
        when("Mon-Fri 08:00-18:00", 4, 8 * 60 - 1, POLICY_DENY);
        when("Mon-Fri 08:00-18:00", 5, 600, POLICY_DENY);
        when("Sat-Mon", 6, 600, POLICY_ALLOW);
        when("Sat-Mon", 1, 600, POLICY_DENY);
        when("Mon,Wed", 2, 600, POLICY_ALLOW);
        when("22:00-06:00", 0, 23 * 60, POLICY_ALLOW);
        when("22:00-06:00", 0, 5 * 60, POLICY_ALLOW);
        when("22:00-06:00", 0, 6 * 60, POLICY_DENY);
        when("06:00-07:00 12:00-24:00", 0, 1439, POLICY_ALLOW);
        when("until:2026-11-25", 0, 0, POLICY_ALLOW);
        when("until:2026-11-24", 0, 0, POLICY_DENY);
        when("from:2026-11-25", 0, 0, POLICY_ALLOW);
        when("from:2026-11-26", 0, 0, POLICY_DENY);
        req.time.known = false;
        refused("When=Mon-Sun\n", &req);
}

static void test_caller_facts(void **state) {
        struct policy_request req = plain();

        refused("Active=yes\n", &req);
        allowed("Active=no\n", &req);
        req.caller.active = POLICY_UNKNOWN;
        refused("Active=no\n", &req);
        refused("Unit=*\n", &req); /* no pidfd: never */
        req.caller.unit = "backup.service";
        allowed("Unit=backup.*\n", &req);
        refused("Unit=cgroup:/system.slice/*\n", &req);
        req.caller.cgroup = "/system.slice/backup.service";
        allowed("Unit=cgroup:/system.slice/*\n", &req);
}

static void test_unknown_facts_deny(void **state) {
        struct policy_set *set = rules("[Rule a]\nWho=*\nTarget=*\nAnswer=allow\n"
                                       "[Rule d]\nWho=*\nTarget=*\nLabel=env=prod\nAnswer=deny\n");
        struct policy_label label = { "env", "prod" };
        struct policy_request req = plain();

        assert_int_equal(decide(set, &req).answer, POLICY_ALLOW);
        req.target.labels = &label;
        req.target.n_labels = 1;
        assert_int_equal(decide(set, &req).answer, POLICY_DENY);
        req.target.n_labels = 0;
        req.target.labels_known = false; /* reached by pid: it may be production */
        assert_int_equal(decide(set, &req).answer, POLICY_DENY);
        policy_set_unref(set);
}

static void test_target_facts(void **state) {
        struct policy_label labels[] = { { "env", "dev" }, { "team", "web" } };
        struct policy_request req = plain();

        req.target.labels = labels;
        req.target.n_labels = 2;
        req.target.image = "docker.io/library/nginx:1";
        req.target.owner_uid = 1000;
        allowed("Label=env=dev\n", &req);
        allowed("Label=env\n", &req);
        allowed("Label=env=prod team=w*\n", &req);
        refused("Label=env=prod\n", &req);
        allowed("Image=docker.io/*\n", &req);
        refused("Image=quay.io/*\n", &req);
        allowed("Owner=caller\n", &req);
        allowed("Owner=uid:1000\n", &req);
        refused("Owner=root\n", &req);
        refused("Owner=user:alice\n", &req);
        req.target.owner_name = "alice";
        allowed("Owner=user:alice\n", &req);
        req.target.owner_known = false;
        refused("Owner=caller\n", &req);
}

static void test_could_match(void **state) {
        struct policy_set *set = rules(
                "[Rule a]\nWho=user:alice\nTarget=podman:web-*\nCommand=/bin/true\nAnswer=allow\n"
                "[Rule b]\nWho=user:bob\nTarget=*\nAnswer=allow\n"
                "[Rule c]\nWho=user:bob\nTarget=podman:secret\nAnswer=deny\n");
        struct policy_request req = plain();
        struct policy_caller bob = { .uid = 1001, .name = "bob" };

        assert_true(policy_could_match_name(set, &req.caller, "podman", "web-9"));
        assert_true(policy_could_match_name(set, &req.caller, NULL, "web-9"));
        assert_false(policy_could_match_name(set, &req.caller, "docker", "web-9"));
        assert_false(policy_could_match_name(set, &req.caller, NULL, "mysql"));
        assert_true(policy_could_match_name(set, &req.caller, NULL,
                                            "0123abc")); /* the beginning of an id */
        assert_true(policy_could_match_name(set, &bob, NULL, "mysql"));
        assert_false(policy_could_match_name(set, &bob, "podman", "secret"));
        assert_false(policy_could_match_name(NULL, &bob, NULL, "mysql"));
        assert_true(policy_could_match_target(set, &req));
        req.target.name = "db";
        assert_false(policy_could_match_target(set, &req));
        policy_set_unref(set);
}

/* What is unknown must not take back what is known: the name was denied already. */
static void test_could_match_in_any_order(void **state) {
        static const char *const orders[] = { "own podman:web-1", "podman:web-1 own" };
        struct policy_request req = plain();

        for (size_t i = 0; i < 2; i++) {
                char text[256];
                struct policy_set *set;

                snprintf(text, sizeof(text), HEAD ALLOW "[Rule d]\nWho=*\nTarget=%s\nAnswer=deny\n",
                         orders[i]);
                set = rules(text);
                assert_false(policy_could_match_name(set, &req.caller, "podman", "web-1"));
                assert_true(policy_could_match_name(set, &req.caller, "podman", "web-2"));
                policy_set_unref(set);
        }
}

static void test_trace(void **state) {
        struct policy_set *set = rules("[Rule a]\nWho=user:bob\nTarget=*\nAnswer=allow\n"
                                       "[Rule b]\nWho=*\nTarget=podman:x*\nAnswer=allow\n"
                                       "[Rule c]\nWho=*\nTarget=*\nAnswer=allow\n"
                                       "[Rule d]\nWho=*\nTarget=*\nAnswer=allow\n");
        struct policy_skip skips[2];
        struct policy_trace trace = { .skips = skips, .max = 2 };
        struct policy_request req = plain();
        struct policy_verdict v;
        char text[128];

        req.target.name = "web\033[31m";
        assert_int_equal(policy_decide(set, &req, &trace, &v), 0);
        assert_string_equal(policy_rule_name(v.rule), "c");
        assert_int_equal(trace.n, 3); /* of which two fitted */
        assert_int_equal(skips[0].key, POLICY_KEY_WHO);
        assert_int_equal(skips[1].key, POLICY_KEY_TARGET);
        assert_int_equal(policy_skip_text(&skips[1], &req, text, sizeof(text)), 0);
        assert_string_equal(text, "Target=podman:x* does not match podman:web\\x1b[31m");
        assert_int_equal(policy_skip_text(&skips[1], &req, text, 20), 1);
        assert_int_equal(strlen(text), 19);
        policy_set_unref(set);
}

static void test_may_see(void **state) {
        assert_true(policy_may_see(1000, 1000, false));
        assert_false(policy_may_see(1000, 1001, false));
        assert_true(policy_may_see(1000, 1001, true));
        assert_false(policy_may_see(0, 1001, false));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_deny_wins_wherever_it_stands),
                cmocka_unit_test(test_first_match_decides),
                cmocka_unit_test(test_no_rule_is_a_denial),
                cmocka_unit_test(test_who),
                cmocka_unit_test(test_names_that_are_not_known),
                cmocka_unit_test(test_root_passes_the_same_policy),
                cmocka_unit_test(test_target),
                cmocka_unit_test(test_command_allows),
                cmocka_unit_test(test_command_is_absolute),
                cmocka_unit_test(test_command_is_not_led_out),
                cmocka_unit_test(test_command_denies),
                cmocka_unit_test(test_as_user),
                cmocka_unit_test(test_as_user_denied),
                cmocka_unit_test(test_before_the_user_is_known),
                cmocka_unit_test(test_before_the_command_is_known),
                cmocka_unit_test(test_early_quota),
                cmocka_unit_test(test_groups),
                cmocka_unit_test(test_capabilities),
                cmocka_unit_test(test_capabilities_denied),
                cmocka_unit_test(test_seccomp),
                cmocka_unit_test(test_no_new_privs),
                cmocka_unit_test(test_label_and_tty),
                cmocka_unit_test(test_descriptors),
                cmocka_unit_test(test_environment),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_client_gone),
                cmocka_unit_test(test_reason),
                cmocka_unit_test(test_when),
                cmocka_unit_test(test_caller_facts),
                cmocka_unit_test(test_unknown_facts_deny),
                cmocka_unit_test(test_target_facts),
                cmocka_unit_test(test_could_match),
                cmocka_unit_test(test_could_match_in_any_order),
                cmocka_unit_test(test_trace),
                cmocka_unit_test(test_may_see),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
