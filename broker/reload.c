/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and settings: read at the start and again on a reload. What does not parse never replaces what does. */
#include "broker/audit.h"
#include "broker/broker.h"
#include "broker/error.h"
#include "broker/profiles.h"
#include "broker/settings.h"
#include "broker/target.h"
#include "policy/load.h"
#include "policy/policy.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* The first error as one line; warnings are noted. */
static void take_errors(const struct policy_errors *errors, char *first, size_t size) {
        first[0] = 0;
        for (size_t i = 0; i < errors->n; i++) {
                char line[512];

                policy_error_text(&errors->list[i], line, sizeof line);
                audit_note("policy: %s%s", errors->list[i].warning ? "warning: " : "", line);
                if (!errors->list[i].warning && !first[0])
                        snprintf(first, size, "%s", line);
        }
}

static uint64_t now_us(void) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int broker_load_policy(struct broker *broker, struct error *error) {
        struct policy_errors errors = { 0 };
        struct policy_set *rules = NULL;
        char first[512];
        int r = policy_load(policy_system_sources(), &rules, &errors);

        take_errors(&errors, first, sizeof first);
        policy_errors_free(&errors);
        broker->policy_tried_us = now_us();
        if (r == 0) {
                broker->policy_error[0] = 0;
                broker->policy_loaded_us = broker->policy_tried_us;
                policy_set_unref(broker->rules);
                broker->rules = rules;
                snprintf(broker->policy_status, sizeof broker->policy_status, "ok: %zu rules",
                         policy_set_count(rules));
                return 0;
        }
        if (r < 0)
                snprintf(first, sizeof first, "policy: %s", strerror(-r));
        snprintf(broker->policy_error, sizeof broker->policy_error, "%s", first);
        snprintf(broker->policy_status, sizeof broker->policy_status, "%s; in force: %s", first,
                 broker->rules ? "the last good rules" : "everything is denied");
        return error_set(error, OUTCOME_INVALID_ARGS, "%s", first);
}

int broker_load_settings(struct broker *broker, struct error *error) {
        struct settings *settings;
        int r = settings_load(&settings, error);

        if (r < 0)
                error_set(error, OUTCOME_HELPER_FAILED, "broker.conf: %s", strerror(-r));
        if (r)
                return r;
        settings->older = broker->settings;
        broker->settings = settings;
        broker->lookup.places = settings->places;
        broker->lookup.n_places = settings->n_places;
        broker->lookup.stores = settings->stores;
        broker->lookup.n_stores = settings->n_stores;
        return 0;
}

int broker_reload(struct broker *broker, struct error *error) {
        int r = broker_load_settings(broker, error);

        if (r) {
                /* Rules were not looked at: what was wrong stands beside them all the same. */
                snprintf(broker->policy_error, sizeof broker->policy_error, "%s", error->text);
                broker->policy_tried_us = now_us();
                return r;
        }
        profiles_clear(broker->profiles);
        targets_refresh(broker->targets);
        return broker_load_policy(broker, error);
}
