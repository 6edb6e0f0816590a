/* SPDX-License-Identifier: Apache-2.0
 *
 * What tuner and self-test give a node as its gradient: dx[n,c,h,w] (+)= scale * number(stream, plain index), the
 * numbers of zoe__probe_number() in host/selftest/probe.c. */

static inline float probe_number(uint stream, uint i)
{
    uint a = i * 0x9E3779B9u + stream * 0x85EBCA6Bu + 1;
    a ^= a >> 16;
    a *= 0x7FEB352Du;
    a ^= a >> 15;
    a *= 0x846CA68Bu;
    a ^= a >> 16;
    return (float)(a >> 8) / 8388608.0f - 1.0f;
}

__kernel void probe_gradient(ZOE_OUT(dx), uint stream, int C, int add, float share, __global const uint *scalars, int planes,
                             int rows)
{
    const float scale = share * ZOE_LOSS_SCALE(scalars);
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        const int n = plane / dx_C8, c8 = plane - n * dx_C8;
        const uint first = (((uint)n * (uint)C + (uint)(c8 * 8)) * (uint)dx_H + (uint)h) * (uint)dx_W + (uint)w;
        const uint step = (uint)dx_H * (uint)dx_W;
        const float8 number =
            (float8)(probe_number(stream, first), probe_number(stream, first + step),
                     probe_number(stream, first + 2 * step), probe_number(stream, first + 3 * step),
                     probe_number(stream, first + 4 * step), probe_number(stream, first + 5 * step),
                     probe_number(stream, first + 6 * step), probe_number(stream, first + 7 * step)) *
            scale;
        float8 value = select((float8)(0.0f), number, zoe_lanes(c8, C));
        if (add) value += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, value);
    }
}
