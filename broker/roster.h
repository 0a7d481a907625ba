/* SPDX-License-Identifier: Apache-2.0 */
/* Which container's init is which process, as the engines' state files said: so that none is read twice. What was said holds as long
 * as that very process lives, since an engine gives a name away again only after its init has ended. */
#pragma once

#include <stdint.h>

struct roster;

struct roster *roster_new(void); /* NULL: no memory */
struct roster *roster_free(struct roster *roster);
/* dir outlives the roster. A full one forgets who is dead; what has no room then is asked anew the next time. */
void roster_add(struct roster *roster, const char *dir, const char *name, int32_t pid,
                uint64_t start_ticks);
/* The init of this folder's container; 0: not known, or not alive any more. */
int32_t roster_find(const struct roster *roster, const char *dir, const char *name);
