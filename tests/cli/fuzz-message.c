/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer's way into the reading of messages. */
#include <stdint.h>

#include "tests/cli/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        (void)walk_message(data, size);
        return 0;
}
