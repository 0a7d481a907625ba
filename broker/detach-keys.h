/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that detach, as docker and podman write them: "ctrl-p,ctrl-q". Pure. */
#pragma once

#include "broker/error.h"
#include "common/limits.h"

#include <stdint.h>

#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"

/* The bytes of a sequence; "" is none. 0 and *ret_n; OUTCOME_INVALID_ARGS with a text. */
int detach_keys_parse(const char *text, uint8_t ret[LIMIT_DETACH_KEYS], uint32_t *ret_n,
                      struct error *error);
