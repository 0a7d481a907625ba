/* SPDX-License-Identifier: Apache-2.0 */
/* A program that prints as JSON what it sees, and does on request what a command may try. Static,
 * so that it runs in containers without a libc; it asks the kernel and not /proc where it can,
 * since a container's /proc may be anything. */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* JSON: the caller opens and closes objects and lists; commas come by themselves. */
void json_to(FILE *out);
void json_open(const char *key, char bracket);
void json_close(char bracket);
void json_int(const char *key, int64_t value);
void json_hex(const char *key, uint64_t value);    /* as a string: JSON's numbers end at 2^53 */
void json_text(const char *key, const char *text); /* NULL is null */
void json_bytes(const char *key, const char *bytes, size_t n);

/* One object with everything. */
void see_all(FILE *out, int argc, char **argv);
void see_keyring(void);
void see_fds(void);
void see_tty(void);
