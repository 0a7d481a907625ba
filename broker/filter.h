/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp profile compiled into the raw BPF that the helper loads, in a sealed memfd, and a cache
 * of such filters. It must never weaken what the profile says.
 *
 * The order of use in the broker:
 *      profile_load(), profile_parse_oci()   once a profile, kept while its file is unchanged
 *      filter_params_init(&params, bounding) the request's FINAL bounding set
 *      filter_cache_get(cache, profile, &params, &filter, &err)
 *      filter_memfd(filter, &fd)             for the helper; allows_32bit goes into the plan
 * "unconfined" is no filter at all: the broker sends no fd and the helper decides by its ceiling
 * whether that is allowed. A target without a profile of its own (profile_parse_oci gave NULL) is
 * filter_cache_get with profile NULL: one instruction that allows, on the helper's plain floor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile;
struct profile_error;
struct sock_filter;

#define FILTER_MAX_INSTRUCTIONS 4096 /* the kernel's BPF_MAXINSNS */

/* What a profile's includes and excludes are decided by. */
struct filter_params {
        uint64_t caps; /* the final bounding set, bit n = capability n */
        unsigned kernel_major;
        unsigned kernel_minor;
};

struct filter {
        uint8_t hash[32]; /* SHA-256 of the program's bytes: what Explain shows as filter-hash */
        size_t n;         /* instructions */
        /* the profile lists the 32-bit architecture; the plan must say so to the helper's floor */
        bool allows_32bit;
        struct sock_filter *program;
        int memfd; /* -1 until filter_memfd() was called */
        unsigned n_refs;
};

/* caps as given, the kernel's version from uname(2). */
void filter_params_init(struct filter_params *params, uint64_t caps);

/* 0: *ret is set · <0: -errno · OUTCOME_BAD_PROFILE: err->text says why. x32 is refused whatever
 * the profile lists (ENOSYS), a foreign architecture kills the process. Profile NULL: the filter
 * that allows everything. */
int filter_compile(const struct profile *profile, const struct filter_params *params,
                   struct filter **ret, struct profile_error *err);
/* A filter is shared: the cache has a reference, and so has everybody who got it. free gives one back. */
struct filter *filter_ref(struct filter *filter);
struct filter *filter_free(struct filter *filter);
void filter_freep(struct filter **filter);

/* *ret_fd is borrowed: it stays the filter's and lives as long as it does; sending it by SCM_RIGHTS
 * needs no duplicate.
 * Sealed with all four seals (and F_SEAL_EXEC where vm.memfd_noexec asks for it); exactly n * 8
 * bytes of struct sock_filter. It is shared by all sessions with this filter: readers use mmap or
 * pread, never the offset. */
int filter_memfd(struct filter *filter, int *ret_fd);

/* A bounded cache keyed by SHA-256 of the profile's content and of those params that can matter to
 * it. What it returns is a reference, the caller's to give back with filter_free(): a request that
 * waits for a password still has its filter when the cache has gone on. When it is full the least
 * recently used entry goes. */
struct filter_cache;
int filter_cache_new(size_t max, struct filter_cache **ret);
struct filter_cache *filter_cache_free(struct filter_cache *cache);
void filter_cache_clear(struct filter_cache *cache);
int filter_cache_get(struct filter_cache *cache, const struct profile *profile,
                     const struct filter_params *params, struct filter **ret,
                     struct profile_error *err);

/* The name of a native system call, for a helper's refusal that names one ("setsid"; "456" where it
 * is unknown). */
const char *filter_syscall_name(int nr, char buf[static 64]);
