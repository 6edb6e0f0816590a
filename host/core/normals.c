/* SPDX-License-Identifier: Apache-2.0
 *
 * Many normal numbers at once: the loop over a block has no branch and no call, so that compilers make vectors of it.
 * log and cos are polynomials of their own, because those of the C library are neither quick in this number nor the
 * same everywhere. This file is compiled without contraction of products and sums: the same bits on every processor. */
#include "core/normals.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 32 };

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* high 27 bits of a, high 26 bits of b, on [0, 1): what zoe__random_uniform() makes of two words. */
static double uniform(uint32_t a, uint32_t b)
{
    const uint64_t two_52 = UINT64_C(0x4330000000000000);
    const double high = from_bits(two_52 | a >> 5) - 0x1p52, low = from_bits(two_52 | b >> 6) - 0x1p52;
    return high * 0x1p-27 + low * 0x1p-53;
}

/* x in (0, 1]: x = m * 2^e, m in [sqrt(1/2), sqrt(2)), log m = 2 artanh((m - 1) / (m + 1)) as a series. */
static double log_of(double x)
{
    const uint64_t half_root = UINT64_C(0x3fe6a09e667f3bcd), bits = to_bits(x);
    const uint64_t shifted = bits - half_root + UINT64_C(0x3ff0000000000000); /* its exponent is e + 1023 */
    const double e = from_bits(UINT64_C(0x4330000000000000) | shifted >> 52) - (0x1p52 + 1023);
    const double m = from_bits(bits - (shifted & UINT64_C(0xfff0000000000000)) + UINT64_C(0x3ff0000000000000));
    const double t = (m - 1) / (m + 1), s = t * t;
    double sum = 1.0 / 21;
    sum = sum * s + 1.0 / 19;
    sum = sum * s + 1.0 / 17;
    sum = sum * s + 1.0 / 15;
    sum = sum * s + 1.0 / 13;
    sum = sum * s + 1.0 / 11;
    sum = sum * s + 1.0 / 9;
    sum = sum * s + 1.0 / 7;
    sum = sum * s + 1.0 / 5;
    sum = sum * s + 1.0 / 3;
    return e * 0.6931471805599453 + (2 * t + 2 * t * (s * sum));
}

/* cos(2 pi u) = sin(2 pi (1/4 - u')), u' = the distance of u from the nearest whole number, at most 1/2: the sine's
 * argument is in [-pi/2, pi/2]. */
static double cos_of_turn(double u)
{
    const double away = u - (u + 0x1.8p52 - 0x1.8p52), turn = 0.25 - fabs(away);
    const double x = 6.283185307179586 * turn, s = x * x;
    double sum = 1.0 / 51090942171709440000.0;
    sum = 1.0 / 121645100408832000.0 - sum * s;
    sum = 1.0 / 355687428096000.0 - sum * s;
    sum = 1.0 / 1307674368000.0 - sum * s;
    sum = 1.0 / 6227020800.0 - sum * s;
    sum = 1.0 / 39916800.0 - sum * s;
    sum = 1.0 / 362880.0 - sum * s;
    sum = 1.0 / 5040.0 - sum * s;
    sum = 1.0 / 120.0 - sum * s;
    sum = 1.0 / 6.0 - sum * s;
    return x - x * (s * sum);
}

/* Words 0..3 of the Philox blocks at positions first .. first+BLOCK-1 of a stream. */
static void philox_block(const zoe__random *stream, uint32_t first, uint32_t word[4][BLOCK])
{
    for (uint32_t i = 0; i < BLOCK; i++) {
        word[0][i] = first + i;
        word[1][i] = stream->counter[1];
        word[2][i] = stream->counter[2];
        word[3][i] = stream->counter[3];
    }
    uint32_t k0 = stream->key[0], k1 = stream->key[1];
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
        for (int i = 0; i < BLOCK; i++) {
            const uint64_t p0 = (uint64_t)0xD2511F53u * word[0][i], p1 = (uint64_t)0xCD9E8D57u * word[2][i];
            word[0][i] = (uint32_t)(p1 >> 32) ^ word[1][i] ^ k0;
            word[1][i] = (uint32_t)p1;
            word[2][i] = (uint32_t)(p0 >> 32) ^ word[3][i] ^ k1;
            word[3][i] = (uint32_t)p0;
        }
}

void zoe__normals(const zoe__random *stream, uint32_t first, size_t count, double sd, float *out)
{
    uint32_t word[4][BLOCK];
    float block[BLOCK];
    for (size_t done = 0; done < count; done += BLOCK) {
        philox_block(stream, first + (uint32_t)done, word);
        for (int i = 0; i < BLOCK; i++) {
            const double u = 1 - uniform(word[0][i], word[1][i]), v = uniform(word[2][i], word[3][i]);
            block[i] = (float)(sd * (sqrt(-2 * log_of(u)) * cos_of_turn(v)));
        }
        memcpy(out + done, block, (count - done < BLOCK ? count - done : BLOCK) * sizeof *out);
    }
}
