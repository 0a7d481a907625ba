/* SPDX-License-Identifier: Apache-2.0 */
/* A moment of the past as people spell it. */
#pragma once

#include <stdint.h>

/* 0 and microseconds since the epoch, or 2 after a line on stderr. */
int since_parse(const char *text, uint64_t *ret_us);
