/* SPDX-License-Identifier: Apache-2.0 */
/* airlock exec: one command, its streams and its end. */
#pragma once

/* The exit status. @command is what it was called as. */
int shell_main(const char *command, int argc, char **argv);
int exec_main(const char *command, int argc, char **argv);
