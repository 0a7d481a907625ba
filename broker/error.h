/* SPDX-License-Identifier: Apache-2.0 */
/* Why a request was refused, made where the fact is known. */
#pragma once

#include "common/outcome.h"

#define ERROR_TEXT_BYTES 512

/* One line for the caller: "WHAT: what was wrong; what was expected". */
struct error {
        char text[ERROR_TEXT_BYTES];
        const char *stage; /* of the helper, where the start broke off; NULL: none */
        int err;           /* and the kernel's number; 0: none */
};

/* Writes the text, with everything unprintable escaped, and returns the outcome. */
int error_set(struct error *error, int outcome, const char *format, ...)
        __attribute__((__format__(printf, 3, 4)));
