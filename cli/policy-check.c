/* SPDX-License-Identifier: Apache-2.0 */
/* policy check: errors, warnings and test cases of a folder of rules, as lines for people or one object. No service is asked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/ask.h"
#include "cli/dict.h"
#include "cli/policy.h"
#include "cli/text.h"
#include "policy/case.h"
#include "policy/check.h"

int policy_folder(const char *name, char **ret) {
        struct stat st;
        char *path = realpath(name, NULL);

        if (!path || stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
                complain("policy", "%s: %s; a folder of rules was expected", name,
                         path ? "is no folder" : strerror(errno));
                free(path);
                return 2;
        }
        *ret = path;
        return 0;
}

static void plain_finding(void *data, const struct policy_finding *finding) {
        text_puts(data, finding->line);
        text_puts(data, "\n");
}

static void add_string(struct text *text, const char *key, const char *value) {
        text_printf(text, ",\"%s\":", key);
        json_string(text, value);
}

static void json_error(struct text *text, const struct policy_error *error) {
        text_printf(text, "{\"kind\":\"%s\"", error->warning ? "warning" : "error");
        add_string(text, "file", error->file);
        text_printf(text, ",\"line\":%u,\"column\":%u", error->line, error->column);
        add_string(text, "message", error->message);
        if (error->suggestion)
                add_string(text, "suggestion", error->suggestion);
        text_puts(text, "}");
}

static void json_case(struct text *text, const struct policy_finding *finding) {
        const struct policy_case *c = finding->failed;
        const struct policy_rule *rule = finding->got->rule;

        text_puts(text, "{\"kind\":\"case\"");
        add_string(text, "file", c->file);
        text_printf(text, ",\"line\":%u", c->line);
        add_string(text, "case", c->name);
        add_string(text, "answer", policy_answer_name(finding->got->answer));
        add_string(text, "rule", rule ? policy_rule_name(rule) : "none");
        add_string(text, "expected", policy_answer_name(c->expect));
        if (c->rule)
                add_string(text, "expected-rule", c->rule);
        text_puts(text, "}");
}

static void json_finding(void *data, const struct policy_finding *finding) {
        struct text *text = data;

        text_puts(text, text->len ? "," : "");
        if (finding->error)
                json_error(text, finding->error);
        else
                json_case(text, finding);
}

static bool print(const struct ask *ask, const struct policy_check *found,
                  const struct text *findings) {
        struct text text = { 0 };
        bool ok;

        text_printf(&text,
                    ask->json ? "{\"rules\":%zu,\"cases\":%zu,\"failed\":%zu,\"errors\":%zu,"
                                "\"warnings\":%zu,\"findings\":["
                              : "",
                    found->n_rules, found->n_cases, found->n_failed, found->n_errors,
                    found->n_warnings);
        text_add(&text, findings->data ? findings->data : "", findings->len);
        if (ask->json)
                text_puts(&text, "]}\n");
        else
                text_printf(&text, "%zu rules, %zu cases, %zu failed, %zu errors, %zu warnings\n",
                            found->n_rules, found->n_cases, found->n_failed, found->n_errors,
                            found->n_warnings);
        ok = text_print(&text);
        text_free(&text);
        return ok;
}

int policy_check_main(const struct ask *ask) {
        struct text findings = { 0 };
        struct policy_check found;
        char *folder = NULL;
        int r = ask->n_args ? policy_folder(ask->args[0], &folder) : 0;

        if (r)
                return r;
        r = policy_check_folder(folder, ask->json ? json_finding : plain_finding, &findings,
                                &found);
        if (r < 0)
                complain("policy", "%s: %s; readable rules were expected",
                         folder ? folder : "the system's rules", strerror(-r));
        else if (!print(ask, &found, &findings))
                r = -EIO;
        free(folder);
        text_free(&findings);
        return r < 0 ? 125 : r;
}
