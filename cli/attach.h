/* SPDX-License-Identifier: Apache-2.0 */
/* create, start, attach, logs: sessions that a client comes to and leaves again. */
#pragma once

int create_main(const char *command, int argc, char **argv);
int start_main(const char *command, int argc, char **argv);
int attach_main(const char *command, int argc, char **argv);
int logs_main(const char *command, int argc, char **argv);
