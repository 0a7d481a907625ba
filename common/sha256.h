/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4): the digest that broker and helper both log. The helper links nothing that has it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sha256 {
        uint32_t state[8];
        uint64_t size;
        uint8_t block[64];
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t size);
void sha256_final(struct sha256 *s, uint8_t ret[32]);
void sha256(const void *data, size_t size, uint8_t ret[32]);
/* 64 lower-case digits and NUL. */
void sha256_hex(const uint8_t digest[32], char ret[65]);
