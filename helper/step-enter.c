/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes, label and keyring, and then through the door: one setns, and a look at where it led. */
#include "common/fd.h"
#include "common/fdtype.h"
#include "helper/context.h"
#include "helper/session.h"
#include "helper/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int set_limits(const struct wire_facts *t) {
        for (unsigned i = 0; i < RLIM_NLIMITS && i < 16; i++) {
                const uint64_t *now = context.own->rlimits[i];
                const struct rlimit want = { t->rlimits[i][0], t->rlimits[i][1] };

                if (now[0] == want.rlim_cur && now[1] == want.rlim_max)
                        continue;
                /* A hard limit that cannot be raised is an error, not a trifle: the target's owner set it. */
                if (setrlimit((int)i, &want) < 0)
                        return -errno;
        }
        return 0;
}

static int set_oom(int score) {
        char text[16];
        int n = snprintf(text, sizeof(text), "%d", score);
        int fd = openat(context.proc_fd, "self/oom_score_adj", O_RDWR | O_CLOEXEC);
        char now[16] = "";
        int r = fd < 0 ? -errno : 0;

        if (r == 0 && pread(fd, now, sizeof(now) - 1, 0) > 0 && strncmp(now, text, (size_t)n) == 0 && now[n] == '\n') {
                close(fd);
                return 0;
        }
        if (r == 0 && write(fd, text, (size_t)n) != n)
                r = -errno;
        close_fd(fd);
        return r;
}

int step_attributes(struct run *r, struct fail *f) {
        const struct wire_facts *t = &r->job->target.facts;
        sigset_t none;
        int e = t->oom_score_adj == context.own->oom_score_adj ? 0 : set_oom(t->oom_score_adj);

        if (e == 0)
                e = set_limits(t);
        if (e < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_ATTRIBUTES, -e);
        umask((mode_t)t->umask);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        return 0;
}

/* What is written: SELinux takes the label as it is shown, AppArmor "exec NAME" for what it shows as "NAME (mode)". */
static int label_text(const char *label, char *ret, size_t size) {
        const char *mode = strstr(label, " (");
        int n = mode ? snprintf(ret, size, "exec %.*s", (int)(mode - label), label) : snprintf(ret, size, "%s", label);

        return n < (int)size ? n : -1;
}

/* Written through the host's proc, before any file of the container can be taken for it, and read back. */
int step_label(struct run *r, struct fail *f) {
        const char *label = r->job->target.facts.label;
        char text[LIMIT_LABEL_BYTES + 8], back[LIMIT_LABEL_BYTES] = "";
        int n = label_text(label, text, sizeof(text));

        if (!target_needs_label(&r->job->target))
                return 0;
        if (r->attr_fd < 0 || n < 0 || write(r->attr_fd, text, (size_t)n) != n)
                return refuse_step(f, REASON_TARGET_LABEL, WIRE_STEP_LABEL, errno);
        if (pread(r->attr_fd, back, sizeof(back) - 1, 0) < 0)
                return refuse_step(f, REASON_TARGET_LABEL, WIRE_STEP_LABEL, errno);
        back[strcspn(back, "\n")] = 0;
        if (strcmp(back, label) != 0)
                return refuse_step(f, REASON_TARGET_LABEL, WIRE_STEP_LABEL, EINVAL);
        r->attr_fd = close_fd(r->attr_fd);
        return 0;
}

int step_keyring(struct run *r, struct fail *f) {
        if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
                return refuse_step(f, REASON_STEP, WIRE_STEP_KEYRING, errno);
        return 0;
}

int step_owner(struct run *r, struct fail *f) {
        const struct job *job = r->job;

        for (unsigned i = WIRE_SLOT_STDIN; i <= WIRE_SLOT_STDERR; i++)
                if (job->fd_kinds[i] == FD_KIND_PIPE && fchown(job->fds[i], job->host_uid, job->host_gid) < 0)
                        return refuse_step(f, REASON_STEP, WIRE_STEP_STREAMS_OWNER, errno);
        return 0;
}

int step_setns(struct run *r, struct fail *f) {
        if (setns(r->job->target.pidfd, r->job->ns_mask) < 0)
                return refuse_step(f, errno == ESRCH ? REASON_TARGET_DEAD : REASON_STEP, WIRE_STEP_SETNS, errno);
        return 0;
}

static uint64_t entered(const struct run *r, unsigned kind) {
        return ns_link_inode(r->ns_fd, kind == WIRE_NS_PID ? "pid_for_children" : ns_kinds[kind].name);
}

int step_compare(struct run *r, struct fail *f) {
        const struct target *t = &r->job->target;
        struct stat root;

        for (unsigned i = 0; i < WIRE_NS_KINDS; i++)
                if (r->job->ns_mask & ns_kinds[i].flag && entered(r, i) != t->facts.ns[i])
                        return refuse_step(f, REASON_TARGET_CHANGED, WIRE_STEP_COMPARE, 0);
        /* A process that only changed its root would have landed us in what its mount namespace calls "/". */
        if (stat("/", &root) < 0 || root.st_dev != t->root_dev || root.st_ino != t->root_ino)
                return refuse_step(f, REASON_TARGET_ROOT, WIRE_STEP_COMPARE, 0);
        r->page->trace_ns[WIRE_T_ENTERED] = now_ns();
        /* From here ../.. of it would lead to the host. */
        r->ns_fd = close_fd(r->ns_fd);
        close(t->pidfd);
        close_fd(context.proc_fd);
        return 0;
}
