/* SPDX-License-Identifier: Apache-2.0 */
/* policy status: which rules are in force, what the last reload said, and whether the files have changed since. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/ask.h"
#include "cli/dict.h"
#include "cli/policy.h"
#include "cli/text.h"
#include "policy/load.h"
#include "policy/policy.h"

/* What the files here are, beside what is in force. */
static const char *compare_files(const char *digest) {
        struct policy_errors errors = { 0 };
        struct policy_set *set = NULL;
        int r = policy_load(policy_system_sources(), &set, &errors);
        const char *ret = r == -EACCES ? "not readable for you"
                        : r            ? "broken: airlock policy check says where"
                        : digest && !strcmp(policy_set_digest(set), digest)
                                ? "as in force"
                                : "changed: the next reload takes them";

        /* What one may not open is told as an error of its file. */
        if (r > 0 && errors.n && strstr(errors.list[0].message, strerrordesc_np(EACCES)))
                ret = "not readable for you";
        policy_errors_free(&errors);
        policy_set_unref(set);
        return ret;
}

static void add_time(struct text *text, int64_t us) {
        time_t seconds = us / 1000000;
        char buffer[64] = "?";
        struct tm tm;

        if (localtime_r(&seconds, &tm))
                strftime(buffer, sizeof(buffer), "%Y-%m-%d %H:%M:%S", &tm);
        text_puts(text, buffer);
}

static void plain_status(struct text *text, struct in health, const char *files) {
        const char *error = dict_string(health, "policy-error");
        int64_t rules = dict_number(health, "policy-rules", 0);

        if (dict_number(health, "policy-loaded-us", 0)) {
                text_printf(text, "in force: %lld rules, loaded ", (long long)rules);
                add_time(text, dict_number(health, "policy-loaded-us", 0));
        } else {
                text_puts(text, "in force: no rules; everything is denied");
        }
        text_puts(text, "\nlast reload: ");
        add_time(text, dict_number(health, "policy-tried-us", 0));
        text_puts(text, error && *error ? ", failed: " : ", ok");
        text_escape(text, error ? error : "", error ? strlen(error) : 0);
        text_printf(text, "\nfiles: %s\n", files);
}

static void json_status(struct text *text, struct in health, const char *files) {
        static const char *const keys[] = { "policy-rules", "policy-loaded-us", "policy-tried-us" };

        text_puts(text, "{\"error\":");
        json_string(text, dict_string(health, "policy-error") ?: "");
        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
                text_printf(text, ",\"%s\":%lld", keys[i] + strlen("policy-"),
                            (long long)dict_number(health, keys[i], 0));
        text_puts(text, ",\"digest\":");
        json_string(text, dict_string(health, "policy-digest") ?: "");
        text_puts(text, ",\"files\":");
        json_string(text, files);
        text_puts(text, "}\n");
}

static int print(const struct ask *ask, struct in health) {
        const char *files = compare_files(dict_string(health, "policy-digest"));
        const char *error = dict_string(health, "policy-error");
        struct text text = { 0 };
        bool ok;

        (ask->json ? json_status : plain_status)(&text, health, files);
        ok = text_print(&text);
        text_free(&text);
        return !ok ? 125 : error && *error ? 1 : 0;
}

int policy_status_main(const struct ask *ask) {
        struct bus bus = { .fd = -1 };
        struct out body = { 0 };
        struct message reply;
        struct in health;
        struct question q = {
                .path = AIRLOCK_PATH,
                .interface = "org.freedesktop.DBus.Properties",
                .member = "GetAll",
                .signature = "s",
                .wanted = "a{sv}",
                .what = ask->command,
                .body = &body,
        };
        int status;

        out_string(&body, AIRLOCK_MANAGER);
        status = ask_service(&bus, &q, &reply);
        out_free(&body);
        if (status)
                return status;
        if (!dict_dict(reply.body, "Health", &health)) {
                complain("bus", "the service's answer was not understood");
                return 125;
        }
        return print(ask, health);
}
