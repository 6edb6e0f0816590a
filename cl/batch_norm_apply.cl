/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch normalisation's passes over all pixels, with what stands behind it (flags); figures and sums are made by
 * batch_norm.cl. t = (x - mean) / sqrt(var + eps).
 *   apply:     y = tail((x - mean) * scale [+ bias] [+ z]),  tail = ReLU or nothing
 *   dots:      g = dy where ReLU let y through;  each chunk: sum g, sum g * t;  the gradient of z (+)= g
 *   backward:  dx (+)= scale * (g - sum g / M - t * sum g t / M)
 * With HALO, y (apply) or the gradient of x (backward) also get the zeros around them.
 * What ReLU let through is computed again from x; with z it is read off y. Written so that a NaN falls through.
 * dy and the gradient of z, dy and dx may be the same memory. */

enum { BIAS = 1, ADD = 2, RELU = 4, WRITE_GRADIENT = 8, ADD_GRADIENT = 16, HALO = 32 };

static inline float8 relu(float8 value)
{
    return select(value, (float8)(0.0f), value <= 0.0f);
}

__kernel void batch_norm_apply(ZOE_IN(x), ZOE_IN(z), ZOE_OUT(y), __global const float8 *figures,
                               __global const float8 *bias, int flags, int planes, int rows)
{
    ZOE_FOR_ROWS(planes, y_H, y_W, rows) {
        const int c8 = plane % y_C8;
        const float8 mean = figures[c8], scale = figures[2 * y_C8 + c8];
        const float8 shift = flags & BIAS ? bias[c8] : (float8)(0.0f);
        __global const ZOE_STORED *in = ZOE_PLACE(x, plane, h, 0), *other = ZOE_PLACE(z, plane, h, 0);
        __global ZOE_STORED *out = ZOE_PLACE(y, plane, h, 0);
        if (flags & ADD) {
            ZOE_FOR_COLUMNS(y_W) {
                const float8 value = (ZOE_GET(in, w) - mean) * scale + shift + ZOE_GET(other, w);
                ZOE_PUT(out, w, flags & RELU ? relu(value) : value);
            }
        } else {
            ZOE_FOR_COLUMNS(y_W) {
                const float8 value = (ZOE_GET(in, w) - mean) * scale + shift;
                ZOE_PUT(out, w, flags & RELU ? relu(value) : value);
            }
        }
        if (ZOE_FIRST_COLUMN == 0 && flags & HALO) zoe_zero_halo(out, h, y_H, y_W, y_P);
    }
}

/* dy, or 0 where ReLU let nothing through. */
static inline float8 passed(float8 dy, float8 distance, float8 scale, float8 shift,
                            __global const ZOE_STORED *y, int flags)
{
    if (!(flags & RELU)) return dy;
    return select(dy, (float8)(0.0f), (flags & ADD ? ZOE_GET(y, 0) : distance * scale + shift) <= 0.0f);
}

/* work[(c8 * chunks + chunk) * 2]: sum g, sum g * t. y is read with ADD, dz written with WRITE_GRADIENT. */
__kernel void batch_norm_dots(ZOE_IN(x), ZOE_IN(dy), ZOE_IN(y), ZOE_OUT(dz), __global const float8 *figures,
                              __global const float8 *bias, __global float8 *work, int flags, int all_rows,
                              int chunk_rows, int chunks)
{
    __local float8 scratch[ZOE_GROUP];
    const int group = (int)get_group_id(0), c8 = group / chunks, chunk = group - c8 * chunks;
    const int first = chunk * chunk_rows, last = min(first + chunk_rows, all_rows);
    const float8 mean = figures[c8], scale = figures[2 * x_C8 + c8];
    const float8 shift = flags & BIAS ? bias[c8] : (float8)(0.0f);
    float8 sum = 0.0f, dots = 0.0f;
    ZOE_FOR_CHUNK(first, last, x_C8, c8, x_H, x_W) {
        __global const ZOE_STORED *in = ZOE_PLACE(x, plane, h, 0), *gradient = ZOE_PLACE(dy, plane, h, 0);
        __global const ZOE_STORED *out = ZOE_PLACE(y, plane, h, 0);
        __global ZOE_STORED *other = ZOE_PLACE(dz, plane, h, 0);
        ZOE_FOR_COLUMNS(x_W) {
            const float8 distance = ZOE_GET(in, w) - mean;
            const float8 g = passed(ZOE_GET(gradient, w), distance, scale, shift, ZOE_PAST(out, w), flags);
            sum += g;
            dots += g * distance;
            if (flags & WRITE_GRADIENT) ZOE_PUT(other, w, flags & ADD_GRADIENT ? ZOE_GET(other, w) + g : g);
        }
    }
    sum = zoe_group_sum(sum, scratch);
    dots = zoe_group_sum(dots, scratch);
    if (get_local_id(0) == 0) {
        work[(c8 * chunks + chunk) * 2] = sum;
        work[(c8 * chunks + chunk) * 2 + 1] = dots * figures[x_C8 + c8];
    }
}

__kernel void batch_norm_backward(ZOE_IN(x), ZOE_IN(dy), ZOE_IN(y), ZOE_OUT(dx), __global const float8 *figures,
                                  __global const float8 *bias, __global const float8 *work, int chunks, int flags,
                                  int planes, int rows)
{
    __global const float8 *means = work + (size_t)x_C8 * chunks * 2;
    ZOE_FOR_ROWS(planes, dx_H, dx_W, rows) {
        const int c8 = plane % x_C8;
        const float8 mean = figures[c8], scale = figures[2 * x_C8 + c8];
        const float8 shift = flags & BIAS ? bias[c8] : (float8)(0.0f);
        const float8 mean_g = means[c8 * 2], slope = means[c8 * 2 + 1] * figures[x_C8 + c8];
        __global const ZOE_STORED *in = ZOE_PLACE(x, plane, h, 0), *gradient = ZOE_PLACE(dy, plane, h, 0);
        __global const ZOE_STORED *out = ZOE_PLACE(y, plane, h, 0);
        __global ZOE_STORED *to = ZOE_PLACE(dx, plane, h, 0);
        ZOE_FOR_COLUMNS(dx_W) {
            const float8 distance = ZOE_GET(in, w) - mean;
            const float8 g = passed(ZOE_GET(gradient, w), distance, scale, shift, ZOE_PAST(out, w), flags);
            const float8 value = (g - mean_g - distance * slope) * scale;
            ZOE_PUT(to, w, flags & ADD_GRADIENT ? ZOE_GET(to, w) + value : value);
        }
        if (ZOE_FIRST_COLUMN == 0 && flags & HALO) zoe_zero_halo(to, h, dx_H, dx_W, dx_P);
    }
}
