/* SPDX-License-Identifier: Apache-2.0 */
/* The probe's verbs: what a command, or a hostile one, may try. Without a verb it prints what it sees. */
#include "tests/helper/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t argument(int argc, char **argv, int i) {
        return i < argc ? strtoull(argv[i], NULL, 0) : 0;
}

static _Noreturn void sleep_forever(void) {
        for (;;)
                pause();
}

static int print_result(long result) {
        int e = result < 0 ? errno : 0;

        printf("{\"result\":%ld,\"errno\":%d}\n", result, e);
        fflush(stdout);
        return 0;
}

/* NR ARG…: one system call with plain numbers; made with arguments that let success do no harm. */
static int try_syscall(int argc, char **argv) {
        uint64_t a[7] = {};

        for (int i = 0; i < 7; i++)
                a[i] = argument(argc, argv, i + 1);
        return print_result(syscall((long)a[0], a[1], a[2], a[3], a[4], a[5], a[6]));
}

/* NR ARG: the same by the 32-bit gate. */
static int try_int80(int argc, char **argv) {
        long nr = (long)argument(argc, argv, 1), a = (long)argument(argc, argv, 2), result;

        __asm__ volatile("int $0x80"
                         : "=a"(result)
                         : "a"(nr), "b"(a)
                         : "memory", "r8", "r9", "r10", "r11");
        result = (int)result;
        errno = result < 0 ? (int)-result : 0;
        return print_result(result < 0 ? -1 : result);
}

/* REQUEST: an ioctl of fd 0 with the whole 64 bits given, which glibc would cut. */
static int try_ioctl(int argc, char **argv) {
        char data[256] = "x";

        return print_result(syscall(SYS_ioctl, 0, argument(argc, argv, 1), data));
}

/* FILE: writes what it sees there, then stays; the test compares with a command's. */
static int hold(int argc, char **argv) {
        FILE *f = argc > 1 ? fopen(argv[1], "w") : NULL;

        if (f) {
                see_all(f, argc, argv);
                fclose(f);
        }
        sleep_forever();
}

/* BYTES: that many bytes to stdout. */
static int spam(int argc, char **argv) {
        static char block[65536];
        uint64_t left = argument(argc, argv, 1);

        memset(block, 'x', sizeof(block));
        while (left > 0) {
                ssize_t n = write(1, block, left < sizeof(block) ? left : sizeof(block));

                if (n <= 0)
                        return 1;
                left -= (uint64_t)n;
        }
        return 0;
}

/* STATUS [session]: leaves a child that holds the streams, and ends. */
static int fork_sleeper(int argc, char **argv) {
        pid_t pid = fork();

        if (pid == 0) {
                if (argc > 2 && setsid() < 0)
                        return 1;
                sleep_forever();
        }
        printf("%d\n", (int)pid);
        fflush(stdout);
        return (int)argument(argc, argv, 1);
}

static int ignore_term(int argc, char **argv) {
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        puts("ready");
        fflush(stdout);
        sleep_forever();
}

/* PATH: opens it as a device would be, for reading. */
static int open_block_device(int argc, char **argv) {
        return print_result(open(argv[1], O_RDONLY | O_NONBLOCK | O_NOCTTY));
}

static int keyring(int argc, char **argv) {
        json_to(stdout);
        json_open(NULL, '{');
        see_keyring();
        json_close('}');
        return puts("") < 0;
}

static int cwd(int argc, char **argv) {
        char name[8192];

        if (syscall(SYS_getcwd, name, sizeof(name)) < 0)
                return 1;
        puts(name);
        return 0;
}

/* MILLISECONDS: burns processor time. */
static int spin(int argc, char **argv) {
        struct timespec now;
        uint64_t ms = argument(argc, argv, 1);

        do
                clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        while ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 < ms);
        return 0;
}

/* SIGNAL: ends by it; with no core, so that nothing is left in the container. */
static int die_by(int argc, char **argv) {
        struct rlimit none = {};
        int sig = (int)argument(argc, argv, 1);

        setrlimit(RLIMIT_CORE, &none);
        signal(sig, SIG_DFL);
        syscall(SYS_kill, getpid(), sig);
        return 1;
}

static int end_with(int argc, char **argv) {
        return (int)argument(argc, argv, 1);
}

static const char *role;

static void report_signal(int sig) {
        char line[64];
        int n = snprintf(line, sizeof(line), "%s %d\n", role, sig);

        if (write(1, line, (size_t)n) < 0)
                _exit(1);
}

static _Noreturn void report_signals(const char *as) {
        struct sigaction a = { .sa_handler = report_signal };

        role = as;
        sigaction(SIGUSR1, &a, NULL);
        sigaction(SIGUSR2, &a, NULL);
        sigaction(SIGWINCH, &a, NULL);
        report_signal(0);
        sleep_forever();
}

/* A leader, one of its process group, and one of a session of its own: each says which signals come. */
static int three(int argc, char **argv) {
        if (fork() == 0)
                report_signals("member");
        if (fork() == 0) {
                setsid();
                report_signals("outsider");
        }
        report_signals("leader");
}

static int tty(int argc, char **argv) {
        json_to(stdout);
        json_open(NULL, '{');
        see_tty();
        json_close('}');
        return puts("") < 0;
}

/* PATH: what a set-uid program of the container would gain. */
static int run_program(int argc, char **argv) {
        execv(argv[1], argv + 1);
        return 126;
}

/* MICROSECONDS: leaves its mount namespace again and again. */
static int unshare_loop(int argc, char **argv) {
        useconds_t pause_us = argc > 1 ? (useconds_t)argument(argc, argv, 1) : 700;

        for (;;) {
                if (unshare(CLONE_NEWNS) < 0)
                        return 1;
                usleep(pause_us);
        }
}

static const struct verb {
        const char *name;
        int (*run)(int argc, char **argv);
} verbs[] = {
        { "try-syscall", try_syscall },
        { "try-int80", try_int80 },
        { "try-ioctl", try_ioctl },
        { "hold", hold },
        { "spam", spam },
        { "fork-sleeper", fork_sleeper },
        { "ignore-term", ignore_term },
        { "open-block-device", open_block_device },
        { "keyring", keyring },
        { "cwd", cwd },
        { "spin", spin },
        { "die-by", die_by },
        { "exit", end_with },
        { "three", three },
        { "tty", tty },
        { "run", run_program },
        { "unshare-loop", unshare_loop },
};

int main(int argc, char **argv) {
        if (argc < 2 || strcmp(argv[1], "see") == 0) {
                see_all(stdout, argc, argv);
                return 0;
        }
        for (unsigned i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
                if (strcmp(argv[1], verbs[i].name) == 0)
                        return verbs[i].run(argc - 1, argv + 1);
        fprintf(stderr, "probe: %s: unknown verb\n", argv[1]);
        return 2;
}
