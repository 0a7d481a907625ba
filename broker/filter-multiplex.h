/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two system calls of 32-bit x86 that carry others: socketcall and ipc. libseccomp gives the
 * carried ones numbers of its own below zero, also where the kernel has had direct numbers for them
 * since 4.3 and 5.1.
 */
#pragma once

#include <stdbool.h>

struct filter_rules;

/* Whether this negative number of libseccomp's is such a call. */
bool filter_is_multiplexed(int nr);

/* For sorted rules: gives them their direct numbers and adds what follows for the carrying call. A
 * rule without conditions counts there too. Conditions do not reach through the pointer: what such
 * a rule allows is not allowed there (AF_ALG would come in by socketcall), what it refuses beyond
 * the default is refused there as a whole.
 * 0 or -ENOMEM; the rules are to be sorted again. */
int filter_multiplex(struct filter_rules *rules, unsigned default_action);
