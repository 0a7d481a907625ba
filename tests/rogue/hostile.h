/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile container does while commands are started in it. The driver (tests/rogue/hostile.py) sees the page and the findings as
 * files of the root file system; nothing else of the host is told to it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { HOSTILE_ATTACKS = 24 };
#define HOSTILE_ANY UINT64_MAX

struct page {
        uint64_t go; /* set by the driver */
        uint64_t caps; /* what a command may hold at most, and have in its bounding set */
        uint64_t bounding;
        /* What it must be, or HOSTILE_ANY. */
        uint64_t uid;
        uint64_t gid;
        uint64_t group;
        uint64_t seccomp;
        uint64_t forge;     /* send false words by a socket that was taken */
        uint64_t strangers; /* commands that were looked at */
        uint64_t early;     /* of these, before their exec, still with the helper's text */
        uint64_t seized;    /* commands that were stopped */
        uint64_t fds;       /* descriptors that were looked at */
        uint64_t opened;    /* of these, opened or taken over */
        uint64_t refused;   /* write-opens of a program that failed */
        uint64_t last;      /* the highest pid that was seen */
        uint64_t rounds[HOSTILE_ATTACKS];
};

extern struct page *page;

/* One line for the driver: what must not be. */
void finding(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A command of somebody outside: no process of this pid namespace is its parent, and it is not the init. */
bool is_stranger(pid_t pid);

/* All that can be found out about it, now. what: who looks. */
void look_setup(void);
void look_at(pid_t pid, const char *what);
void look_held(pid_t pid);

struct attack {
        const char *name;
        void (*round)(void);
        const char *what;
};

extern const struct attack attacks[];
