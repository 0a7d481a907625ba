/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's terminal while a command with a terminal of its own runs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct tty {
        int fd;    /* the terminal that is raw, or -1 */
        int guard; /* writing end towards the process that restores it when we are killed */
        struct termios saved;
};

#define TTY_NONE \
        { .fd = -1, .guard = -1 }

/* The size of the terminal on 0, 1 or 2; false where none of them is one. */
bool tty_size(uint16_t *rows, uint16_t *cols);
/* 0, or -errno; @fd is ours and a terminal. Whatever ends us, it is restored to what it is now. */
int tty_keep(struct tty *tty, int fd);
/* The same, and raw. */
int tty_raw(struct tty *tty, int fd);
void tty_restore(struct tty *tty);
/* SIGTSTP: restored while we are stopped. */
void tty_stop(struct tty *tty);
