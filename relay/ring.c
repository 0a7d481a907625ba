/* SPDX-License-Identifier: Apache-2.0 */
/* The ring's memory. Data first, then the count: whoever is killed in between has lost nothing that was counted. */
#include "relay/ring.h"

#include "common/relay.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct ring {
        struct ring_head *head;
        char *data;
};

static struct ring the_ring;

static bool is_sound(const struct ring_head *head) {
        uint64_t first = head->n_segments > RING_SEGMENTS ? head->n_segments - RING_SEGMENTS : 0;
        uint64_t last = 0;

        if (head->magic != RELAY_MAGIC || head->seen > head->total ||
            (head->total > 0) != (head->n_segments > 0))
                return false;
        for (uint64_t i = first; i < head->n_segments; i++) {
                const struct ring_segment *segment = &head->segments[i % RING_SEGMENTS];

                if (segment->start < last || segment->start > head->total || segment->stream > 2)
                        return false;
                last = segment->start;
        }
        return true;
}

int ring_map(int fd, struct ring **ret) {
        struct stat st;
        void *memory;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size != RING_FILE_BYTES)
                return -EINVAL;
        memory = mmap(NULL, RING_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
                return -errno;
        the_ring = (struct ring){ memory, (char *)memory + RING_HEAD_BYTES };
        if (!is_sound(the_ring.head)) {
                the_ring.head->total = the_ring.head->n_segments = the_ring.head->seen = 0;
                the_ring.head->magic = RELAY_MAGIC;
        }
        *ret = &the_ring;
        return 0;
}

static const struct ring_segment *segment_at(const struct ring *ring, uint64_t i) {
        return &ring->head->segments[i % RING_SEGMENTS];
}

static uint64_t first_segment(const struct ring *ring) {
        return ring->head->n_segments > RING_SEGMENTS ? ring->head->n_segments - RING_SEGMENTS : 0;
}

static uint64_t segment_end(const struct ring *ring, uint64_t i) {
        return i + 1 < ring->head->n_segments ? segment_at(ring, i + 1)->start : ring->head->total;
}

uint64_t ring_total(const struct ring *ring) {
        return ring->head->total;
}

uint64_t ring_oldest(const struct ring *ring) {
        uint64_t total = ring->head->total;
        uint64_t kept = total > LIMIT_RING_BYTES ? total - LIMIT_RING_BYTES : 0;
        uint64_t named = total ? segment_at(ring, first_segment(ring))->start : 0;

        return kept > named ? kept : named;
}

uint64_t ring_seen(const struct ring *ring) {
        return ring->head->seen;
}

void ring_set_seen(struct ring *ring, uint64_t offset) {
        ring->head->seen = offset;
}

static bool continues(const struct ring *ring, unsigned stream) {
        uint64_t n = ring->head->n_segments;

        return n > 0 && segment_at(ring, n - 1)->stream == stream;
}

size_t ring_space(const struct ring *ring, const struct cursor *hold, unsigned stream, void **ret) {
        uint64_t at = ring->head->total % LIMIT_RING_BYTES;
        uint64_t room = LIMIT_RING_BYTES - at, left;

        if (hold && !continues(ring, stream) &&
            ring->head->n_segments - hold->segment >= RING_SEGMENTS)
                return 0;
        if (hold) {
                left = LIMIT_RING_BYTES - (ring->head->total - hold->offset);
                room = left < room ? left : room;
        }
        *ret = ring->data + at;
        return room;
}

void ring_commit(struct ring *ring, unsigned stream, size_t n) {
        struct ring_head *head = ring->head;

        if (!continues(ring, stream)) {
                head->segments[head->n_segments % RING_SEGMENTS] = (struct ring_segment){
                        .start = head->total, .stream = stream
                };
                __atomic_store_n(&head->n_segments, head->n_segments + 1, __ATOMIC_RELEASE);
        }
        __atomic_store_n(&head->total, head->total + n, __ATOMIC_RELEASE);
}

struct cursor ring_at(const struct ring *ring, uint64_t offset) {
        struct cursor cursor = { offset, first_segment(ring) };

        if (cursor.offset < ring_oldest(ring))
                cursor.offset = ring_oldest(ring);
        while (cursor.segment + 1 < ring->head->n_segments &&
               segment_end(ring, cursor.segment) <= cursor.offset)
                cursor.segment++;
        return cursor;
}

size_t ring_next(const struct ring *ring, struct cursor *cursor, unsigned stream, uint64_t end,
                 const void **ret) {
        uint64_t at, n;

        /* What was overwritten meanwhile is passed over: only a reader that holds nothing back comes here. */
        if (cursor->offset < ring_oldest(ring))
                *cursor = ring_at(ring, cursor->offset);
        if (end > ring->head->total)
                end = ring->head->total;
        while (cursor->offset < end) {
                n = segment_end(ring, cursor->segment);
                n = (n < end ? n : end) - cursor->offset;
                if (n && segment_at(ring, cursor->segment)->stream == stream) {
                        at = cursor->offset % LIMIT_RING_BYTES;
                        *ret = ring->data + at;
                        return n < LIMIT_RING_BYTES - at ? n : LIMIT_RING_BYTES - at;
                }
                cursor->offset += n;
                if (cursor->segment + 1 < ring->head->n_segments)
                        cursor->segment++;
                else
                        break;
        }
        return 0;
}
