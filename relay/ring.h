/* SPDX-License-Identifier: Apache-2.0 */
/* The output of a session, bounded. Who reads has a cursor; who must not lose anything holds the ring back by it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

struct cursor {
        uint64_t offset;
        uint64_t segment;
};

/* The one ring of this process, of its memfd. Counts that make no sense (it is another's memory) begin anew. 0 or -errno. */
int ring_map(int fd, struct ring **ret);
uint64_t ring_total(const struct ring *ring);
/* The oldest byte that is still there. */
uint64_t ring_oldest(const struct ring *ring);
uint64_t ring_seen(const struct ring *ring);
void ring_set_seen(struct ring *ring, uint64_t offset);

/* Where the next bytes of that stream go: their number, 0 where hold (NULL: nobody) would lose what it has not read. */
size_t ring_space(const struct ring *ring, const struct cursor *hold, unsigned stream, void **ret);
/* So many were written there. */
void ring_commit(struct ring *ring, unsigned stream, size_t n);

/* At that byte, or the oldest after it. */
struct cursor ring_at(const struct ring *ring, uint64_t offset);
/* The next bytes of that stream before end: their number; the cursor passes over those of others. */
size_t ring_next(const struct ring *ring, struct cursor *cursor, unsigned stream, uint64_t end,
                 const void **ret);
