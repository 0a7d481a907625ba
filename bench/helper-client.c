/* SPDX-License-Identifier: Apache-2.0 */
/* The helper alone, without bus and broker: one exec request a round, connect to exit record, spoken as the broker's account.
 * What Airlock over D-Bus needs beyond this is the broker's and the bus's share.
 *
 *      helper-client PID FILTER|- -- PROGRAM [ARG...]
 *
 * FILTER is raw BPF; "-" asks for an unconfined session. A round begins at a newline on stdin and answers with the whole
 * in nanoseconds and NAME=NS after its begin for each stage of the helper's own trace. */
#include "common/fdpass.h"
#include "common/memfd.h"
#include "common/reason.h"
#include "common/wire.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char *const stages[WIRE_TRACE] = { "accepted", "received", "checked",  "cgroup",
                                                "entered",  "born",     "executed", "ended" };

static void fail(const char *what, const char *why) {
        fprintf(stderr, "helper-client: %s: %s\n", what, why ? why : strerror(errno));
        exit(1);
}

static uint64_t now_ns(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t namespace_inode(pid_t pid, const char *name) {
        char path[64];
        struct stat st;

        snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
        if (stat(path, &st))
                fail(path, NULL);
        return st.st_ino;
}

static char *read_proc(pid_t pid, const char *name, char *text, size_t size) {
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
        if (n < 0)
                fail(path, NULL);
        close(fd);
        text[n] = 0;
        return text;
}

static uint64_t status_field(const char *status, const char *key, int base) {
        const char *at = strstr(status, key);

        return at ? strtoull(at + strlen(key), NULL, base) : 0;
}

static uint64_t start_ticks(pid_t pid) {
        char text[1024], *at = strrchr(read_proc(pid, "stat", text, sizeof(text)), ')');

        for (int field = 2; field < 22 && at; field++)
                at = strchr(at + 1, ' ');
        return at ? strtoull(at, NULL, 10) : 0;
}

/* What a plain exec as the target's own user is planned as. */
static void fill_plan(struct wire_plan *plan, pid_t pid, const char *status) {
        const uint64_t bounding = status_field(status, "CapBnd:", 16),
                       permitted = status_field(status, "CapPrm:", 16) & bounding;

        *plan = (struct wire_plan){
                .magic = WIRE_MAGIC,
                .version = WIRE_VERSION,
                .flags = status_field(status, "NoNewPrivs:", 10) ? WIRE_PLAN_NNP : 0,
                .session = { 1 },
                .target = { namespace_inode(pid, "mnt"), namespace_inode(pid, "pid"),
                            namespace_inode(pid, "user"), start_ticks(pid) },
                .caps = { [CAPS_BOUNDING] = bounding,
                          [CAPS_PERMITTED] = permitted,
                          [CAPS_EFFECTIVE] = permitted },
                .grace_ms = LIMIT_GRACE_DEFAULT_MS,
        };
}

static int seal_plan(pid_t pid, char **argv) {
        char status[8192], strings[4096] = "/";
        size_t n = 2;
        struct wire_plan plan;

        fill_plan(&plan, pid, read_proc(pid, "status", status, sizeof(status)));
        n += 1;                                        /* no label */
        memcpy(strings + n, "bench", sizeof("bench")); /* the target's name, for the log */
        n += sizeof("bench");
        for (; *argv; argv++, plan.argc++)
                n += (size_t)snprintf(strings + n, sizeof(strings) - n, "%s", *argv) + 1;
        plan.strings_size = (uint32_t)n;
        plan.size = (uint32_t)(sizeof(plan) + n);
        struct iovec parts[] = { { &plan, sizeof(plan) }, { strings, n } };
        return memfd_sealed("plan", parts, 2);
}

static int seal_filter(const char *path) {
        static char bytes[LIMIT_FILTER_INSNS * 8];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

        if (n <= 0)
                fail(path, NULL);
        close(fd);
        struct iovec part = { bytes, (size_t)n };
        return memfd_sealed("filter", &part, 1);
}

static int connect_helper(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX,
                                       .sun_path = AIRLOCK_RUN_DIR "/helper.sock" };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
                fail(address.sun_path, NULL);
        return fd;
}

