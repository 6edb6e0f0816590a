/* SPDX-License-Identifier: Apache-2.0
 *
 * to (+)= from * scale where element e's draw is at least threshold, else 0 (forward: x to y; backward: dy to dx).
 * e = ((n*C + c)*H + h)*W + w; its draw is word e % 4 of Philox(seed; e / 4, micro, step, node): host/ops/dropout.c. */

static inline uint draw(__global const uint *scalars, uint node, ulong element)
{
    const uint4 words = zoe_philox((uint2)(scalars[1], scalars[2]),
                                   (uint4)((uint)(element >> 2), scalars[4], scalars[3], node));
    const uint low = element & 1 ? words.y : words.x, high = element & 1 ? words.w : words.z;
    return element & 2 ? high : low;
}

/* The draws of channels c .. c+7 of a pixel; step = H * W elements from one channel to the next. */
static inline uint8 draws(__global const uint *scalars, uint node, ulong first, ulong step)
{
    if (step == 1 && first % 4 == 0) {
        const uint2 key = (uint2)(scalars[1], scalars[2]);
        const uint block = (uint)(first >> 2);
        return (uint8)(zoe_philox(key, (uint4)(block, scalars[4], scalars[3], node)),
                       zoe_philox(key, (uint4)(block + 1, scalars[4], scalars[3], node)));
    }
    return (uint8)(draw(scalars, node, first), draw(scalars, node, first + step), draw(scalars, node, first + 2 * step),
                   draw(scalars, node, first + 3 * step), draw(scalars, node, first + 4 * step),
                   draw(scalars, node, first + 5 * step), draw(scalars, node, first + 6 * step),
                   draw(scalars, node, first + 7 * step));
}

__kernel void dropout_apply(ZOE_IN(from), ZOE_OUT(to), __global const uint *scalars, int C, uint threshold, float scale,
                            uint node, int add, int planes, int rows)
{
    const ulong step = (ulong)to_H * to_W;
    ZOE_FOR_PIXELS(planes, to_H, to_W, rows)
    {
        const int n = plane / to_C8, c8 = plane - n * to_C8;
        const ulong first = ((ulong)n * C + (ulong)c8 * 8) * step + (ulong)h * to_W + w;
        const int8 kept = draws(scalars, node, first, step) >= threshold; /* padded channels: 0 either way */
        float8 value = select((float8)(0.0f), ZOE_AT(from, plane, h, w) * scale, kept);
        if (add) value += ZOE_AT(to, plane, h, w);
        ZOE_AT(to, plane, h, w) = value;
    }
}
