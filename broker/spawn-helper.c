/* SPDX-License-Identifier: Apache-2.0 */
/* Setuid mode: starting the helper. It gets one end of a socketpair, our standard error for its one line of refusal, and nothing
 * else that is ours: no other fd, no argument, no variable. */
#include "broker/spawn-helper.h"

#include "broker/audit.h"
#include "common/fd.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELPER AIRLOCK_LIBEXEC_DIR "/airlock-helper"
#define HELPER_FD 3
#define FIRST_FREE_FD 10

struct spawned {
        spawn_ended ended; /* NULL: forgotten */
        void *userdata;
};

int spawn_prepare(void) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

const char *spawn_why_not(void) {
        struct stat st;

        if (stat(HELPER, &st) < 0)
                return errno == ENOENT ? HELPER " is not installed"
                                       : HELPER " cannot be reached by this account";
        if (access(HELPER, X_OK) < 0)
                return HELPER " may not be executed by this account; it must belong to its group";
        if (st.st_uid != 0 || !(st.st_mode & S_ISUID))
                return HELPER " is not set-uid root";
        if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
                return "the broker was started with no_new_privs, under which a set-uid bit has no effect";
        return "it did not start; its reason is in the broker's log";
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata) {
        struct spawned *spawned = userdata;
        bool well = info->si_code == CLD_EXITED && info->si_status == 0;

        if (!well)
                audit_note("helper: its start ended with %s %d",
                           info->si_code == CLD_EXITED ? "status" : "signal", info->si_status);
        if (spawned->ended)
                spawned->ended(spawned->userdata, well);
        /* The event's own reference is the last one: this frees both. */
        sd_event_source_set_floating(source, false);
        return 0;
}

/* Reaped even where nobody waits for it any more, so the loop owns it. */
static int watch(sd_event *event, pid_t pid, struct spawned *spawned) {
        sd_event_source *source = NULL;
        int r = sd_event_add_child(event, &source, pid, WEXITED, on_child, spawned);

        if (r >= 0)
                r = sd_event_source_set_floating(source, true);
        if (r >= 0)
                r = sd_event_source_set_destroy_callback(source, free);
        sd_event_source_unref(source);
        return r < 0 ? r : 0;
}

static int add_files(posix_spawn_file_actions_t *files, int fd) {
        int e = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

        if (e == 0)
                e = posix_spawn_file_actions_addopen(files, 1, "/dev/null", O_WRONLY, 0);
        if (e == 0)
                e = posix_spawn_file_actions_adddup2(files, fd, HELPER_FD);
        if (e == 0)
                e = posix_spawn_file_actions_addclosefrom_np(files, HELPER_FD + 1);
        return -e;
}

static int execute(int fd, pid_t *ret) {
        char name[] = "airlock-helper", *argv[] = { name, NULL }, *none[] = { NULL };
        posix_spawn_file_actions_t files;
        int r;

        r = -posix_spawn_file_actions_init(&files);
        if (r < 0)
                return r;
        r = add_files(&files, fd);
        if (r == 0)
                r = -posix_spawn(ret, HELPER, &files, NULL, argv, none);
        posix_spawn_file_actions_destroy(&files);
        return r;
}

/* A number that no standard fd has, nor the one that the helper expects. */
static int make_pair(int ret[2]) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        for (unsigned i = 0; i < 2; i++) {
                ret[i] = fcntl(pair[i], F_DUPFD_CLOEXEC, FIRST_FREE_FD);
                close_fd(pair[i]);
        }
        if (ret[0] >= 0 && ret[1] >= 0 && fcntl(ret[0], F_SETFL, O_RDWR | O_NONBLOCK) == 0)
                return 0;
        close_fd(ret[0]);
        close_fd(ret[1]);
        return -EMFILE;
}

static int start(sd_event *event, int fd, struct spawned *spawned) {
        pid_t pid = 0;
        int r = execute(fd, &pid);

        if (r == -ENOENT || r == -EACCES || r == -EPERM || r == -ENOEXEC) {
                audit_note("helper: cannot be started: %s", strerror(-r));
                return -ENOEXEC;
        }
        return r < 0 ? r : watch(event, pid, spawned);
}

int spawn_helper(sd_event *event, spawn_ended ended, void *userdata, int *ret_fd,
                 struct spawned **ret) {
        struct spawned *spawned = calloc(1, sizeof *spawned);
        int pair[2] = { -1, -1 };
        int r;

        if (!spawned)
                return -ENOMEM;
        *spawned = (struct spawned){ ended, userdata };
        r = make_pair(pair);
        if (r == 0) {
                r = start(event, pair[1], spawned);
                close_fd(pair[1]);
        }
        if (r < 0) {
                if (pair[0] >= 0)
                        close_fd(pair[0]);
                free(spawned);
                return r;
        }
        *ret_fd = pair[0];
        *ret = spawned;
        return 0;
}

struct spawned *spawned_forget(struct spawned *spawned) {
        if (spawned)
                spawned->ended = NULL;
        return NULL;
}
