/* SPDX-License-Identifier: Apache-2.0
 *
 * y[n,c] = max over H x W of x[n,c]; with KEEP, won = number h * W + w of the first pixel that has it. A NaN is larger
 * than all. backward: dx (+)= dy at that pixel, 0 elsewhere. */

__kernel void global_max_pool_forward(ZOE_IN(x), ZOE_OUT(y), __global int8 *won, int planes)
{
    const int plane = (int)get_global_id(0);
    if (plane >= planes) return;
    float8 best = ZOE_LOAD(x, plane, 0, 0);
    int8 place = 0;
    for (int h = 0; h < x_H; h++)
        for (int w = 0; w < x_W; w++) {
            const float8 value = ZOE_LOAD(x, plane, h, w);
            const int8 better = (value > best) | (isnan(value) & (best == best));
            best = select(best, value, better);
            place = select(place, (int8)(h * x_W + w), better);
        }
    ZOE_STORE(y, plane, 0, 0, best);
#if KEEP
    won[plane] = place;
#endif
}

__kernel void global_max_pool_backward(__global const int8 *won, ZOE_IN(dy), ZOE_OUT(dx), int add, int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        float8 value = select((float8)(0.0f), ZOE_LOAD(dy, plane, 0, 0), won[plane] == h * dx_W + w);
        if (add) value += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, value);
    }
}
