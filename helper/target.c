/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about a target, and whether it is a container at all. Evidence is the kernel's alone: what a name, a
 * command line or a file of the target says has misled comparable programs (SECURITY N2). */
#include "helper/target.h"

#include "common/fd.h"
#include "helper/ceiling.h"
#include "helper/context.h"
#include "helper/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PF_KTHREAD 0x00200000u

#define PID_FS_MAGIC 0x50494446 /* Linux 6.9 and later: <linux/magic.h> of Debian 12 does not know it */

/* PIDFD_GET_INFO of Linux 6.13, which saves a file in /proc: 30 us. Type first: any ioctl may mean something to a device. */
static pid_t pidfd_info_pid(int pidfd) {
        struct {
                uint64_t mask, cgroup;
                uint32_t pid, rest[11];
        } info = {};
        struct statfs fs;

        if (fstatfs(pidfd, &fs) < 0 || fs.f_type != PID_FS_MAGIC || ioctl(pidfd, _IOWR(0xff, 11, info), &info) < 0)
                return -1;
        return info.pid > INT32_MAX ? 0 : (pid_t)info.pid;
}

/* A pidfd's number; else from its fdinfo: no other kind of fd has the line. */
static pid_t pidfd_pid(int pidfd) {
        pid_t known = pidfd_info_pid(pidfd);
        char path[64], text[1024];
        uint64_t pid;

        if (known >= 0)
                return known;

        snprintf(path, sizeof(path), "self/fdinfo/%d", pidfd);
        if (text_read(context.proc_fd, path, text, sizeof(text)) < 0)
                return -1;
        if (!text_field(text, "Pid:"))
                return -1;
        return text_field_u64(text, "Pid:", 10, &pid) < 0 || pid > INT32_MAX ? 0 : (pid_t)pid;
}

/* What is being killed gives odd answers for a moment before its pidfd says so: worth a short wait. */
#define ENDING_MS 100

bool target_has_ended(int pidfd, int timeout_ms) {
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        return poll(&p, 1, timeout_ms) != 0;
}

static int read_ns_pids(const char *status, struct target *t) {
        const char *p = text_field(status, "NSpid:");

        if (!p)
                return -EINVAL;
        for (; *p && *p != '\n'; t->ns_depth++)
                if (text_u64(&p, 10, &t->inner_pid) < 0)
                        return -EINVAL;
        return t->ns_depth ? 0 : -EINVAL;
}

static int read_status(struct target *t) {
        static const char *const sets[CAPS_SETS] = { "CapBnd:", "CapPrm:", "CapEff:", "CapInh:", "CapAmb:" };
        struct wire_facts *f = &t->facts;
        char *text = text_scratch;
        uint64_t v[6] = {};
        int r = text_read(t->proc_fd, "status", text, TEXT_SCRATCH);
        const char *state = r < 0 ? NULL : text_field(text, "State:");

        if (!state || text_field_u64(text, "Tgid:", 10, &t->tgid) < 0 || read_ns_pids(text, t) < 0)
                return -EINVAL;
        t->state = *state;
        for (unsigned i = 0; i < CAPS_SETS; i++)
                if (text_field_u64(text, sets[i], 16, &f->caps[i]) < 0)
                        return -EINVAL;
        if (text_field_u64(text, "Umask:", 10, &v[0]) < 0 && t->state != 'Z')
                return -EINVAL;
        if (text_field_u64(text, "NoNewPrivs:", 10, &v[1]) < 0 || text_field_u64(text, "Uid:", 10, &v[2]) < 0 ||
            text_field_u64(text, "Gid:", 10, &v[3]) < 0)
                return -EINVAL;
        text_field_u64(text, "Seccomp:", 10, &v[4]);
        text_field_u64(text, "Seccomp_filters:", 10, &v[5]);
        f->umask = (uint32_t)((v[0] / 1000 % 10) << 9 | (v[0] / 100 % 10) << 6 | (v[0] / 10 % 10) << 3 | v[0] % 10);
        f->no_new_privs = (uint32_t)v[1];
        f->uid = (uint32_t)v[2];
        f->gid = (uint32_t)v[3];
        f->seccomp_mode = (uint32_t)v[4];
        f->seccomp_filters = (uint32_t)v[5];
        return 0;
}

