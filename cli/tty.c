/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's terminal while a command with a terminal of its own runs. A killed client must not leave it raw. */
#include "cli/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool tty_size(uint16_t *rows, uint16_t *cols) {
        struct winsize size;

        for (int fd = 0; fd < 3; fd++)
                if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col) {
                        *rows = size.ws_row;
                        *cols = size.ws_col;
                        return true;
                }
        return false;
}

static void set_raw(const struct tty *tty) {
        struct termios raw = tty->saved;

        cfmakeraw(&raw);
        (void)tcsetattr(tty->fd, TCSANOW, &raw);
}

/*
 * A process of its own group that nothing of a terminal reaches; a byte says that we restored ourselves, the end of the pipe that
 * we were killed.
 */
_Noreturn static void guard(const struct tty *tty, int from) {
        char byte;
        ssize_t n;

        (void)setpgid(0, 0);
        for (int s = 1; s < 32; s++)
                (void)signal(s, SIG_IGN);
        do
                n = read(from, &byte, 1);
        while (n < 0 && errno == EINTR);
        if (n <= 0)
                (void)tcsetattr(tty->fd, TCSANOW, &tty->saved);
        _exit(0);
}

static int start_guard(struct tty *tty) {
        int ends[2];
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        pid = fork();
        if (pid == 0) {
                /* It keeps the terminal and its pipe, nothing else: it may not hold anybody's stream open. */
                int terminal = dup2(tty->fd, 0), from = dup2(ends[0], 1);

                (void)close_range(2, ~0u, 0);
                tty->fd = terminal;
                guard(tty, from);
        }
        close(ends[0]);
        if (pid < 0) {
                close(ends[1]);
                return -EAGAIN;
        }
        tty->guard = ends[1];
        return 0;
}

int tty_keep(struct tty *tty, int fd) {
        int r;

        *tty = (struct tty)TTY_NONE;
        if (tcgetattr(fd, &tty->saved) < 0)
                return -errno;
        tty->fd = fd;
        r = start_guard(tty);
        if (r < 0) {
                tty->fd = -1;
                return r;
        }
        return 0;
}

int tty_raw(struct tty *tty, int fd) {
        int r = tty_keep(tty, fd);

        if (r == 0)
                set_raw(tty);
        return r;
}

void tty_restore(struct tty *tty) {
        if (tty->fd < 0)
                return;
        (void)tcsetattr(tty->fd, TCSANOW, &tty->saved);
        (void)!write(tty->guard, "", 1);
        close(tty->guard);
        *tty = (struct tty)TTY_NONE;
}

void tty_stop(struct tty *tty) {
        if (tty->fd >= 0)
                (void)tcsetattr(tty->fd, TCSANOW, &tty->saved);
        (void)raise(SIGSTOP);
        if (tty->fd >= 0)
                set_raw(tty);
}
