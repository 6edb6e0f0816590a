/* SPDX-License-Identifier: Apache-2.0
 *
 * Each image by itself: d = max(|x|, eps), y = x / d, dx (+)= (dy - y * <y, dy>) / d (without the second term
 * where |x| < eps).
 * norms: for each image 1 / d, and 1 where the norm counts, else 0. A work-group makes what an image needs. */

/* <a, b> over image n, 8 channels by themselves first. */
static inline float image_dot(ZOE_IN(a), ZOE_IN(b), int n, __local float8 *scratch)
{
    float8 sum = 0.0f;
    ZOE_FOR_PLANES(n * a_C8, a_C8, a_H, a_W) {
        float8 row = 0.0f;
        ZOE_FOR_COLUMNS(a_W) row += ZOE_LOAD(a, plane, h, w) * ZOE_LOAD(b, plane, h, w);
        sum += row;
    }
    return zoe_sum8(zoe_group_sum(sum, scratch));
}

__kernel void l2_norms(ZOE_IN(x), __global float2 *norms, float eps)
{
    __local float8 scratch[ZOE_GROUP];
    const int n = (int)get_group_id(0);
    const float norm = sqrt(image_dot(x, x_C8, x_H, x_W, x_P, x, x_C8, x_H, x_W, x_P, n, scratch));
    if (get_local_id(0) == 0)
        norms[n] = norm < eps ? (float2)(1.0f / eps, 0.0f) : (float2)(1.0f / norm, 1.0f);
}

__kernel void l2_forward(ZOE_IN(x), __global const float2 *norms, ZOE_OUT(y), int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        ZOE_STORE(y, plane, h, w, ZOE_LOAD(x, plane, h, w) * norms[plane / x_C8].x);
    }
}

/* dots[n] = <y, dy> of each image, 0 where the norm does not count. */
__kernel void l2_dots(ZOE_IN(y), ZOE_IN(dy), __global const float2 *norms, __global float *dots)
{
    __local float8 scratch[ZOE_GROUP];
    const int n = (int)get_group_id(0);
    const float sum = image_dot(y, y_C8, y_H, y_W, y_P, dy, dy_C8, dy_H, dy_W, dy_P, n, scratch);
    if (get_local_id(0) == 0) dots[n] = sum * norms[n].y;
}

__kernel void l2_backward(ZOE_IN(y), ZOE_IN(dy), __global const float *dots, __global const float2 *norms, ZOE_OUT(dx),
                          int add, int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        const int n = plane / y_C8;
        float8 value = (ZOE_LOAD(dy, plane, h, w) - ZOE_LOAD(y, plane, h, w) * dots[n]) * norms[n].x;
        if (add) value += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, value);
    }
}
