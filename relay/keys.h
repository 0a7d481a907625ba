/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the keys that detach in what a person types. Pure. */
#pragma once

#include "common/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keys {
        uint8_t sequence[LIMIT_DETACH_KEYS];
        unsigned n; /* 0: nothing detaches */
        unsigned matched;
};

/* Passes n bytes of in on to out, which has room for n + LIMIT_DETACH_KEYS; what may be the beginning of the sequence is held back until
 * it is known. The number in *ret_n. True: it was typed, and what follows it is nobody's. */
bool keys_filter(struct keys *keys, const uint8_t *in, size_t n, uint8_t *out, size_t *ret_n);
