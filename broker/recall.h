/* SPDX-License-Identifier: Apache-2.0 */
/* What a new broker reads back: sessions that ended a short while ago are shown as before, and those that had not ended wait here for
 * their supervisors. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct broker;
struct recall;
struct session;

/* Opens the history, reads, and starts the recorder. A file that cannot be read is said in the status, and nothing else comes of it.
 * 0 or -errno. */
int recall_start(struct broker *broker, const char *path);
struct recall *recall_free(struct recall *recall); /* takes and returns NULL */

/* Onto a session that is being adopted, if it is this uid's. 0; -ENOENT: it is not known; -ENOMEM. */
int recall_take(struct broker *broker, struct session *session, uint32_t owner);
/* A session of its own for one that has ended and whose supervisor has died too: an heir brings the record and nothing else, so whose it is
 * is known from the row alone. In state running. 0; -ENOENT: it is not known; -ENOMEM. */
int recall_session(struct broker *broker, const uint8_t id[32], struct session **ret);
/* Those that nobody came for are lost, after a while. Whether any are still waited for. */
bool recall_expire(struct broker *broker, uint64_t now);
/* CLOCK_REALTIME. */
uint64_t recall_now_us(void);
