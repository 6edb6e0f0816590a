/* SPDX-License-Identifier: Apache-2.0
 *
 * y[n,c] = mean over H x W of x[n,c]; dx (+)= dy / (H * W). A work-group makes the mean of a plane: rows first in the
 * vector family, in simt each item every 64th pixel. */

__kernel void global_average_pool_forward(ZOE_IN(x), ZOE_OUT(y), int planes)
{
    __local float8 scratch[ZOE_GROUP];
    const int group = (int)get_group_id(0);
    float8 sum = 0.0f;
    if (group >= planes) return;
    ZOE_FOR_PLANES(group, 1, x_H, x_W) {
        float8 row = 0.0f;
        ZOE_FOR_COLUMNS(x_W) row += ZOE_LOAD(x, plane, h, w);
        sum += row;
    }
    sum = zoe_group_sum(sum, scratch);
    if (get_local_id(0) == 0) ZOE_STORE(y, group, 0, 0, sum / ((float)x_H * (float)x_W));
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
