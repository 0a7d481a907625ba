/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the host's own users and groups. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* 0 and *ret (NULL: none), or -errno: the name service broke, which is not the same as having no name. */
int account_name(bool group, uint32_t id, char **ret);
