/* SPDX-License-Identifier: Apache-2.0 */
/* airlock-helper: the start. Nothing of the caller's is used: no argument, no variable, no limit, no open file.
 *
 * Two ways in, one code path behind them. Service mode: fd 3 is the listening socket, held by systemd. Setuid mode
 * (built with -Dsetuid=enabled): the broker starts us with fd 3 one end of a socketpair, and what follows is a
 * listener with exactly that one connection. */
#include "common/fd.h"
#include "config.h"
#include "helper/ceiling.h"
#include "helper/context.h"
#include "helper/inherit.h"
#include "helper/listener.h"
#include "helper/log.h"
#include "helper/setuid.h"
#include "helper/steps.h"
#include "helper/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#define LISTEN_FD 3
#if !AIRLOCK_SETUID /* check_fd() has refused it */
#define setuid_leave() (-ENOSYS)
#define setuid_run(conn) 1
#endif
#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static _Noreturn void die(const char *what) {
        dprintf(STDERR_FILENO, "airlock-helper: %s: %s\n", what, strerror(errno));
        _exit(1);
}

static _Noreturn void die_plain(const char *what) {
        dprintf(STDERR_FILENO, "airlock-helper: %s\n", what);
        _exit(2);
}

/* 0 to 2 exist before anything is opened, or a later file would become somebody's standard error. */
static void fill_standard_fds(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= 2);
        close_fd(fd);
}

/* The first call of all: until then the real uid, the broker's, may signal us (setuid mode). */
static void become_root(void) {
        if (syscall(SYS_setresuid, 0, 0, 0) < 0 || geteuid() != 0)
                die_plain("must run as root; under no_new_privs the set-uid bit has no effect, use the socket unit there");
        if (getauxval(AT_UID) != 0 && !AIRLOCK_SETUID)
                die_plain("was started through its set-uid bit, but is built without setuid mode");
        if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0 || prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0)
                die_plain("was started with no_new_privs or a seccomp filter, which every command would inherit");
}

static bool is_sealed_text(void) {
        int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);

        close_fd(fd);
        return seals >= 0 && (seals & ALL_SEALS) == ALL_SEALS;
}

static int copy_text(void) {
        int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        int to = memfd_create("airlock-helper", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
        struct stat st;

        if (to < 0 && errno == EINVAL) /* before Linux 6.3 */
                to = memfd_create("airlock-helper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (from < 0 || to < 0 || fstat(from, &st) < 0)
                die("copy of the program text");
        for (off_t left = st.st_size; left > 0;) {
                ssize_t n = sendfile(to, from, NULL, (size_t)left);

                if (n <= 0)
                        die("copy of the program text");
                left -= n;
        }
        close_fd(from);
        if (fcntl(to, F_ADD_SEALS, ALL_SEALS) < 0)
                die("sealing the program text");
        return to;
}

/* So that no container reaches a file of the host through /proc/PID/exe and writes to it. */
static void reexecute(char **argv, char **envp) {
        char *none[] = { NULL };

        if (is_sealed_text())
                return;
        /* In setuid mode the environment is the broker's, and the kernel will not say so a second time. */
        if (getauxval(AT_UID) != 0)
                envp = none;
        syscall(SYS_execveat, copy_text(), "", argv, envp, AT_EMPTY_PATH);
        die("executing the sealed program text");
}

static uint64_t number_of(const char *name) {
        const char *s = getenv(name);
        char *end;
        unsigned long v = s ? strtoul(s, &end, 10) : 0;

        return s && *s && !*end ? v : 0;
}

/* sd_listen_fds(3): exactly one listening socket, and meant for this process. */
static void take_listen_fd(void) {
        if (number_of("LISTEN_PID") != (uint64_t)getpid() || number_of("LISTEN_FDS") != 1)
                die_plain("LISTEN_PID and LISTEN_FDS=1 expected: this program is started by its socket unit");
        fcntl(LISTEN_FD, F_SETFL, O_RDWR | O_NONBLOCK);
        context.listen_fd = LISTEN_FD;
}

/* fd 3: a listening SOCK_SEQPACKET socket, or in setuid mode a connected one. True where it listens. */
static bool check_fd(void) {
        int type = 0, listening = 0;
        socklen_t size = sizeof(int);

        if (getsockopt(LISTEN_FD, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET ||
            getsockopt(LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0)
                die_plain("fd 3 is not a SOCK_SEQPACKET socket");
        if (!listening && !AIRLOCK_SETUID)
                die_plain("fd 3 is not a listening socket");
        fcntl(LISTEN_FD, F_SETFD, FD_CLOEXEC);
        return listening;
}

static void reset_process(void) {
        clearenv();
        if (chdir("/") < 0)
                die("/");
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
                die("prctl");
}

/* Empty pipes: the host's null or a log could be reached from a container through them. */
static void replace_standard_fds(void) {
        int in[2], out[2];

        if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
                die("pipe");
        if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(out[1], 2) < 0)
                die("dup2");
        for (unsigned i = 0; i < 2; i++) {
                close(in[i]);
                close(out[i]);
        }
}

static void load_ceiling(void) {
        static struct ceiling ceiling;
        struct ceiling_error e;

        if (ceiling_load(&ceiling, &e) == 0) {
                context.ceiling = &ceiling;
                return;
        }
        dprintf(STDERR_FILENO, "airlock-helper: ceiling.conf: %s (line %u); everything is refused\n", e.what ? e.what : "cannot be read", e.line);
        log_line("ceiling: %s (line %u); everything is refused", e.what ? e.what : "cannot be read", e.line);
}

int main(int argc, char **argv, char **envp) {
        bool listens;
        int r;

        become_root();
        inherit_reset(); /* before anything is opened or written: a limit would end us half-way */
        fill_standard_fds();
        if (argc != 1)
                die_plain("no arguments expected");
        reexecute(argv, envp);
        listens = check_fd();
        if (listens)
                take_listen_fd();
        close_range(LISTEN_FD + 1, ~0u, 0);
        reset_process();
        if (context_init() < 0)
                return 1;
        if (target_read_own() < 0)
                die_plain("own limits, maps or label in /proc/self cannot be read");
        /* Or into a cgroup of root's own, in a session of our own, and the process that the broker knows ends: what it
         * set up around that one no longer holds for us. */
        r = listens ? listener_own_cgroup() : setuid_leave();
        if (r < 0) {
                errno = -r;
                die("own cgroup, or leaving the broker's and its session");
        }
        load_ceiling();
        if (listens)
                log_line("listening instance=%s clone-into-cgroup=%s", context.instance, context.clone_into ? "yes" : "no");
        replace_standard_fds();
        return listens ? listener_run() : setuid_run(LISTEN_FD);
}