static int read_stat(struct target *t) {
        char text[2048];

        if (text_read(t->proc_fd, "stat", text, sizeof(text)) < 0 || text_stat_field(text, 9, &t->task_flags) < 0)
                return -EINVAL;
        return text_stat_field(text, 22, &t->facts.identity.start_ticks);
}

static int read_map(const struct target *t, const char *name, struct wire_map *map) {
        char text[16384];
        const char *p = text;
        uint64_t v[3];

        if (text_read(t->proc_fd, name, text, sizeof(text)) < 0)
                return -EINVAL;
        for (map->n = 0; *p; p++) {
                for (unsigned i = 0; i < 3; i++)
                        if (text_u64(&p, 10, &v[i]) < 0 || v[i] > UINT32_MAX)
                                return -EINVAL;
                if (map->n == LIMIT_ID_EXTENTS || *p != '\n')
                        return -EINVAL;
                map->extents[map->n++] = (struct wire_extent){ (uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2] };
        }
        return 0;
}

static int read_maps(struct target *t) {
        char text[16];
        int r;

        if (context.own && !(t->facts.flags & WIRE_FACT_OWN_USERNS)) { /* then they are ours, which do not change */
                memcpy(&t->facts.uid_map, &context.own->uid_map, sizeof(uint32_t) + context.own->uid_map.n * sizeof(struct wire_extent));
                memcpy(&t->facts.gid_map, &context.own->gid_map, sizeof(uint32_t) + context.own->gid_map.n * sizeof(struct wire_extent));
                return 0;
        }
        r = text_read(t->proc_fd, "setgroups", text, sizeof(text));

        if (r > 0 && strncmp(text, "deny", 4) == 0)
                t->facts.flags |= WIRE_FACT_SETGROUPS_DENIED;
        if (read_map(t, "uid_map", &t->facts.uid_map) < 0)
                return -EINVAL;
        return read_map(t, "gid_map", &t->facts.gid_map);
}

/* /proc/PID/limits in the kernel's order, which is that of the numbers; prlimit(2) would need CAP_SYS_RESOURCE. */
static int read_limits(struct target *t) {
        char text[4096];
        const char *line;

        if (text_read(t->proc_fd, "limits", text, sizeof(text)) < 0)
                return -EINVAL;
        line = strchr(text, '\n');
        for (unsigned i = 0; i < 16 && line; i++, line = strchr(line + 1, '\n')) {
                const char *p = line + 1 + 26; /* the name's column is 26 wide */

                if (strlen(line) < 48)
                        return -EINVAL;
                for (unsigned k = 0; k < 2; k++) {
                        p += strspn(p, " ");
                        if (strncmp(p, "unlimited", 9) == 0) {
                                t->facts.rlimits[i][k] = UINT64_MAX;
                                p += 9;
                        } else if (text_u64(&p, 10, &t->facts.rlimits[i][k]) < 0) {
                                return -EINVAL;
                        }
                }
        }
        return line ? 0 : -EINVAL;
}

static int read_namespaces(struct target *t) {
        struct wire_facts *f = &t->facts;
        int user_fd;

        for (unsigned i = 0; i < WIRE_NS_KINDS; i++) {
                f->ns[i] = ns_inode(t->proc_fd, ns_kinds[i].name);
                if (!f->ns[i] && context.own_ns[i])
                        return -EINVAL;
        }
        f->identity.mnt_ns = f->ns[WIRE_NS_MNT];
        f->identity.pid_ns = f->ns[WIRE_NS_PID];
        f->identity.user_ns = f->ns[WIRE_NS_USER];
        if (f->ns[WIRE_NS_USER] == context.own_ns[WIRE_NS_USER])
                return 0;
        f->flags |= WIRE_FACT_OWN_USERNS;
        user_fd = openat(t->proc_fd, "ns/user", O_RDONLY | O_CLOEXEC);
        if (user_fd < 0 || ioctl(user_fd, NS_GET_OWNER_UID, &t->facts.owner_uid) < 0) {
                close(user_fd);
                return -EINVAL;
        }
        close(user_fd);
        return 0;
}

/* Without asking the file system: a FUSE daemon that does not answer would hold us where no signal reaches. */
static int read_root(struct target *t) {
        struct statx st;

        if (statx(t->proc_fd, "root", AT_STATX_DONT_SYNC, STATX_INO, &st) < 0)
                return -errno;
        t->root_dev = makedev(st.stx_dev_major, st.stx_dev_minor);
        t->root_ino = st.stx_ino;
        return 0;
}

