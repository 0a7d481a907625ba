/* SPDX-License-Identifier: Apache-2.0 */
/* What --help says. */
#pragma once

#include <stdbool.h>

/* No exit status: the help was asked for and shown. */
#define HELP_SHOWN 256

/* The help of a subcommand, of the program for NULL; false where it could not be written. */
bool help_print(const char *command);
