/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution as it is written down, for any device and any shape: one sum for each output. Weights are plain KCRS; the
 * halo of x is at least the padding. Compiled once for all shapes.
 *   forward:  y[n,k,p,q]  = bias[k] + sum over c,r,s of x[n, g*Cg + c, h, w] * w[k,c,r,s],
 *             h = p*stride_h - pad_h + r, w = q*stride_w - pad_w + s
 *   data:     dx[n,c,h,w] = sum over k of c's group and the p,q,r,s that meet at h,w of dy[n,k,p,q] * w[k,c,r,s]
 *   weights:  dw[k,c,r,s] = sum over n,p,q of dy[n,k,p,q] * x[n, g*Cg + c, h, w]
 * Cg = C / groups, Kg = K / groups, g = k / Kg. */

#define SHAPE int C, int K, int R, int S, int stride_h, int stride_w, int pad_h, int pad_w, int groups

/* Number of channel c at (n, h, w) of a view given as numbers. */
#define INDEX(v, n, c, h, w) (ZOE_PIXEL(n, (c) / 8, h, w, v##_C8, v##_H, v##_W, v##_P) + (c) % 8)

__kernel void conv2d_plain_forward(ZOE_IN_NUMBERS(x), __global const float *weight, __global const float *bias, int has_bias,
                                   int relu, ZOE_OUT(y), SHAPE, int planes, int rows)
{
    const int Cg = C / groups, Kg = K / groups;
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows)
    {
        const int n = plane / y_C8, k0 = (plane - n * y_C8) * 8;
        float out[8];
        for (int lane = 0; lane < 8; lane++) {
            const int k = k0 + lane;
            float sum = 0.0f;
            if (k < K) {
                const int c0 = k / Kg * Cg;
                __global const float *tap = weight + (size_t)k * Cg * R * S;
                if (has_bias) sum = bias[k];
                for (int c = c0; c < c0 + Cg; c++)
                    for (int r = 0; r < R; r++)
                        for (int s = 0; s < S; s++)
                            sum = fma(ZOE_GET_LANE(x, INDEX(x, n, c, h * stride_h - pad_h + r, w * stride_w - pad_w + s)), *tap++,
                                      sum);
            }
            out[lane] = relu && sum < 0.0f ? 0.0f : sum;
        }
        ZOE_STORE(y, plane, h, w, vload8(0, out));
    }
}

__kernel void conv2d_plain_data(ZOE_IN_NUMBERS(dy), __global const float *weight, ZOE_OUT(dx), int add, SHAPE, int planes,
                                int rows)
{
    const int Cg = C / groups, Kg = K / groups;
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows)
    {
        const int n = plane / dx_C8, c0 = (plane - n * dx_C8) * 8;
        float out[8];
        for (int lane = 0; lane < 8; lane++) {
            const int c = c0 + lane, group = c / Cg;
            float sum = 0.0f;
            for (int k = group * Kg; c < C && k < (group + 1) * Kg; k++)
                for (int r = 0; r < R; r++) {
                    const int p = (h + pad_h - r) / stride_h;
                    if (h + pad_h < r || p >= dy_H || p * stride_h != h + pad_h - r) continue;
                    for (int s = 0; s < S; s++) {
                        const int q = (w + pad_w - s) / stride_w;
                        if (w + pad_w < s || q >= dy_W || q * stride_w != w + pad_w - s) continue;
                        const size_t tap = (((size_t)k * Cg + c - group * Cg) * R + r) * S + s;
                        sum = fma(ZOE_GET_LANE(dy, INDEX(dy, n, k, p, q)), weight[tap], sum);
                    }
                }
            out[lane] = sum;
        }
        const float8 before = add ? ZOE_LOAD(dx, plane, h, w) : (float8)(0.0f);
        ZOE_STORE(dx, plane, h, w, before + vload8(0, out));
    }
}

/* A work-group makes one weight. */
__kernel void conv2d_plain_weights(ZOE_IN_NUMBERS(x), ZOE_IN_NUMBERS(dy), __global float *dweight, int add, int images, SHAPE)
{
    __local float scratch[ZOE_GROUP];
    const int Cg = C / groups, Kg = K / groups;
    const int i = (int)get_group_id(0);
    if (i >= K * Cg * R * S) return;
    const int s = i % S, r = i / S % R, k = i / (Cg * R * S), c = k / Kg * Cg + i / (S * R) % Cg;
    float sum = 0.0f;
    ZOE_FOR_PLANES(0, images, dy_H, dy_W) {
        ZOE_FOR_COLUMNS(dy_W) {
            const size_t at = INDEX(x, plane, c, h * stride_h - pad_h + r, w * stride_w - pad_w + s);
            sum = fma(ZOE_GET_LANE(dy, INDEX(dy, plane, k, h, w)), ZOE_GET_LANE(x, at), sum);
        }
    }
    sum = zoe_group_sum1(sum, scratch);
    if (get_local_id(0) == 0) dweight[i] = add ? dweight[i] + sum : sum;
}