static int read_cgroup(struct target *t) {
        const char *p;
        size_t n;

        if (text_read(t->proc_fd, "cgroup", t->cgroups, sizeof(t->cgroups)) < 0)
                return -EINVAL;
        p = text_field(t->cgroups, "0::");
        n = p ? strcspn(p, "\n") : 0;
        if (n == 0 || n >= sizeof(t->facts.cgroup))
                return -EINVAL;
        memcpy(t->facts.cgroup, p, n);
        t->cgroup_fd = cgroup_open(target_cgroup(t));
        return t->cgroup_fd < 0 ? -EINVAL : 0;
}

static int read_label(struct target *t) {
        char *label = t->facts.label;
        int n;

        if (context.own && !*context.own->label) /* no security module has any */
                return 0;
        n = text_read(t->proc_fd, "attr/current", label, sizeof(t->facts.label));

        if (n < 0)
                label[0] = 0; /* EINVAL: no security module has a label */
        else
                label[strcspn(label, "\n")] = 0;
        return n == -EFBIG ? -EINVAL : 0;
}

static int read_oom(struct target *t) {
        char text[32];
        const char *p = text;
        uint64_t v;
        int negative;

        if (text_read(t->proc_fd, "oom_score_adj", text, sizeof(text)) < 0)
                return -EINVAL;
        negative = *p == '-';
        p += negative;
        if (text_u64(&p, 10, &v) < 0 || v > 1000)
                return -EINVAL;
        t->facts.oom_score_adj = negative ? -(int32_t)v : (int32_t)v;
        return 0;
}

static int read_all(struct target *t) {
        int (*const readers[])(struct target *) = { read_namespaces, read_root, read_cgroup, read_maps,
                                                    read_limits,     read_oom,  read_label };

        for (unsigned i = 0; i < sizeof(readers) / sizeof(*readers); i++)
                if (readers[i](t) < 0)
                        return -EINVAL;
        return 0;
}

/* What the cgroup file system and the freezer of v1 say; a target that cannot answer is not frozen. */
static bool is_frozen(const struct target *t) {
        char text[256], path[LIMIT_CGROUP_BYTES + 64];
        uint64_t frozen = 0;
        const char *line = strstr(t->cgroups, ":freezer:");

        if (text_read(t->cgroup_fd, "cgroup.events", text, sizeof(text)) > 0)
                text_field_u64(text, "frozen", 10, &frozen);
        if (frozen || !line || !context.has_freezer)
                return frozen;
        line += strlen(":freezer:");
        snprintf(path, sizeof(path), "/sys/fs/cgroup/freezer%.*s/freezer.state", (int)strcspn(line, "\n"), line);
        return text_read(AT_FDCWD, path, text, sizeof(text)) > 0 && strncmp(text, "THAWED", 6) != 0;
}

static int read_own(struct target *own) {
        *own = (struct target){ .proc_fd = openat(context.proc_fd, "self", O_PATH | O_DIRECTORY | O_CLOEXEC), .cgroup_fd = -1 };
        if (own->proc_fd < 0 || read_status(own) < 0 || read_maps(own) < 0 || read_limits(own) < 0 || read_oom(own) < 0)
                return -EINVAL;
        return read_label(own);
}

int target_read_own(void) {
        static struct target slots[2];
        static unsigned next;
        const struct wire_facts *before = context.own;
        struct target *own = &slots[next];
        int r;

        context.own = NULL; /* or the readers would compare with what they are to read */
        r = read_own(own);
        target_close(own);
        if (r < 0) { /* out of fds, say: what was known stays */
                context.own = before;
                return r;
        }
        next ^= 1;
        context.has_freezer = access("/sys/fs/cgroup/freezer", F_OK) == 0;
        context.own = &own->facts;
        return 0;
}

