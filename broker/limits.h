/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of the broker alone; those that the helper shares are in common/limits.h. Units are in the names. */
#pragma once

#define LIMIT_LABELS 1024u       /* of one container; one with more has unknown labels */
#define LIMIT_ROSTER 4096u       /* containers whose init is remembered */
#define LIMIT_LOGINS 1024u       /* sessions of logind with a seat; with more, whether anybody is active is unknown */
#define LIMIT_ENGINE_NAME_BYTES 256u
