/* SPDX-License-Identifier: Apache-2.0 */
/* The order is the security argument: read the reasons top to bottom. ARCHITECTURE §2.1 tells which experiment
 * each of them comes from. A step that fails means no exec. */
#include "helper/steps.h"

#include "common/fdpass.h"
#include "helper/context.h"
#include "helper/session.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct step {
        uint32_t step; /* enum wire_step */
        int (*run)(struct run *r, struct fail *f);
        const char *reason;
};

static const struct step steps[] = {
        { WIRE_STEP_SESSION, step_alone, "own process group (a session would cost an autogroup): a seized command in the listener's could end it with kill(0, 9)" },
        { WIRE_STEP_V1, step_v1, "before setns, freezer last: the devices list holds from the first moment, a freeze cannot hang a half" },
        { WIRE_STEP_ATTRIBUTES, step_attributes, "rlimits need the host's rights, and the command is the target's, not the service's" },
        { WIRE_STEP_LABEL, step_label, "through the host's proc: the container's may be a fake file" },
        { WIRE_STEP_KEYRING, step_keyring, "before the change of uid: the keyring of the service never belongs to the command" },
        { WIRE_STEP_STREAMS_OWNER, step_owner, "anonymous pipes only, so that /dev/stderr can be opened; after setns it would fail" },
        { WIRE_STEP_SETNS, step_setns, "needs the host's rights; one call by pidfd: all that differ, of one process, at one moment" },
        { WIRE_STEP_COMPARE, step_compare, "what was entered is what was approved: the target may have moved between check and entry" },
        { WIRE_STEP_GROUPS, step_groups, "before the gid and uid: afterwards the right to drop them is gone" },
        { WIRE_STEP_BOUNDING, step_bounding, "after setns: entering a user namespace fills the bounding set" },
        { WIRE_STEP_UID, step_ids, "gid before uid; not dumpable again after each: whoever has this uid inside could trace us" },
        { WIRE_STEP_CAPS_OPEN, step_caps_open, "all that follows is opened with the command's own rights" },
        { WIRE_STEP_TTY, step_tty, "as the user: born owned by the user, nothing to chown" },
        { WIRE_STEP_NULL, step_null, "the target's own device, type first: the host's null could be changed by fchmod" },
        { WIRE_STEP_CWD, step_cwd, "as the user, checked twice, with no directory of the host open" },
        { WIRE_STEP_PATH, step_path, "by the container's PATH, absolute entries only, as the identity that will execute" },
        { WIRE_STEP_STREAMS, step_streams, "0 to 2 and what was asked for: nothing else is open in the command" },
        { WIRE_STEP_FILTER, step_filters, "final before the command is born: a tracer inside meets nothing more than the command itself" },
        { WIRE_STEP_BIRTH, step_birth, "a child of the supervisor, born finished in the target's pid namespace" },
};

void end_now(int status) {
        syscall(SYS_exit_group, status);
        __builtin_trap();
}

static void send_fail(const struct run *r, const struct fail *f) {
        fdpass_send(r->report_fd, f, sizeof(*f), NULL, 0, MSG_DONTWAIT);
}

void steps_intermediate(struct run *r) {
        struct fail f = {};

        for (unsigned i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
                if (steps[i].run(r, &f) < 0) {
                        if (!f.step)
                                f.step = steps[i].step;
                        send_fail(r, &f);
                        end_now(1);
                }
        }
        end_now(0);
}

static void sort(int *a, unsigned n) {
        for (unsigned i = 1; i < n; i++)
                for (unsigned k = i; k > 0 && a[k - 1] > a[k]; k--) {
                        int x = a[k];

                        a[k] = a[k - 1];
                        a[k - 1] = x;
                }
}

void close_all_but(const int *keep, unsigned n) {
        int sorted[32];
        unsigned m = 0, next = 0;

        for (unsigned i = 0; i < n && m < 32; i++)
                if (keep[i] >= 0)
                        sorted[m++] = keep[i];
        sort(sorted, m);
        for (unsigned i = 0; i < m; i++) {
                if ((unsigned)sorted[i] > next)
                        close_range(next, (unsigned)sorted[i] - 1, 0);
                next = (unsigned)sorted[i] + 1;
        }
        close_range(next, ~0u, 0);
}
