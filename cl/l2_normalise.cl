/* SPDX-License-Identifier: Apache-2.0
 *
 * Each image by itself: d = max(|x|, eps), y = x / d, dx (+)= (dy - y * <y, dy>) / d (without the second term
 * where |x| < eps).
 * norms: for each image 1 / d, and 1 where the norm counts, else 0. */

/* sums[plane] = <a, b> over a plane of 8 channels, rows first. */
__kernel void l2_dots(ZOE_IN(a), ZOE_IN(b), __global float *sums, int planes)
{
    const int plane = (int)get_global_id(0);
    if (plane >= planes) return;
    float8 sum = 0.0f;
    for (int h = 0; h < a_H; h++) {
        float8 row = 0.0f;
        for (int w = 0; w < a_W; w++) row += ZOE_LOAD(a, plane, h, w) * ZOE_LOAD(b, plane, h, w);
        sum += row;
    }
    sums[plane] = zoe_sum8(sum);
}

__kernel void l2_norms(__global const float *sums, __global float2 *norms, float eps, int images, int C8)
{
    const int n = (int)get_global_id(0);
    if (n >= images) return;
    float sum = 0.0f;
    for (int c8 = 0; c8 < C8; c8++) sum += sums[n * C8 + c8];
    const float norm = sqrt(sum);
    norms[n] = norm < eps ? (float2)(1.0f / eps, 0.0f) : (float2)(1.0f / norm, 1.0f);
}

__kernel void l2_forward(ZOE_IN(x), __global const float2 *norms, ZOE_OUT(y), int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        ZOE_STORE(y, plane, h, w, ZOE_LOAD(x, plane, h, w) * norms[plane / x_C8].x);
    }
}

/* <y, dy> of each image, 0 where the norm does not count: written behind the sums of the planes. */
__kernel void l2_join(__global float *sums, __global const float2 *norms, int images, int C8)
{
    const int n = (int)get_global_id(0);
    if (n >= images) return;
    float sum = 0.0f;
    for (int c8 = 0; c8 < C8; c8++) sum += sums[n * C8 + c8];
    sums[images * C8 + n] = sum * norms[n].y;
}

__kernel void l2_backward(ZOE_IN(y), ZOE_IN(dy), __global const float *dots, __global const float2 *norms, ZOE_OUT(dx),
                          int add, int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        const int n = plane / y_C8;
        float8 value = (ZOE_LOAD(dy, plane, h, w) - ZOE_LOAD(y, plane, h, w) * dots[planes + n]) * norms[n].x;
        if (add) value += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, value);
    }
}
