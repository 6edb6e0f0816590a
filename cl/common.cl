/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands before every program: the activation layout and the counter-based random numbers.
 *
 * Layout nChw8c with a zero halo: element (n, c, h, w) of a tensor with C8 = ceil(C / 8) channel blocks, interior H x W and
 * halo P lies at (((n*C8 + c/8)*(H + 2P) + h + P)*(W + 2P) + w + P)*8 + c%8. Channels past C are zero.
 *
 * Defined by the host: ZOE_FAMILY_VECTOR or ZOE_FAMILY_SIMT, ZOE_LANES (8 or 16). */

#define ZOE_PIXEL(n, c8, h, w, C8, H, W, P) \
    ((((size_t)((n) * (C8) + (c8)) * ((H) + 2 * (P)) + (h) + (P)) * ((W) + 2 * (P)) + (w) + (P)) * 8)

/* Philox 4x32-10, the same numbers as zoe__philox() of host/core/philox.c. */
static inline uint4 zoe_philox(uint2 key, uint4 counter)
{
    for (int round = 0; round < 10; round++) {
        const uint high0 = mul_hi(0xD2511F53u, counter.x), low0 = 0xD2511F53u * counter.x;
        const uint high1 = mul_hi(0xCD9E8D57u, counter.z), low1 = 0xCD9E8D57u * counter.z;
        counter = (uint4)(high1 ^ counter.y ^ key.x, low1, high0 ^ counter.w ^ key.y, low0);
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
    return counter;
}
