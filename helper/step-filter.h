/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session's filter as the helper sees it: a program from a broker that may have been taken
 * over. Checked, tried out against what the start itself needs, loaded on top of the floor.
 *
 * The order of use, S or I before anything is entered (filter_refusal_text(r) for the log):
 *      r = filter_check(f, size)                 >0: refuse
 *      r = filter_needs(f, n, tty, nnp_off)      >0: 1 + a system call's number: refuse by its name
 * I, as its last step but the birth of the command (ARCHITECTURE 2.1 step 6):
 *      r = filter_load(floor_get(floor, allow_32bit), f, n)      <0: no exec
 * f may point into a private read-only mapping of the sealed memfd: nothing here writes to it.
 */
#pragma once

#include <linux/filter.h>
#include <linux/sched.h>
#include <stdbool.h>
#include <stddef.h>

struct floor_program;

#define FILTER_MAX 4096 /* the kernel's BPF_MAXINSNS */

/* The flags with which I makes C; a filter is tried with exactly these. */
#define FILTER_CLONE_FLAGS (CLONE_PARENT | CLONE_PARENT_SETTID)

enum filter_refusal {
        FILTER_OK,
        FILTER_EMPTY,    /* size 0 */
        FILTER_SIZE,     /* not a multiple of an instruction's 8 bytes */
        FILTER_TOO_LONG, /* more instructions than the kernel takes */
        /* an instruction the kernel would refuse: unknown, out of range, no return at the end */
        FILTER_BAD_CODE,
        FILTER_RETURNS_A, /* BPF_RET|BPF_A: an action that no reader can see in the program */
        FILTER_FAKES,  /* SECCOMP_RET_ERRNO with errno 0: a call that is not made and says it was */
        FILTER_TRACES, /* SECCOMP_RET_TRACE: another process decides */
        /* SECCOMP_RET_USER_NOTIF: another process decides, or answers for the kernel */
        FILTER_NOTIFIES,
        FILTER_BAD_ACTION, /* a return action that this version does not know */
        N_FILTER_REFUSALS,
};

/* size in bytes, exactly the memfd's. Allowed actions: ALLOW, LOG, ERRNO 1..4095, TRAP,
 * KILL_THREAD, KILL_PROCESS. */
enum filter_refusal filter_check(const struct sock_filter *f, size_t size);
const char *filter_refusal_text(enum filter_refusal refusal);

/* Only for a program that filter_check() found good. Runs it in our own interpreter for what step 7
 * calls (clone, exit_group, setsid, execve, write; ioctl(TIOCSCTTY) with tty; capget and capset
 * with nnp_off).
 * 0: all allowed · >0: 1 + the number of the first system call that it does not allow. */
int filter_needs(const struct sock_filter *f, size_t n, bool tty, bool nnp_off);

/* seccomp(2) with the floor, then with the session's filter (f NULL: the floor alone, an unconfined
 * session). The caller has no_new_privs on, or CAP_SYS_ADMIN effective. 0 or -errno. */
int filter_load(const struct floor_program *floor, const struct sock_filter *f, size_t n);
