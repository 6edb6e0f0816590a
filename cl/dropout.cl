/* SPDX-License-Identifier: Apache-2.0
 *
 * to (+)= from * scale where element e's draw is at least threshold, else 0 (forward: x to y; backward: dy to dx).
 * e = ((n*C + c)*H + h)*W + w; its draw is word e % 4 of Philox(seed; e / 4, micro, step, node):
 * host/ops/dropout.c. */

/* The draws of channels c .. c+7 of a pixel, each from its own Philox block: eight blocks at once, one a lane. first is
 * the number of the first element, step = H * W elements from one channel to the next. */
static inline uint8 draws(__global const uint *scalars, uint node, ulong first, ulong step)
{
    const ulong8 element = first + step * (ulong8)(0, 1, 2, 3, 4, 5, 6, 7);
    const uint8 place = convert_uint8(element & 3ul);
    uint8 x = convert_uint8(element >> 2), y = scalars[4], z = scalars[3], w = node;
    uint key0 = scalars[1], key1 = scalars[2];
    for (int round = 0; round < 10; round++) {
        const uint8 high0 = mul_hi((uint8)(0xD2511F53u), x), low0 = 0xD2511F53u * x;
        const uint8 high1 = mul_hi((uint8)(0xCD9E8D57u), z), low1 = 0xCD9E8D57u * z;
        x = high1 ^ y ^ key0;
        y = low1;
        z = high0 ^ w ^ key1;
        w = low0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    const uint8 low = select(x, y, place == 1u), high = select(z, w, place == 3u);
    return select(low, high, place >= 2u);
}

__kernel void dropout_apply(ZOE_IN(from), ZOE_OUT(to), __global const uint *scalars, int C, uint threshold, float scale,
                            uint node, int add, int planes, int rows)
{
    const ulong step = (ulong)to_H * to_W;
    ZOE_FOR_PIXELS(planes, to_H, to_W, rows) {
        const int n = plane / to_C8, c8 = plane - n * to_C8;
        const ulong first = ((ulong)n * C + (ulong)c8 * 8) * step + (ulong)h * to_W + w;
        const int8 kept = draws(scalars, node, first, step) >= threshold; /* padded channels: 0 either way */
        float8 value = select((float8)(0.0f), ZOE_LOAD(from, plane, h, w) * scale, kept);
        if (add) value += ZOE_LOAD(to, plane, h, w);
        ZOE_STORE(to, plane, h, w, value);
    }
}
