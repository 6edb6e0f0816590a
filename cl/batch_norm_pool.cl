/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch normalisation, ReLU and the maximum over KERNEL x KERNEL windows at stride STRIDE in one pass; figures and sums
 * are made by batch_norm.cl. t = (x - mean) / sqrt(var + eps).
 *   forward:   y = max over the window of relu((x - mean) * scale [+ bias]); with KEEP, won = number r * KERNEL + s of
 *              the first tap that has it, NOBODY when it is 0
 *   dots:      g of a pixel = sum of dy over the windows that it won;  each chunk of windows: sum g, sum g * t
 *   backward:  dx (+)= scale * (g - sum g / M - t * sum g t / M)
 * With halo, y or dx also get the zeros around them. Windows are clipped to the interior: halo and padding take no part. A NaN is larger than all. */

/* GPUs: a loop takes half of the registers, so that twice as many items hide the latency of memory. */
#ifdef ZOE_FAMILY_VECTOR
#    define UNROLL _Pragma("unroll")
#else
#    define UNROLL _Pragma("unroll 1")
#endif
enum { NOBODY = 255 };

typedef struct best_tap {
    float8 value;
    int8 tap;
} best_tap;

/* !(a <= b) is also true for a NaN; once the best is one, it stays. */
static inline best_tap better(best_tap best, float8 value, int tap)
{
    const int8 wins = ~(value <= best.value) & (best.value == best.value);
    best.value = select(best.value, value, wins);
    best.tap = select(best.tap, (int8)(tap), wins);
    return best;
}

__kernel void batch_norm_pool_forward(ZOE_IN(x), ZOE_OUT(y), __global uchar8 *won, __global const float8 *figures,
                                      __global const float8 *bias, int with_bias, int halo, int pad, int planes,
                                      int rows)
{
    const int pitch = x_W + 2 * x_P;
    ZOE_FOR_ROWS(planes, y_H, y_W, rows) {
        const int c8 = plane % y_C8;
        const float8 mean = figures[c8], scale = figures[2 * y_C8 + c8];
        const float8 shift = with_bias ? bias[c8] : (float8)(0.0f);
        const int top = h * STRIDE - pad, r0 = max(0, -top), r1 = min(KERNEL, x_H - top);
        __global const ZOE_STORED *in = ZOE_PLACE(x, plane, top, -pad);
        __global ZOE_STORED *out = ZOE_PLACE(y, plane, h, 0);
        ZOE_FOR_COLUMNS(y_W) {
            const int left = w * STRIDE - pad, s0 = max(0, -left), s1 = min(KERNEL, x_W - left);
            __global const ZOE_STORED *window = ZOE_PAST(in, w * STRIDE);
            best_tap best = {-INFINITY, r0 * KERNEL + s0};
            if (KERNEL <= 4 && r1 - r0 == KERNEL && s1 - s0 == KERNEL) {
                UNROLL for (int i = 0; i < (KERNEL <= 4 ? KERNEL * KERNEL : 1); i++) best =
                    better(best, (ZOE_GET(window, i / KERNEL * pitch + i % KERNEL) - mean) * scale + shift, i);
            } else {
                for (int r = r0; r < r1; r++)
                    for (int s = s0; s < s1; s++)
                        best = better(best, (ZOE_GET(window, r * pitch + s) - mean) * scale + shift, r * KERNEL + s);
            }
            ZOE_PUT(out, w, select(best.value, (float8)(0.0f), best.value <= 0.0f));
#if KEEP
            won[((size_t)plane * y_H + h) * y_W + w] =
                convert_uchar8(select(best.tap, (int8)(NOBODY), best.value <= 0.0f));
#endif
        }
        if (ZOE_FIRST_COLUMN == 0 && halo) zoe_zero_halo(out, h, y_H, y_W, y_P);
    }
}

#if KEEP
/* The sum of dy over the windows that pixel (h, w) won. won and dy start at their first row for this h; rows of windows
 * p0 .. p1 hold it. */
typedef struct windows {
    __global const uchar8 *won;
    __global const ZOE_STORED *dy;
    int won_pitch, dy_pitch, columns;
    int count, tap; /* rows of windows; tap of the pixel's row in the first, times KERNEL */
} windows;

static inline windows windows_of_row(__global const uchar8 *won, __global const ZOE_STORED *dy, int dy_H, int dy_W,
                                     int dy_P, int plane, int row)
{
    windows v = {.won_pitch = dy_W, .dy_pitch = dy_W + 2 * dy_P, .columns = dy_W};
    const int p0 = row < KERNEL ? 0 : (row - KERNEL) / STRIDE + 1, p1 = min(dy_H - 1, row / STRIDE);
    v.count = p1 - p0 + 1;
    v.tap = (row - p0 * STRIDE) * KERNEL;
    v.won = won + ((size_t)plane * dy_H + p0) * dy_W;
    v.dy = ZOE_PAST(dy, ((size_t)plane * (dy_H + 2 * dy_P) + p0 + dy_P) * v.dy_pitch + dy_P);
    return v;
}

static inline float8 gradient_at(windows v, int column)
{
    const int q0 = column < KERNEL ? 0 : (column - KERNEL) / STRIDE + 1, q1 = min(v.columns - 1, column / STRIDE);
    float8 sum = 0.0f;
    for (int i = 0; i < v.count; i++)
        for (int q = q0; q <= q1; q++) {
            const int8 mine =
                convert_int8(v.won[i * v.won_pitch + q]) == v.tap - i * STRIDE * KERNEL + column - q * STRIDE;
            sum += select((float8)(0.0f), ZOE_GET(v.dy, i * v.dy_pitch + q), mine);
        }
    return sum;
}

