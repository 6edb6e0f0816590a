/* SPDX-License-Identifier: Apache-2.0 */
#include "core/philox.h"

#include <math.h>

/* The constants of the paper: two multipliers and two Weyl increments (golden ratio, sqrt(3) - 1). */
#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define WEYL_0       0x9E3779B9u
#define WEYL_1       0xBB67AE85u

zoe__philox4 zoe__philox(const uint32_t key[2], const uint32_t counter[4])
{
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)MULTIPLIER_0 * c0, p1 = (uint64_t)MULTIPLIER_1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    return (zoe__philox4){{c0, c1, c2, c3}};
}

void zoe__random_init(zoe__random *random, uint64_t seed, uint64_t a, uint32_t b)
{
    *random = (zoe__random){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
                            .counter = {0, (uint32_t)a, (uint32_t)(a >> 32), b},
                            .used = 4};
}

uint32_t zoe__random_u32(zoe__random *random)
{
    if (random->used == 4) {
        random->block = zoe__philox(random->key, random->counter);
        random->counter[0]++;
        random->used = 0;
    }
    return random->block.v[random->used++];
}

/* Lemire's multiply-and-reject: exact for every n. */
uint32_t zoe__random_below(zoe__random *random, uint32_t n)
{
    const uint32_t reject = (uint32_t)(-n) % n;
    uint64_t product;
    do {
        product = (uint64_t)zoe__random_u32(random) * n;
    } while ((uint32_t)product < reject);
    return (uint32_t)(product >> 32);
}

int zoe__random_range(zoe__random *random, int low, int high)
{
    return low + (int)zoe__random_below(random, (uint32_t)(high - low) + 1u);
}

double zoe__random_uniform(zoe__random *random)
{
    const uint64_t high = zoe__random_u32(random) >> 5, low = zoe__random_u32(random) >> 6;
    return (double)(high << 26 | low) * 0x1p-53;
}

double zoe__random_between(zoe__random *random, double a, double b)
{
    return a + (b - a) * zoe__random_uniform(random);
}

double zoe__random_normal(zoe__random *random)
{
    const double two_pi = 6.283185307179586;
    const double u = 1.0 - zoe__random_uniform(random); /* (0, 1]: the logarithm is finite */
    return sqrt(-2.0 * log(u)) * cos(two_pi * zoe__random_uniform(random));
}
