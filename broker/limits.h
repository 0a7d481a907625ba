/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of the broker alone; those that the helper shares are in common/limits.h. Units are in the names. */
#pragma once

/* Of one user; what broker.conf says of sessions, starts and requests is in settings.c. */
#define QUOTA_BYTES (UINT64_C(96) << 20)      /* of requests under way and of output held for Run */
#define LIMIT_USER_FDS 4096u                  /* passed with requests under way, or bringing Run's output */
#define QUOTA_KEPT 1024                       /* finished sessions that stay inspectable */
#define QUOTA_KEPT_BYTES (UINT64_C(32) << 20) /* of their commands and environments */

/* Calls of a user, not root, of whom so many were refused in one slice wait for the next one: what he sends for nothing costs others
 * little, and who waits for answers sends less. */
#define QUOTA_REFUSALS 64u
#define QUOTA_REFUSALS_US (UINT64_C(100) * 1000)

#define LIMIT_LABELS 1024u       /* of one container; one with more has unknown labels */
#define LIMIT_ROSTER 4096u       /* containers whose init is remembered */
#define LIMIT_LOGINS 1024u       /* sessions of logind with a seat; with more, whether anybody is active is unknown */
#define LIMIT_ENGINE_NAME_BYTES 256u
