/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the lawful refusals. */
#include "common/outcome.h"

#include <string.h>

struct outcome_row {
        const char *error;
        const char *word;
        int code;
};

static const struct outcome_row rows[OUTCOME_COUNT] = {
        [OUTCOME_OK] = { "", "ok", 0 },
#define X(name, error, word, code) [OUTCOME_##name] = { error, word, code },
        OUTCOMES(X)
#undef X
};

static const struct outcome_row *row_of(int outcome) {
        if (outcome < 0 || outcome >= OUTCOME_COUNT)
                return &rows[OUTCOME_HELPER_FAILED];
        return &rows[outcome];
}

const char *outcome_error(int outcome) {
        return row_of(outcome)->error;
}

const char *outcome_word(int outcome) {
        return row_of(outcome)->word;
}

int outcome_exit_code(int outcome) {
        return row_of(outcome)->code;
}

int outcome_from_error(const char *error) {
        for (int i = 1; i < OUTCOME_COUNT; i++)
                if (strcmp(rows[i].error, error) == 0)
                        return i;
        return OUTCOME_HELPER_FAILED;
}
