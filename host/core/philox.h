/* SPDX-License-Identifier: Apache-2.0
 *
 * Counter-based random numbers, Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011). A draw is a pure function of (key, counter): the same samples for any number of threads and
 * after any restart. cl/common.cl holds the same function for kernels; a test compares them. Internal. */
#ifndef ZOE_PHILOX_H
#define ZOE_PHILOX_H

#include <stdint.h>

typedef struct zoe__philox4 {
    uint32_t v[4];
} zoe__philox4;

/* key: two words; counter: four words. */
zoe__philox4 zoe__philox(const uint32_t key[2], const uint32_t counter[4]);

/* A stream of draws for sequential use: key = (seed), counter = (stream a, stream b, position). */
typedef struct zoe__random {
    uint32_t key[2];
    uint32_t counter[4]; /* [0] position; [1] [2] [3] the stream */
    zoe__philox4 block;
    int used; /* words of block already given out; 4 = none left */
} zoe__random;

/* Streams with different (seed, a, b) are independent; b uses 32 bits. */
void zoe__random_init(zoe__random *random, uint64_t seed, uint64_t a, uint32_t b);

uint32_t zoe__random_u32(zoe__random *random);
uint32_t zoe__random_below(zoe__random *random, uint32_t n);         /* uniform in 0..n-1, n >= 1, without bias */
int zoe__random_range(zoe__random *random, int low, int high);       /* uniform integer in low..high, both included */
double zoe__random_uniform(zoe__random *random);                     /* [0, 1), 53 bits */
double zoe__random_between(zoe__random *random, double a, double b); /* [a, b) */
double zoe__random_normal(zoe__random *random);                      /* mean 0, sd 1 (Box-Muller, one draw a pair) */

#endif
