/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of strangers as text: what a bus, a log or a terminal may be shown. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether a text as it is could be taken for one that text_decodable() wrote: it has \\ or \xNN in it. */
bool text_looks_decodable(const char *text);
/* Length of the UTF-8 sequence at bytes (1 to 4), or 0 where there is none: overlong forms, surrogates and what lies above
 * U+10FFFF are none. */
size_t text_utf8_length(const char *bytes, size_t size);
/* UTF-8 without NUL, as a D-Bus string has to be. */
bool text_is_utf8(const char *bytes, size_t size);

/* For people: control characters, bidirectional marks, backslashes and what is no UTF-8 become \xNN; cut at size, always ended by
 * NUL, never within an escape. The length written. */
size_t text_escape(const char *bytes, size_t n, char *buffer, size_t size);

/* For programs: NUL, what is no UTF-8 become \xNN and backslashes \\, nothing else. The length of the result; writes no more than
 * size bytes, without NUL at the end. text_decodable_length() is the largest n whose result fits into max. */
size_t text_decodable(const char *bytes, size_t n, char *buffer, size_t size);
size_t text_decodable_length(const char *bytes, size_t n, size_t max);