/* The next report; anything but the wanted kind is an error that is named. */
static void receive(int fd, void *report, size_t size, uint16_t kind) {
        union {
                struct wire_head head;
                struct wire_refused refused;
                struct wire_started started;
                struct wire_exited exited;
        } m;
        int fds[1];
        size_t n, n_fds;
        int r = fdpass_recv(fd, &m, sizeof(m), &n, fds, 1, &n_fds, 0);

        if (r < 0)
                fail("report", strerror(-r));
        if (m.head.kind == WIRE_REFUSED)
                fail("refused", reason_text(m.refused.reason));
        if (m.head.kind != kind || n != size)
                fail("report", "another one was expected");
        memcpy(report, &m, size);
}

static void one_round(const int fds[6], bool has_filter) {
        static uint64_t counter;
        struct wire_started started;
        struct wire_exited exited;
        int sent[6], n = 0;

        for (int i = 0; i < 6; i++)
                if (fds[i] >= 0)
                        sent[n++] = fds[i];
        uint64_t begin = now_ns();
        if (!counter)
                counter = begin;
        struct wire_exec message = {
                .head = WIRE_HEAD(WIRE_EXEC, struct wire_exec, (uint32_t)n),
                .deadline_ns = begin + 5000000000u,
                .counter = ++counter,
                .slots = 0x3fu & ~(has_filter ? 0u : 1u << WIRE_SLOT_FILTER),
        };
        int fd = connect_helper();
        int r = fdpass_send(fd, &message, sizeof(message), sent, (size_t)n, 0);
        if (r < 0)
                fail("request", strerror(-r));
        receive(fd, &started, sizeof(started), WIRE_STARTED);
        receive(fd, &exited, sizeof(exited), WIRE_EXITED);
        uint64_t end = now_ns();
        close(fd);
        if (exited.status)
                fail("command", "did not exit with 0");
        printf("%llu", (unsigned long long)(end - begin));
        for (int i = 0; i < (int)WIRE_TRACE; i++)
                if (exited.trace_ns[i])
                        printf(" %s=%lld", stages[i], (long long)(exited.trace_ns[i] - begin));
        printf("\n");
        fflush(stdout);
}

/* The helper takes requests of the broker's account alone: whoever owns its folder. */
static void become_broker(void) {
        struct stat st;

        if (stat(AIRLOCK_RUN_DIR "/broker", &st) || setresgid(st.st_gid, st.st_gid, st.st_gid) ||
            setresuid(st.st_uid, st.st_uid, st.st_uid))
                fail("broker's account", NULL);
}

int main(int argc, char **argv) {
        int in[2], out[2], fds[6];

        if (argc < 5 || strcmp(argv[3], "--") != 0) {
                fprintf(stderr, "usage: helper-client PID FILTER|- -- PROGRAM [ARG...]\n");
                return 2;
        }
        pid_t pid = (pid_t)strtol(argv[1], NULL, 10);
        bool has_filter = strcmp(argv[2], "-") != 0;
        fds[WIRE_SLOT_PLAN] = seal_plan(pid, argv + 4);
        fds[WIRE_SLOT_TARGET] = (int)syscall(SYS_pidfd_open, pid, 0);
        fds[WIRE_SLOT_FILTER] = has_filter ? seal_filter(argv[2]) : -1;
        if (fds[WIRE_SLOT_PLAN] < 0 || fds[WIRE_SLOT_TARGET] < 0)
                fail("plan or target", NULL);
        become_broker();
        while (getchar() != EOF) {
                if (pipe2(in, O_CLOEXEC) ||
                    pipe2(out,
                          O_CLOEXEC)) /* fresh ones: the helper gives them to the command's user */
                        fail("pipe", NULL);
                fds[WIRE_SLOT_STDIN] = in[0];
                fds[WIRE_SLOT_STDOUT] = fds[WIRE_SLOT_STDERR] = out[1];
                one_round(fds, has_filter);
                close(in[0]);
                close(in[1]);
                close(out[0]);
                close(out[1]);
        }
        return 0;
}
