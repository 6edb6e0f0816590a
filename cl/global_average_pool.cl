/* SPDX-License-Identifier: Apache-2.0
 *
 * y[n,c] = mean over H x W of x[n,c], rows first; dx (+)= dy / (H * W). */

__kernel void global_average_pool_forward(ZOE_IN(x), ZOE_OUT(y), int planes)
{
    const int plane = (int)get_global_id(0);
    if (plane >= planes) return;
    float8 sum = 0.0f;
    for (int h = 0; h < x_H; h++) {
        float8 row = 0.0f;
        for (int w = 0; w < x_W; w++) row += ZOE_LOAD(x, plane, h, w);
        sum += row;
    }
    ZOE_STORE(y, plane, 0, 0, sum / ((float)x_H * (float)x_W));
}

__kernel void global_average_pool_backward(ZOE_IN(dy), ZOE_OUT(dx), int add, int planes, int rows)
{
    const float share = 1.0f / ((float)dx_H * (float)dx_W);
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        float8 value = ZOE_LOAD(dy, plane, 0, 0) * share;
        if (add) value += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, value);
    }
}
