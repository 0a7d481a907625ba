/* SPDX-License-Identifier: Apache-2.0 */
/* Counts per uid. */
#include "broker/quota.h"

#include <stdlib.h>
#include <string.h>

#define SLICE_US (UINT64_C(10) * 1000 * 1000)
#define SLICES 6

struct quotas {
        struct quota *first;
        uint32_t max_fds;
};

struct quotas *quotas_new(uint32_t max_fds) {
        struct quotas *quotas = calloc(1, sizeof *quotas);

        if (quotas)
                quotas->max_fds = max_fds < LIMIT_USER_FDS ? max_fds : LIMIT_USER_FDS;
        return quotas;
}

struct quotas *quotas_free(struct quotas *quotas) {
        struct quota *next;

        for (struct quota *quota = quotas ? quotas->first : NULL; quota; quota = next) {
                next = quota->next;
                free(quota);
        }
        free(quotas);
        return NULL;
}

struct quota *quotas_of(struct quotas *quotas, uint32_t uid) {
        struct quota *quota;

        for (struct quota **slot = &quotas->first; *slot; slot = &(*slot)->next)
                if ((*slot)->uid == uid) {
                        /* To the front: who calls now calls again. */
                        quota = *slot;
                        *slot = quota->next;
                        quota->next = quotas->first;
                        return quotas->first = quota;
                }
        quota = calloc(1, sizeof *quota);
        if (!quota)
                return NULL;
        quota->uid = uid;
        quota->max_fds = quotas->max_fds;
        quota->next = quotas->first;
        return quotas->first = quota;
}

/* Empties the slices that passed since the last look. */
static void advance(struct quota *quota, uint64_t now) {
        uint64_t slice = now / SLICE_US;

        if (slice - quota->slice >= SLICES)
                memset(quota->starts, 0, sizeof quota->starts);
        else
                for (uint64_t s = quota->slice + 1; s <= slice; s++)
                        quota->starts[s % SLICES] = 0;
        quota->slice = slice;
}

void quota_start(struct quota *quota, uint64_t now) {
        advance(quota, now);
        quota->starts[quota->slice % SLICES]++;
}

uint32_t quota_starts(struct quota *quota, uint64_t now) {
        uint32_t sum = quota->starting;

        advance(quota, now);
        for (unsigned i = 0; i < SLICES; i++)
                sum += quota->starts[i];
        return sum;
}

bool quota_charge(struct quota *quota, uint64_t bytes, uint32_t fds, struct charge *ret) {
        if (quota->bytes + bytes > QUOTA_BYTES || quota->fds + fds > quota->max_fds)
                return false;
        quota->bytes += bytes;
        quota->fds += fds;
        *ret = (struct charge){ quota, bytes, fds };
        return true;
}

uint32_t quota_fds_max(const struct quota *quota) {
        return quota->max_fds;
}

void charge_drop_fds(struct charge *charge) {
        if (charge->quota)
                charge->quota->fds -= charge->fds;
        charge->fds = 0;
}

void charge_drop(struct charge *charge) {
        charge_drop_fds(charge);
        if (charge->quota)
                charge->quota->bytes -= charge->bytes;
        *charge = (struct charge){ 0 };
}

void quota_refused(struct quota *quota, uint64_t now) {
        uint64_t slice = now / QUOTA_REFUSALS_US;

        if (slice != quota->refusals_slice)
                quota->refusals = 0;
        quota->refusals_slice = slice;
        quota->refusals++;
}

uint64_t quota_rests_until(const struct quota *quota, uint64_t now) {
        if (quota->uid == 0 || quota->refusals < QUOTA_REFUSALS || now / QUOTA_REFUSALS_US != quota->refusals_slice)
                return now;
        return (quota->refusals_slice + 1) * QUOTA_REFUSALS_US;
}
