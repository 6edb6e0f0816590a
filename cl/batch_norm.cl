/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch normalisation. figures: mean, 1/sqrt(var + eps), and scale = that times weight: [C8] float8 each.
 *   training:  moments (each chunk of rows: mean, then the sum of squared distances from it)
 *              -> join (figures, running figures) -> apply
 *   inference: fold (figures from the running ones) -> apply:  y = (x - mean) * scale + bias
 *   backward:  dots (each chunk: sum dy, sum dy * t) -> join_dots (gradients of bias and weight)
 *              -> backward:  dx (+)= scale * (dy - sum dy / M - t * sum dy t / M),  t = (x - mean) / sqrt(var + eps)
 * A chunk is chunk_rows of the N * H rows of a channel block; chunks and the order of joins depend on the shape alone.
 * Padded channels have scale and bias 0 and stay 0. */

/* Stands before a block run for each pixel of rows first .. last-1 (counted over all images), shared by the
 * work-group. */
#ifdef ZOE_FAMILY_VECTOR
#    define FOR_CHUNK(first, last, C8, c8, H, W)                                                                       \
        for (int row_ = (first); row_ < (last); row_++)                                                                \
            for (int plane = row_ / (H) * (C8) + (c8), h = row_ % (H), w = 0; w < (W); w++)
#else
#    define FOR_CHUNK(first, last, C8, c8, H, W)                                                                       \
        for (int i_ = (int)get_local_id(0), count_ = ((last) - (first)) * (W); i_ < count_; i_ += ZOE_GROUP)           \
            for (int row_ = (first) + i_ / (W), plane = row_ / (H) * (C8) + (c8), h = row_ % (H), w = i_ % (W),        \
                     once_ = 1;                                                                                        \
                 once_; once_ = 0)
#endif

/* Adds value to sum and keeps the bits that get lost (Kahan). */
static inline void add_exactly(float8 *sum, float8 *lost, float8 value)
{
    const float8 corrected = value - *lost, next = *sum + corrected;
    *lost = (next - *sum) - corrected;
    *sum = next;
}

/* partial[chunk * C8 + c8]: mean, then the sum of squared distances. Sums are of distances from the chunk's
 * first pixel, so that a
 * large mean costs no digits. */
__kernel void batch_norm_moments(ZOE_IN(x), __global float8 *partial, int all_rows, int chunk_rows, int chunks)
{
    __local float8 scratch[ZOE_GROUP];
    const int group = (int)get_group_id(0), c8 = group / chunks, chunk = group - c8 * chunks;
    const int first = chunk * chunk_rows, last = min(first + chunk_rows, all_rows);
    const float count = (float)((last - first) * x_W);
    const float8 origin = ZOE_AT(x, first / x_H * x_C8 + c8, first % x_H, 0);
    float8 sum = 0.0f, squares = 0.0f;
    FOR_CHUNK(first, last, x_C8, c8, x_H, x_W) {
        sum += ZOE_AT(x, plane, h, w) - origin;
    }
    const float8 mean = origin + zoe_group_sum(sum, scratch) / count;
    FOR_CHUNK(first, last, x_C8, c8, x_H, x_W) {
        const float8 distance = ZOE_AT(x, plane, h, w) - mean;
        squares += distance * distance;
    }
    squares = zoe_group_sum(squares, scratch);
    if (get_local_id(0) == 0) {
        partial[(c8 * chunks + chunk) * 2] = mean;
        partial[(c8 * chunks + chunk) * 2 + 1] = squares;
    }
}

/* figures for block c8 out of mean and variance; weight may be NULL. */
static inline void write_figures(__global float8 *figures, __global const float8 *weight, int c8, int C8, int C,
                                 float8 mean, float8 var, float eps)
{
    const float8 inverse = select((float8)(0.0f), 1.0f / sqrt(var + eps), zoe_lanes(c8, C));
    figures[c8] = mean;
    figures[C8 + c8] = inverse;
    figures[2 * C8 + c8] = weight ? inverse * weight[c8] : inverse;
}

__kernel void batch_norm_join(__global const float8 *partial, __global const float8 *weight,
                              __global float8 *running_mean, __global float8 *running_var, __global float8 *figures,
                              int C, int all_rows, int chunk_rows, int chunks, int W, float eps, float momentum)
{
    __local float8 scratch[ZOE_GROUP];
    const int c8 = (int)get_group_id(0), C8 = (int)get_num_groups(0), item = (int)get_local_id(0);
    const float total = (float)all_rows * (float)W;
    const float8 origin = partial[c8 * chunks * 2];
    float8 sum = 0.0f, lost = 0.0f;
    for (int chunk = item; chunk < chunks; chunk += ZOE_GROUP) {
        const float share = (float)(min(chunk_rows, all_rows - chunk * chunk_rows) * W) / total;
        add_exactly(&sum, &lost, (partial[(c8 * chunks + chunk) * 2] - origin) * share);
    }
    const float8 mean = origin + zoe_group_sum(sum, scratch);
    sum = lost = 0.0f;
    for (int chunk = item; chunk < chunks; chunk += ZOE_GROUP) {
        const float count = (float)(min(chunk_rows, all_rows - chunk * chunk_rows) * W);
        const float8 distance = partial[(c8 * chunks + chunk) * 2] - mean;
        add_exactly(&sum, &lost, partial[(c8 * chunks + chunk) * 2 + 1] + distance * distance * count);
    }
    const float8 squares = zoe_group_sum(sum, scratch);
    if (item > 0) return;
    write_figures(figures, weight, c8, C8, C, mean, squares / total, eps);
    const float8 unbiased = squares / max(total - 1.0f, 1.0f);
    running_mean[c8] = (1.0f - momentum) * running_mean[c8] + momentum * mean;
    running_var[c8] = (1.0f - momentum) * running_var[c8] + momentum * unbiased;
}

