/* SPDX-License-Identifier: Apache-2.0 */
/* Who sits at this machine: the uids that have an active session on a seat, as logind says. Kept up to date by its signals, so that
 * asking costs nothing; while an answer is on its way it is unknown, and where there is no logind nobody is active. */
#pragma once

#include "policy/policy.h"

#include <dbus/dbus.h>
#include <stdint.h>

struct bus;
struct logins;

/* 0 or -errno. Asks, and does not wait. */
int logins_new(struct bus *bus, struct logins **ret);
struct logins *logins_free(struct logins *logins); /* takes and returns NULL */
/* Any signal that came; others' are left alone. */
void logins_signal(struct logins *logins, DBusMessage *message);
enum policy_tri logins_active(const struct logins *logins, uint32_t uid);
