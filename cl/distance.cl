/* SPDX-License-Identifier: Apache-2.0
 *
 * y[n] = sqrt(sum of (a[n] - b[n])^2 + eps); dx (+)= dy (x - other) / y for either input. A work-group makes
 * the distance of an image. */

__kernel void distance_forward(ZOE_IN(a), ZOE_IN(b), ZOE_OUT(y), float eps, int images)
{
    __local float8 scratch[ZOE_GROUP];
    const int n = (int)get_group_id(0);
    float8 sum = 0.0f;
    if (n >= images) return;
    ZOE_FOR_PLANES(n * a_C8, a_C8, a_H, a_W) {
        ZOE_FOR_COLUMNS(a_W) {
            const float8 d = ZOE_LOAD(a, plane, h, w) - ZOE_LOAD(b, plane, h, w);
            sum += d * d;
        }
    }
    sum = zoe_group_sum(sum, scratch);
    if (get_local_id(0) > 0) return;
    ZOE_STORE(y, n, 0, 0, (float8)(sqrt(zoe_sum8(sum) + eps), 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f));
}

__kernel void distance_backward(ZOE_IN(x), ZOE_IN(other), ZOE_IN(y), ZOE_IN(dy), ZOE_OUT(dx), int add, int planes,
                                int rows)
{
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        const int n = plane / dx_C8;
        float8 value = (ZOE_LOAD(x, plane, h, w) - ZOE_LOAD(other, plane, h, w)) *
                       (ZOE_LOAD(dy, n, 0, 0).s0 / ZOE_LOAD(y, n, 0, 0).s0);
        if (add) value += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, value);
    }
}