/* Windows that stand side by side: column q of them holds the pixels q * KERNEL + s. In the vector family it is worth
 * walking window by window; each tap is looked at once. */
#if defined(ZOE_FAMILY_VECTOR) && KERNEL == STRIDE
#    define SIDE_BY_SIDE 1
#else
#    define SIDE_BY_SIDE 0
#endif

static inline float8 gradient_of_tap(windows v, int q, int s)
{
    return select((float8)(0.0f), ZOE_GET(v.dy, q), convert_int8(v.won[q]) == v.tap + s);
}

/* x where a window was won, lane by lane; rows r0 .. r1 and columns s0 .. s1 of it are in the picture. */
static inline float8 winner(__global const ZOE_STORED *window, int pitch, int r0, int r1, int s0, int s1, int8 tap)
{
    float8 x = 0.0f;
    if (KERNEL <= 4 && r1 - r0 == KERNEL && s1 - s0 == KERNEL) {
        UNROLL for (int i = 0; i < (KERNEL <= 4 ? KERNEL * KERNEL : 1); i++) x =
            select(x, ZOE_GET(window, i / KERNEL * pitch + i % KERNEL), tap == i);
    } else {
        for (int r = r0; r < r1; r++)
            for (int s = s0; s < s1; s++) x = select(x, ZOE_GET(window, r * pitch + s), tap == r * KERNEL + s);
    }
    return x;
}

/* work[(c8 * chunks + chunk) * 2]: sum g, sum g * t. Only pixels that won have a g: a walk over the windows. */
__kernel void batch_norm_pool_dots(ZOE_IN(x), ZOE_IN(dy), __global const uchar8 *won, __global const float8 *figures,
                                   __global float8 *work, int pad, int all_rows, int chunk_rows, int chunks)
{
    __local float8 scratch[ZOE_GROUP];
    const int group = (int)get_group_id(0), c8 = group / chunks, chunk = group - c8 * chunks;
    const int first = min(chunk * chunk_rows, all_rows), last = min(first + chunk_rows, all_rows);
    const int pitch = x_W + 2 * x_P;
    const float8 mean = figures[c8];
    float8 sum = 0.0f, dots = 0.0f;
    ZOE_FOR_CHUNK(first, last, x_C8, c8, dy_H, dy_W) {
        const int top = h * STRIDE - pad, r0 = max(0, -top), r1 = min(KERNEL, x_H - top);
        __global const ZOE_STORED *in = ZOE_PLACE(x, plane, top, -pad), *gradient = ZOE_PLACE(dy, plane, h, 0);
        __global const uchar8 *taps = won + ((size_t)plane * dy_H + h) * dy_W;
        ZOE_FOR_COLUMNS(dy_W) {
            const int left = w * STRIDE - pad, s0 = max(0, -left), s1 = min(KERNEL, x_W - left);
            const int8 tap = convert_int8(taps[w]);
            const float8 g = select(ZOE_GET(gradient, w), (float8)(0.0f), tap == NOBODY);
            const float8 distance = winner(ZOE_PAST(in, w * STRIDE), pitch, r0, r1, s0, s1, tap) - mean;
            sum += g;
            dots += select(g * distance, (float8)(0.0f), tap == NOBODY);
        }
    }
    sum = zoe_group_sum(sum, scratch);
    dots = zoe_group_sum(dots, scratch);
    if (get_local_id(0) == 0) {
        work[(c8 * chunks + chunk) * 2] = sum;
        work[(c8 * chunks + chunk) * 2 + 1] = dots * figures[x_C8 + c8];
    }
}

__kernel void batch_norm_pool_backward(ZOE_IN(x), ZOE_IN(dy), ZOE_OUT(dx), __global const uchar8 *won,
                                       __global const float8 *figures, __global const float8 *work, int chunks,
                                       int halo, int pad, int add, int planes, int rows)
{
    __global const float8 *means = work + (size_t)x_C8 * chunks * 2;
    ZOE_FOR_ROWS(planes, dx_H, dx_W, rows) {
        const int c8 = plane % x_C8;
        const float8 mean = figures[c8], scale = figures[2 * x_C8 + c8];
        const float8 mean_g = means[c8 * 2], slope = means[c8 * 2 + 1] * figures[x_C8 + c8];
        __global const ZOE_STORED *in = ZOE_PLACE(x, plane, h, 0);
        __global ZOE_STORED *to = ZOE_PLACE(dx, plane, h, 0);
        const windows above = windows_of_row(won, dy, dy_H, dy_W, dy_P, plane, h + pad);
        if (SIDE_BY_SIDE && pad == 0 && !add) {
            const int windows = above.count ? above.columns : 0;
            for (int q = 0; q < windows; q++)
                UNROLL for (int s = 0; s < KERNEL; s++) {
                    const float8 distance = ZOE_GET(in, q * KERNEL + s) - mean;
                    ZOE_PUT(to, q * KERNEL + s, (gradient_of_tap(above, q, s) - mean_g - distance * slope) * scale);
                }
            for (int w = windows * KERNEL; w < dx_W; w++)
                ZOE_PUT(to, w, (0.0f - mean_g - (ZOE_GET(in, w) - mean) * slope) * scale);
        } else {
            ZOE_FOR_COLUMNS(dx_W) {
                const float8 value = (gradient_at(above, w + pad) - mean_g - (ZOE_GET(in, w) - mean) * slope) * scale;
                ZOE_PUT(to, w, add ? ZOE_GET(to, w) + value : value);
            }
        }
        if (ZOE_FIRST_COLUMN == 0 && halo) zoe_zero_halo(to, h, dx_H, dx_W, dx_P);
    }
}
#endif
