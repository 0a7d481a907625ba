/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/keys.h"

#include <string.h>

/* How many bytes of held, from the front, cannot belong to the sequence: the rest is the longest beginning of it. */
static unsigned surplus(const struct keys *keys, const uint8_t *held, unsigned n) {
        unsigned skip = 0;

        while (skip < n && memcmp(held + skip, keys->sequence, n - skip) != 0)
                skip++;
        return skip;
}

bool keys_filter(struct keys *keys, const uint8_t *in, size_t n, uint8_t *out, size_t *ret_n) {
        uint8_t held[LIMIT_DETACH_KEYS + 1];
        size_t done = 0;

        for (size_t i = 0; i < n; i++) {
                unsigned skip;

                memcpy(held, keys->sequence, keys->matched);
                held[keys->matched] = in[i];
                skip = keys->n ? surplus(keys, held, keys->matched + 1) : 1;
                memcpy(out + done, held, skip);
                done += skip;
                keys->matched = keys->matched + 1 - skip;
                if (keys->n && keys->matched == keys->n) {
                        keys->matched = 0;
                        *ret_n = done;
                        return true;
                }
        }
        *ret_n = done;
        return false;
}
