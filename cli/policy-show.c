/* SPDX-License-Identifier: Apache-2.0 */
/* policy show: the rules as the service would load them now, in the order in which they are asked, each setting with the file and line
 * that it comes from, and what is hidden or masked. */
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/dict.h"
#include "cli/policy.h"
#include "cli/text.h"
#include "policy/folder.h"
#include "policy/load.h"
#include "policy/policy.h"

struct shown {
        struct text text;
        struct policy_errors errors;
        bool json;
};

static int plain_file(void *data, const struct folder_file *file) {
        struct shown *shown = data;

        if (!file->hidden_by && !file->masked)
                return 0;
        text_puts(&shown->text, "# ");
        text_escape(&shown->text, file->path, strlen(file->path));
        if (file->hidden_by) {
                text_puts(&shown->text, " is hidden by ");
                text_escape(&shown->text, file->hidden_by, strlen(file->hidden_by));
        } else {
                text_puts(&shown->text, " is a link to /dev/null and holds nothing");
        }
        text_puts(&shown->text, "\n");
        return 0;
}

static int json_file(void *data, const struct folder_file *file) {
        struct shown *shown = data;

        text_puts(&shown->text, shown->text.data[shown->text.len - 1] == '[' ? "" : ",");
        text_puts(&shown->text, "{\"file\":");
        json_string(&shown->text, file->path);
        if (file->hidden_by) {
                text_puts(&shown->text, ",\"hidden-by\":");
                json_string(&shown->text, file->hidden_by);
        }
        text_printf(&shown->text, ",\"masked\":%s}", file->masked ? "true" : "false");
        return 0;
}

/* FILE:LINE: TEXT, as grep and compilers have it. */
static void plain_origin(struct text *text, const struct policy_rule *rule, unsigned line) {
        const char *file = policy_rule_file(rule);

        text_escape(text, file, strlen(file));
        text_printf(text, ":%u: ", line);
}

static void plain_rule(struct text *text, const struct policy_rule *rule) {
        struct policy_setting setting;

        plain_origin(text, rule, policy_rule_line(rule));
        text_printf(text, "[Rule %s]\n", policy_rule_name(rule));
        for (size_t i = 0; policy_rule_setting(rule, i, &setting); i++) {
                plain_origin(text, rule, setting.line);
                text_printf(text, "%s=%s\n", policy_key_name(setting.key), setting.value);
        }
}

static void json_rule(struct text *text, const struct policy_rule *rule) {
        struct policy_setting setting;

        text_printf(text, "{\"name\":\"%s\",\"file\":", policy_rule_name(rule));
        json_string(text, policy_rule_file(rule));
        text_printf(text, ",\"line\":%u,\"answer\":\"%s\",\"settings\":[", policy_rule_line(rule),
                    policy_answer_name(policy_rule_answer(rule)));
        for (size_t i = 0; policy_rule_setting(rule, i, &setting); i++) {
                text_printf(text, "%s{\"line\":%u,\"key\":\"%s\",\"value\":", i ? "," : "",
                            setting.line, policy_key_name(setting.key));
                json_string(text, setting.value);
                text_puts(text, "}");
        }
        text_puts(text, "]}");
}

static void show_rules(struct shown *shown, const struct policy_set *set) {
        size_t n = policy_set_count(set);

        if (shown->json)
                text_printf(&shown->text, "],\"digest\":\"%s\",\"rules\":[", policy_set_digest(set));
        for (size_t i = 0; i < n; i++) {
                text_puts(&shown->text, i == 0 ? "" : shown->json ? "," : "\n");
                if (shown->json)
                        json_rule(&shown->text, policy_set_rule(set, i));
                else
                        plain_rule(&shown->text, policy_set_rule(set, i));
        }
        text_puts(&shown->text, shown->json ? "]}\n" : "");
}

static int refuse(const struct policy_errors *errors, int r) {
        char line[4096];

        for (size_t i = 0; i < errors->n; i++)
                if (!errors->list[i].warning) {
                        policy_error_text(&errors->list[i], line, sizeof(line));
                        complain("policy", "%s", line);
                }
        if (r < 0)
                complain("policy", "%s; readable rules were expected", strerror(-r));
        return r < 0 ? 125 : 1;
}

static int show(struct shown *shown, const struct policy_sources *sources) {
        struct policy_set *set = NULL;
        int r = policy_load(sources, &set, &shown->errors);

        if (r)
                return refuse(&shown->errors, r);
        text_puts(&shown->text, shown->json ? "{\"files\":[" : "");
        r = folder_list(sources, ".conf", shown->json ? json_file : plain_file, shown,
                        &shown->errors);
        if (r == 0)
                show_rules(shown, set);
        policy_set_unref(set);
        if (r)
                return refuse(&shown->errors, r);
        return text_print(&shown->text) ? 0 : 125;
}

int policy_show_main(const struct ask *ask) {
        struct shown shown = { .json = ask->json };
        char *folder = NULL;
        int status = ask->n_args ? policy_folder(ask->args[0], &folder) : 0;
        const char *const folders[] = { folder };
        struct policy_sources own = { .folders = folders, .n_folders = 1, .any_owner = true };

        if (!status)
                status = show(&shown, folder ? &own : policy_system_sources());
        policy_errors_free(&shown.errors);
        text_free(&shown.text);
        free(folder);
        return status;
}