int target_read(int pidfd, struct target *t, struct fail *f) {
        char number[16];
        int r;

        *t = (struct target){ .pidfd = pidfd, .proc_fd = -1, .cgroup_fd = -1 };
        t->pid = pidfd_pid(pidfd);
        if (t->pid < 0)
                return refuse(f, REASON_PIDFD);
        if (t->pid == 0)
                return refuse(f, REASON_TARGET_DEAD);
        snprintf(number, sizeof(number), "%d", (int)t->pid);
        t->proc_fd = openat(context.proc_fd, number, O_PATH | O_DIRECTORY | O_CLOEXEC);
        t->facts.pid = (uint32_t)t->pid;
        r = t->proc_fd < 0 || read_status(t) < 0 || read_stat(t) < 0 ? -EINVAL : 0;
        if (r == 0 && (t->state == 'Z' || t->state == 'X'))
                return refuse(f, REASON_TARGET_DEAD);
        if (r == 0 && t->task_flags & PF_KTHREAD)
                return refuse(f, REASON_TARGET_KERNEL);
        if (r == 0 && t->tgid != (uint64_t)t->pid)
                return refuse(f, REASON_TARGET_THREAD);
        if (r == 0)
                r = read_all(t);
        /* After everything was opened and read: alive now means that none of it was another process's. */
        if (target_has_ended(pidfd, r < 0 ? ENDING_MS : 0))
                return refuse(f, REASON_TARGET_DEAD);
        if (r < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_CHECK, EINVAL);
        if (is_frozen(t))
                t->facts.flags |= WIRE_FACT_FROZEN;
        return 0;
}

void target_close(struct target *t) {
        t->proc_fd = close_fd(t->proc_fd);
        t->cgroup_fd = close_fd(t->cgroup_fd);
}

bool target_needs_label(const struct target *t) {
        return *t->facts.label && strcmp(t->facts.label, context.own->label) != 0;
}

const char *target_cgroup(const struct target *t) {
        return t->facts.cgroup[1] ? t->facts.cgroup + 1 : ".";
}

int cgroup_open(const char *path) {
        struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
        int fd = (int)syscall(SYS_openat2, context.cgroup_fd, path, &how, sizeof(how));

        return fd < 0 ? -errno : fd;
}

bool target_map(const struct wire_map *map, uint32_t inside, uint32_t *ret) {
        for (uint32_t i = 0; i < map->n; i++) {
                const struct wire_extent *e = &map->extents[i];

                if (inside >= e->inside && inside - e->inside < e->count) {
                        *ret = e->outside + (inside - e->inside);
                        return true;
                }
        }
        return false;
}

/* Root's; or, as crun leaves it, the mapped root's or the owner's of the target's own user namespace. */
static int check_cgroup_owner(const struct target *t, struct fail *f) {
        struct stat st;
        uint32_t mapped;

        if (fstat(t->cgroup_fd, &st) < 0)
                return refuse_step(f, REASON_STEP, WIRE_STEP_CHECK, errno);
        if (st.st_uid == 0)
                return 0;
        if (target_has_own_userns(t) &&
            (st.st_uid == t->facts.owner_uid || (target_map(&t->facts.uid_map, 0, &mapped) && st.st_uid == mapped)))
                return 0;
        return refuse(f, REASON_TARGET_CGROUP_OWNER);
}

/* Compared with process 1's namespaces, and with the helper's own: a unit's own mount namespace also differs
 * from the host's, so either comparison alone would take the host for a container (SECURITY N3). */
static bool shares(const struct target *t, enum wire_ns ns) {
        return t->facts.ns[ns] == context.own_ns[ns] || t->facts.ns[ns] == context.init_ns[ns];
}

int target_check(const struct target *t, struct fail *f) {
        if (t->pid == 1 || t->pid == context.listener || t->pid == getpid())
                return refuse(f, REASON_TARGET_OURS);
        if (shares(t, WIRE_NS_PID))
                return refuse(f, REASON_TARGET_PID);
        if (shares(t, WIRE_NS_MNT))
                return refuse(f, REASON_TARGET_MNT);
        if (t->inner_pid != 1)
                return refuse(f, REASON_TARGET_INIT);
        if (t->ns_depth != 2)
                return refuse(f, REASON_TARGET_NESTED);
        if (!ceiling_allows_cgroup(context.ceiling, t->facts.cgroup))
                return refuse(f, REASON_TARGET_CGROUP);
        return check_cgroup_owner(t, f);
}

int target_check_thawed(const struct target *t, struct fail *f) {
        return t->facts.flags & WIRE_FACT_FROZEN ? refuse(f, REASON_TARGET_FROZEN) : 0;
}
