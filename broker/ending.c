/* SPDX-License-Identifier: Apache-2.0 */
/* Reads files of the kernel, and only for a command that was killed: an end like any other costs nothing here. */
#include "broker/ending.h"

#include "broker/target.h"
#include "common/fd.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define VMSTAT_BYTES 16384
#define KILLED_CODE (128 + SIGKILL) /* what a shell says of a child that was killed */

/* The number after a word at the beginning of a line. */
static bool read_number(const char *path, const char *word, uint64_t *ret) {
        char text[VMSTAT_BYTES], *line = text;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        size_t length = strlen(word);

        if (n <= 0)
                return false;
        text[n] = 0;
        while (line && (strncmp(line, word, length) != 0 || line[length] != ' '))
                line = (line = strchr(line, '\n')) ? line + 1 : NULL;
        if (line)
                *ret = strtoull(line + length, NULL, 10);
        return line != NULL;
}

void ending_oom_look(struct ending_oom *oom, uint64_t now_us) {
        uint64_t count = 0;
        bool known = read_number("/proc/vmstat", "oom_kill", &count);

        if (known && oom->known && count == oom->count)
                return;
        *oom = (struct ending_oom){ .count = count, .since_us = now_us, .known = known };
}

/* Where the session's own cgroup has the memory controller, its counter is the answer. */
static bool read_own_counter(const char *cgroup, uint64_t *ret) {
        char path[LIMIT_CGROUP_BYTES + 128];
        struct statfs fs;
        bool unified = statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;

        snprintf(path, sizeof path, "/sys/fs/cgroup/%s%s/memory.events", unified ? "" : "unified/",
                 cgroup);
        return read_number(path, "oom_kill", ret);
}

static bool was_killed(const struct wire_exited *exited) {
        return WIFSIGNALED(exited->status)
                     ? WTERMSIG(exited->status) == SIGKILL
                     : WIFEXITED(exited->status) && WEXITSTATUS(exited->status) == KILLED_CODE;
}

const char *ending_oom_word(struct ending_oom *oom, uint64_t now_us,
                            const struct wire_exited *exited, const char *cgroup) {
        uint64_t count = 0;

        if (exited->flags &
            (WIRE_EXIT_STATUS_LOST | WIRE_EXIT_STATUS_WITHHELD | WIRE_EXIT_UNKILLABLE))
                return "unknown";
        if (!was_killed(exited) || exited->ended_by != WIRE_BY_SELF)
                return "no";
        if (cgroup && read_own_counter(cgroup, &count))
                return count ? "yes" : "no";
        /* Nobody on this host since before the command began: then not this one either. */
        ending_oom_look(oom, now_us);
        if (oom->known && oom->since_us <= exited->trace_ns[WIRE_T_EXECUTED] / 1000)
                return "no";
        return "unknown";
}

bool ending_by_target(const struct wire_exited *exited, int32_t init_pid, uint64_t init_ticks) {
        if (exited->ended_by != WIRE_BY_SELF || !WIFSIGNALED(exited->status) ||
            WTERMSIG(exited->status) != SIGKILL)
                return false;
        /* An init that ends kills all that is in its pid namespace, and waits for it: it is not gone yet when we hear of it. */
        return init_pid > 0 && target_is_ending(init_pid, init_ticks);
}
