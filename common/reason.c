/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the helper's reasons. */
#include "common/reason.h"

#include "common/outcome.h"

struct reason_row {
        const char *word;
        const char *text;
        int outcome;
};

static const struct reason_row rows[REASON_COUNT] = {
        [REASON_NONE] = { "NONE", "no reason", OUTCOME_OK },
#define X(name, outcome, text) [REASON_##name] = { #name, text, OUTCOME_##outcome },
        REASONS(X)
#undef X
};

static const struct reason_row unknown = { "UNKNOWN", "a reason that is not known", OUTCOME_HELPER_FAILED };

static const struct reason_row *row_of(uint32_t reason) {
        return reason < REASON_COUNT ? &rows[reason] : &unknown;
}

int reason_outcome(uint32_t reason) {
        return row_of(reason)->outcome;
}

const char *reason_word(uint32_t reason) {
        return row_of(reason)->word;
}

const char *reason_text(uint32_t reason) {
        return row_of(reason)->text;
}
