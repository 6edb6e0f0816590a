/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the blocked layout and the matrices of a convolution by GEMM, for some images from number first_image on. A
 * row is an output pixel, pixel = (n * P + p) * Q + q with n counted from first_image.
 *   im2col:    column[pixel][c,r,s] = x[n, c, p*stride_h - pad_h + r, q*stride_w - pad_w + s], zero outside
 *   from_rows: y[n,k,p,q] = max(0, rows[pixel][k] + bias[k])   (max with relu)
 *   to_rows:   rows[pixel][k] = dy[n,k,p,q]
 *   col2im:    dx[n,c,h,w] (+)= sum over the r,s for which a pixel saw h,w of column[pixel][c,r,s] */

#define SHAPE int C, int K, int R, int S, int P, int Q, int stride_h, int stride_w, int pad_h, int pad_w

#ifdef PLANAR
#define X_INDEX(n, c, h, w) ((((size_t)(n) * x_C8 + (c)) * (x_H + 2 * x_P) + (h) + x_P) * (x_W + 2 * x_P) + (w) + x_P)
#else
#define X_INDEX(n, c, h, w) (ZOE_PIXEL(n, (c) / 8, h, w, x_C8, x_H, x_W, x_P) + (c) % 8)
#endif

/* A work-item writes row r of the taps of one pixel, for all channels; in simt one number, beside its neighbour's. */
#ifdef ZOE_FAMILY_VECTOR
__kernel void im2col(ZOE_IN_NUMBERS(x), __global float *column, int first, int first_image, int images, int taps, SHAPE)
{
    const int item = (int)get_global_id(0), r = item % R, pixel = item / R;
    if (pixel >= images * P * Q) return;
    const int q = pixel % Q, p = pixel / Q % P, n = first_image + pixel / (P * Q);
    const int h = p * stride_h - pad_h + r, w0 = q * stride_w - pad_w;
    __global float *row = column + first + (size_t)pixel * taps + r * S;
    for (int c = 0; c < C; c++)
        for (int s = 0; s < S; s++) {
            const int w = w0 + s, inside = h >= 0 && h < x_H && w >= 0 && w < x_W;
            row[c * R * S + s] = inside ? ZOE_GET_LANE(x, X_INDEX(n, c, h, w)) : 0.0f;
        }
}
#else
__kernel void im2col(ZOE_IN_NUMBERS(x), __global float *column, int first, int first_image, int images, int taps, SHAPE)
{
    const size_t i = get_global_id(0);
    const int pixel = (int)(i / taps), tap = (int)(i % taps);
    if (pixel >= images * P * Q) return;
    const int q = pixel % Q, p = pixel / Q % P, n = first_image + pixel / (P * Q), c = tap / (R * S);
    const int h = p * stride_h - pad_h + tap / S % R, w = q * stride_w - pad_w + tap % S;
    const int inside = c < C && h >= 0 && h < x_H && w >= 0 && w < x_W;
    column[first + i] = inside ? ZOE_GET_LANE(x, X_INDEX(n, c, h, w)) : 0.0f;
}
#endif

__kernel void from_rows(__global const float *matrix, int first, int K, __global const float *bias, int relu,
                        ZOE_OUT(y), int first_image, int planes, int rows)
{
    const int first_plane = first_image * y_C8;
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows)
    {
        const int n = plane / y_C8, k0 = (plane - n * y_C8) * 8;
        __global const float *row = matrix + first + ((size_t)(n * y_H + h) * y_W + w) * K;
        float out[8];
        for (int lane = 0; lane < 8; lane++) {
            const int k = k0 + lane;
            float value = k < K ? row[k] : 0.0f;
            if (bias && k < K) value += bias[k];
            out[lane] = relu && value < 0.0f ? 0.0f : value;
        }
        ZOE_STORE(y, first_plane + plane, h, w, vload8(0, out));
    }
}

__kernel void to_rows(ZOE_IN(dy), __global float *matrix, int first, int K, int first_image, int planes, int rows)
{
    const int first_plane = first_image * dy_C8;
    ZOE_FOR_PIXELS(planes, dy_H, dy_W, rows)
    {
        const int n = plane / dy_C8, k0 = (plane - n * dy_C8) * 8;
        __global float *row = matrix + first + ((size_t)(n * dy_H + h) * dy_W + w) * K;
        float in[8];
        vstore8(ZOE_LOAD(dy, first_plane + plane, h, w), 0, in);
        for (int lane = 0; lane < 8 && k0 + lane < K; lane++) row[k0 + lane] = in[lane];
    }
}

__kernel void col2im(__global const float *column, int first, int taps, ZOE_OUT(dx), int add, int first_image, SHAPE,
                     int planes, int rows)
{
    const int first_plane = first_image * dx_C8;
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows)
    {
        const int n = plane / dx_C8, c0 = (plane - n * dx_C8) * 8;
        float out[8] = {0.0f};
        for (int r = 0; r < R; r++) {
            const int p = (h + pad_h - r) / stride_h;
            if (h + pad_h < r || p >= P || p * stride_h != h + pad_h - r) continue;
            for (int s = 0; s < S; s++) {
                const int q = (w + pad_w - s) / stride_w;
                if (w + pad_w < s || q >= Q || q * stride_w != w + pad_w - s) continue;
                __global const float *row = column + first + ((size_t)(n * P + p) * Q + q) * taps + r * S + s;
                for (int lane = 0; lane < 8 && c0 + lane < C; lane++) out[lane] += row[(size_t)(c0 + lane) * R * S];
            }
        }
        const float8 before = add ? ZOE_LOAD(dx, first_plane + plane, h, w) : (float8)(0.0f);
        ZOE_STORE(dx, first_plane + plane, h, w, before + vload8(0, out));
    }
}
