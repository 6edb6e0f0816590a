/* SPDX-License-Identifier: Apache-2.0
 *
 * y[n] = sqrt(sum of (a[n] - b[n])^2 + eps); dx (+)= dy (x - other) / y for either input. */

__kernel void distance_forward(ZOE_IN(a), ZOE_IN(b), ZOE_OUT(y), float eps, int images)
{
    const int n = (int)get_global_id(0);
    if (n >= images) return;
    float8 sum = 0.0f;
    for (int plane = n * a_C8; plane < (n + 1) * a_C8; plane++)
        for (int h = 0; h < a_H; h++)
            for (int w = 0; w < a_W; w++) {
                const float8 d = ZOE_LOAD(a, plane, h, w) - ZOE_LOAD(b, plane, h, w);
                sum += d * d;
            }
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
