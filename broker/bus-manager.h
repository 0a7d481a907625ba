/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's face on the bus, but for what runs something: that is flow.c's. */
#pragma once

struct broker;
struct call;
struct dict;

int manager_list_sessions(struct call *call);
int manager_get_session(struct call *call);
/* One of the caller's own has this id. */
int manager_own_session(const struct call *call, const char *id);
int manager_list_targets(struct call *call);
int manager_stop_all(struct call *call);
int manager_reload(struct call *call);
struct dict *manager_properties(const struct broker *broker);