__kernel void batch_norm_fold(__global const float8 *weight, __global const float8 *running_mean,
                              __global const float8 *running_var, __global float8 *figures, int C, int C8, float eps)
{
    const int c8 = (int)get_global_id(0);
    if (c8 >= C8) return;
    write_figures(figures, weight, c8, C8, C, running_mean[c8], running_var[c8], eps);
}

__kernel void batch_norm_apply(__global const float8 *restrict x, int x_C8, int x_H, int x_W, int x_P,
                               __global float8 *restrict y, int y_C8, int y_H, int y_W, int y_P,
                               __global const float8 *restrict figures, __global const float8 *restrict bias,
                               int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        const int c8 = plane % y_C8;
        float8 value = (ZOE_AT(x, plane, h, w) - figures[c8]) * figures[2 * y_C8 + c8];
        if (bias) value += bias[c8];
        ZOE_AT(y, plane, h, w) = value;
    }
}

/* work[(c8 * chunks + chunk) * 2]: sum dy, sum dy * t. */
__kernel void batch_norm_dots(ZOE_IN(x), ZOE_IN(dy), __global const float8 *figures, __global float8 *work,
                              int all_rows, int chunk_rows, int chunks)
{
    __local float8 scratch[ZOE_GROUP];
    const int group = (int)get_group_id(0), c8 = group / chunks, chunk = group - c8 * chunks;
    const int first = chunk * chunk_rows, last = min(first + chunk_rows, all_rows);
    const float8 mean = figures[c8], inverse = figures[x_C8 + c8];
    float8 sum = 0.0f, dots = 0.0f;
    FOR_CHUNK(first, last, x_C8, c8, x_H, x_W) {
        const float8 gradient = ZOE_AT(dy, plane, h, w);
        sum += gradient;
        dots += gradient * (ZOE_AT(x, plane, h, w) - mean);
    }
    sum = zoe_group_sum(sum, scratch);
    dots = zoe_group_sum(dots, scratch);
    if (get_local_id(0) == 0) {
        work[(c8 * chunks + chunk) * 2] = sum;
        work[(c8 * chunks + chunk) * 2 + 1] = dots * inverse;
    }
}

/* Modes: 0 no gradient wanted (the pointer is not used), 1 write, 2 add. Behind the partial sums: both sums / M. */
__kernel void batch_norm_join_dots(__global float8 *work, __global float8 *dweight, __global float8 *dbias,
                                   int dweight_mode, int dbias_mode, int chunks, float share)
{
    __local float8 scratch[ZOE_GROUP];
    const int c8 = (int)get_group_id(0), C8 = (int)get_num_groups(0), item = (int)get_local_id(0);
    float8 sum = 0.0f, sum_lost = 0.0f, dots = 0.0f, dots_lost = 0.0f;
    for (int chunk = item; chunk < chunks; chunk += ZOE_GROUP) {
        add_exactly(&sum, &sum_lost, work[(c8 * chunks + chunk) * 2]);
        add_exactly(&dots, &dots_lost, work[(c8 * chunks + chunk) * 2 + 1]);
    }
    sum = zoe_group_sum(sum, scratch);
    dots = zoe_group_sum(dots, scratch);
    if (item > 0) return;
    work[(C8 * chunks + c8) * 2] = sum * share;
    work[(C8 * chunks + c8) * 2 + 1] = dots * share;
    if (dweight_mode == 1) dweight[c8] = dots;
    if (dweight_mode == 2) dweight[c8] += dots;
    if (dbias_mode == 1) dbias[c8] = sum;
    if (dbias_mode == 2) dbias[c8] += sum;
}

__kernel void batch_norm_backward(__global const float8 *restrict x, int x_C8, int x_H, int x_W, int x_P,
                                  __global const float8 *restrict dy, int dy_C8, int dy_H, int dy_W, int dy_P,
                                  __global float8 *restrict dx, int dx_C8, int dx_H, int dx_W, int dx_P,
                                  __global const float8 *restrict figures, __global const float8 *restrict work,
                                  int chunks, int add, int planes, int rows)
{
    __global const float8 *means = work + (size_t)x_C8 * chunks * 2;
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        const int c8 = plane % x_C8;
        const float8 t = (ZOE_AT(x, plane, h, w) - figures[c8]) * figures[x_C8 + c8];
        float8 value = (ZOE_AT(dy, plane, h, w) - means[c8 * 2] - t * means[c8 * 2 + 1]) * figures[2 * x_C8 + c8];
        if (add) value += ZOE_AT(dx, plane, h, w);
        ZOE_AT(dx, plane, h, w) = value;
    }
}
