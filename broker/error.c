/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of refusals. Whatever of the caller's stands in them leaves as printable text. */
#include "broker/error.h"

#include "broker/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, int outcome, const char *format, ...) {
        char raw[ERROR_TEXT_BYTES];
        va_list args;

        va_start(args, format);
        vsnprintf(raw, sizeof raw, format, args);
        va_end(args);
        text_escape(raw, strlen(raw), error->text, sizeof error->text);
        error->stage = NULL;
        error->err = 0;
        return outcome;
}
