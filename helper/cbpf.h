/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A classic BPF interpreter for seccomp programs: what the kernel would answer to one system call,
 * worked out without loading anything. The helper tries a session's filter with it, the tests
 * compare exported filters with their profiles.
 */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the kernel would take the instructions: all known, every jump and load in range, a return
 * at the end. */
bool cbpf_is_valid(const struct sock_filter *f, size_t n);

/* Only for a valid program. Jumps go forward only, so it ends after at most n steps. The kernel's
 * return value. */
uint32_t cbpf_run(const struct sock_filter *f, size_t n, const struct seccomp_data *data);
