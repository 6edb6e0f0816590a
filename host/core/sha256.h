/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4). Internal. */
#ifndef ZOE_CORE_SHA256_H
#define ZOE_CORE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct zoe__sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
} zoe__sha256;

void zoe__sha256_start(zoe__sha256 *sha);
void zoe__sha256_add(zoe__sha256 *sha, const void *data, size_t bytes);
void zoe__sha256_end(zoe__sha256 *sha, uint8_t digest[32]);

/* 64 hex digits and a zero. */
void zoe__sha256_hex(const uint8_t digest[32], char hex[65]);

#endif
