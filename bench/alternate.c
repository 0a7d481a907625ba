/* SPDX-License-Identifier: Apache-2.0 */
/* Times contenders in turn, one round of each after the other, so that a noisy moment of the machine hits all alike.
 *
 *      alternate ROUNDS NAME spawn PROGRAM ARG... + NAME serve PROGRAM ARG... + ...
 *
 * spawn: a round is a whole process, posix_spawn to waitpid; no shell. serve: the program stays; it gets a newline for each
 * round and answers with one line of nanoseconds, the whole first, then its stages. Prints "NAME NS [NS...]" a round.
 * A command that does not exit with 0 ends the benchmark: the time of a failure is no time. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONTENDERS 32
#define QUIET_TRIES 100
#define QUIET_LOOK_US 300

extern char **environ;

struct contender {
        const char *name;
        char **argv;
        FILE *ask; /* serve only */
        FILE *answer;
        pid_t pid;
};

static int null_in[2],
        null_out[2]; /* every command's streams: pipes at their end, never a device */

static void fail(const char *what, const char *name, int err) {
        fprintf(stderr, "alternate: %s: %s%s%s\n", name, what, err ? ": " : "",
                err ? strerror(err) : "");
        exit(1);
}

static uint64_t now_ns(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Processes that run or want to, over all of the machine; this one is among them. */
static long running(int loadavg_fd) {
        char text[128];
        ssize_t n = pread(loadavg_fd, text, sizeof(text) - 1, 0);

        text[n > 0 ? n : 0] = 0;
        char *slash = strchr(text, '/');
        while (slash && slash > text && slash[-1] != ' ')
                slash--;
        return slash ? strtol(slash, NULL, 10) : 1;
}

/* What the contender before left to do (cgroups to remove, connections to close) is not the next one's time. Waits for a
 * moment in which nothing else runs, but not for ever: on a busy machine all contenders are late alike. */
static void wait_quiet(int loadavg_fd) {
        for (int tries = 0, quiet = 0; tries < QUIET_TRIES && quiet < 3; tries++) {
                quiet = running(loadavg_fd) <= 1 ? quiet + 1 : 0;
                usleep(QUIET_LOOK_US);
        }
}

static pid_t spawn(const struct contender *c, int in, int out) {
        posix_spawn_file_actions_t actions;
        pid_t pid;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in, 0);
        posix_spawn_file_actions_adddup2(&actions, out, 1);
        int r = posix_spawn(&pid, c->argv[0], &actions, NULL, c->argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        if (r)
                fail("cannot be started", c->name, r);
        return pid;
}

static void start_server(struct contender *c) {
        int in[2], out[2];

        if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
                fail("pipe", c->name, errno);
        c->pid = spawn(c, in[0], out[1]);
        close(in[0]);
        close(out[1]);
        c->ask = fdopen(in[1], "w");
        c->answer = fdopen(out[0], "r");
}

static void end_server(struct contender *c) {
        int status;

        fclose(c->ask);
        fclose(c->answer);
        if (waitpid(c->pid, &status, 0) < 0 || status)
                fail("did not end well", c->name, 0);
}

static void serve_round(struct contender *c) {
        char line[4096];

        fputc('\n', c->ask);
        fflush(c->ask);
        if (!fgets(line, sizeof(line), c->answer))
                fail("gave no answer", c->name, 0);
        printf("%s %s", c->name, line);
}

static void spawn_round(struct contender *c) {
        int status;
        uint64_t begin = now_ns();
        pid_t pid = spawn(c, null_in[0], null_out[1]);

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        fail("waitpid", c->name, errno);
        uint64_t end = now_ns();
        if (status)
                fail(WIFEXITED(status) ? "its command failed" : "ended by a signal", c->name, 0);
        printf("%s %llu\n", c->name, (unsigned long long)(end - begin));
}

/* Cuts the command line at "+" into contenders. */
static int read_contenders(char **argv, struct contender *all) {
        int n = 0;

        while (*argv) {
                if (n == MAX_CONTENDERS || !argv[1] || !argv[2])
                        fail("bad contender", *argv, 0);
                int serve = strcmp(argv[1], "serve") == 0;
                all[n] = (struct contender){ .name = argv[0], .argv = argv + 2 };
                while (*argv && strcmp(*argv, "+") != 0)
                        argv++;
                if (*argv)
                        *argv++ = NULL;
                if (serve)
                        start_server(&all[n]);
                n++;
        }
        return n;
}

static void open_streams(void) {
        if (pipe2(null_in, O_CLOEXEC) || pipe2(null_out, O_CLOEXEC))
                fail("pipe", "streams", errno);
        close(null_in[1]);
}

int main(int argc, char **argv) {
        struct contender all[MAX_CONTENDERS];

        if (argc < 4) {
                fprintf(stderr,
                        "usage: alternate ROUNDS NAME spawn|serve PROGRAM [ARG...] [+ NAME ...]\n");
                return 2;
        }
        open_streams();
        int loadavg_fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
        int rounds = (int)strtol(argv[1], NULL, 10), n = read_contenders(argv + 2, all);
        for (int round = 0; round < rounds; round++)
                for (int i = 0; i < n; i++) {
                        wait_quiet(loadavg_fd);
                        all[i].ask ? serve_round(&all[i]) : spawn_round(&all[i]);
                }
        for (int i = 0; i < n; i++)
                if (all[i].ask)
                        end_server(&all[i]);
        return 0;
}
