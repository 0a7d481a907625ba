/* SPDX-License-Identifier: Apache-2.0 */
/* attach and logs: sessions that a client comes to and leaves again. */
#pragma once

int attach_main(const char *command, int argc, char **argv);
int logs_main(const char *command, int argc, char **argv);
