/* SPDX-License-Identifier: Apache-2.0 */
/* Init of a hostile container: waits for the driver's word, then runs each attack that it was given in a process of its own, again and
 * again, and starts anew what another attack has killed.
 *      hostile init ATTACK…        hostile list        hostile kill-group */
#include "tests/rogue/hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct page *page;
static int findings_fd = -1;

void finding(const char *format, ...) {
        char line[512];
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(line, sizeof(line) - 1, format, args);
        va_end(args);
        n = n < (int)sizeof(line) - 1 ? n : (int)sizeof(line) - 2;
        line[n] = '\n';
        if (write(findings_fd, line, (size_t)n + 1) < 0)
                abort();
}

static int find_attack(const char *name) {
        for (int i = 0; attacks[i].name; i++)
                if (strcmp(attacks[i].name, name) == 0)
                        return i;
        fprintf(stderr, "hostile: %s: no such attack; `hostile list` names them\n", name);
        exit(2);
}

static _Noreturn void attack(int index) {
        for (;;) {
                attacks[index].round();
                page->rounds[index]++;
        }
}

static pid_t start(int index) {
        pid_t pid = fork();

        if (pid == 0)
                attack(index);
        return pid;
}

/* What was killed comes back, as soon as there is a number for it. */
static _Noreturn void keep(const int *which, int n) {
        pid_t pids[HOSTILE_ATTACKS] = {};

        for (;;) {
                pid_t dead;

                for (int i = 0; i < n; i++)
                        if (pids[i] <= 0)
                                pids[i] = start(which[i]);
                dead = waitpid(-1, NULL, 0);
                for (int i = 0; i < n; i++)
                        if (pids[i] == dead)
                                pids[i] = 0;
                if (dead < 0)
                        usleep(1000);
        }
}

static int init(int argc, char **argv) {
        int which[HOSTILE_ATTACKS], n = 0, fd = open("/hostile", O_RDWR);

        findings_fd = open("/findings", O_WRONLY | O_APPEND);
        page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED || findings_fd < 0)
                return 1;
        for (int i = 1; i < argc && n < HOSTILE_ATTACKS; i++)
                which[n++] = find_attack(argv[i]);
        while (!*(volatile uint64_t *)&page->go)
                usleep(1000);
        look_setup();
        if (n == 1 && strcmp(attacks[which[0]].name, "unshare-init") == 0)
                attack(which[0]); /* the one that only the init can make */
        keep(which, n);
}

int main(int argc, char **argv) {
        const char *verb = argc > 1 ? argv[1] : "";

        if (strcmp(verb, "init") == 0)
                return init(argc - 1, argv + 1);
        if (strcmp(verb, "kill-group") == 0)
                return kill(0, SIGKILL);
        if (strcmp(verb, "list") == 0) {
                for (int i = 0; attacks[i].name; i++)
                        printf("%-13s %s\n", attacks[i].name, attacks[i].what);
                return 0;
        }
        fprintf(stderr, "hostile: expected init, list or kill-group\n");
        return 2;
}
