/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the seccomp filters of a running process as raw BPF, oldest first: PREFIX.0, PREFIX.1, ... So the yardstick loads
 * exactly what a session of ours had loaded, and nobody has to believe that a generated copy is the same.
 * Needs root and a kernel with checkpoint support. Prints the number of instructions of each. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what) {
        fprintf(stderr, "filters-of: %s: %s\n", what, strerror(errno));
        return 1;
}

static int save(const char *prefix, long index, const struct sock_filter *code, long n) {
        char path[4096];
        size_t size = (size_t)n * sizeof(*code);

        snprintf(path, sizeof(path), "%s.%ld", prefix, index);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, code, size) != (ssize_t)size)
                return fail(path);
        close(fd);
        printf("%ld\n", n);
        return 0;
}

int main(int argc, char **argv) {
        static struct sock_filter code[4096];
        int r = 0, status;

        if (argc != 3) {
                fprintf(stderr, "usage: filters-of PID PREFIX\n");
                return 2;
        }
        pid_t pid = (pid_t)strtol(argv[1], NULL, 10);
        if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) ||
            waitpid(pid, &status, __WALL) < 0)
                return fail(argv[1]);
        for (long i = 0; r == 0; i++) {
                long n = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)i, code);
                if (n < 0 && errno == ENOENT)
                        break;
                r = n < 0 ? fail("PTRACE_SECCOMP_GET_FILTER") : save(argv[2], i, code, n);
        }
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
        return r;
}
