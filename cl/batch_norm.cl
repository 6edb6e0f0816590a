/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics of batch normalisation; the passes over all pixels that use them are in batch_norm_apply.cl and
 * batch_norm_pool.cl. figures: mean, 1/sqrt(var + eps), and scale = that times weight: [C8] float8 each.
 *   training:  moments (each chunk of rows: mean, then the sum of squared distances from it)
 *              -> join (figures, running figures) -> apply
 *   inference: fold (figures from the running ones) -> apply:  y = (x - mean) * scale + bias
 *   backward:  dots (each chunk: sum dy, sum dy * t) -> join_dots (gradients of bias and weight)
 *              -> backward:  dx (+)= scale * (dy - sum dy / M - t * sum dy t / M),  t = (x - mean) / sqrt(var + eps)
 * A chunk is chunk_rows of the N * H rows of a channel block; chunks and the order of joins depend on the shape alone.
 * Padded channels have scale and bias 0 and stay 0. */

/* Adds value to sum and keeps the bits that get lost (Kahan). */
static inline void add_exactly(float8 *sum, float8 *lost, float8 value)
{
    const float8 corrected = value - *lost, next = *sum + corrected;
    *lost = (next - *sum) - corrected;
    *sum = next;
}

/* Sums over columns first .. end-1 of a row: four of them, so that an addition need not wait for the one before. */
static inline float8 row_sum(__global const ZOE_STORED *x, int w, int end, float8 origin)
{
    float8 sum = 0.0f, a = 0.0f, b = 0.0f, c = 0.0f;
    for (; w + 3 < end; w += 4) {
        sum += ZOE_GET(x, w) - origin;
        a += ZOE_GET(x, w + 1) - origin;
        b += ZOE_GET(x, w + 2) - origin;
        c += ZOE_GET(x, w + 3) - origin;
    }
    for (; w < end; w++) sum += ZOE_GET(x, w) - origin;
    return (sum + a) + (b + c);
}

static inline float8 square(float8 x)
{
    return x * x;
}

static inline float8 row_squares(__global const ZOE_STORED *x, int w, int end, float8 mean)
{
    float8 sum = 0.0f, a = 0.0f, b = 0.0f, c = 0.0f;
    for (; w + 3 < end; w += 4) {
        sum += square(ZOE_GET(x, w) - mean);
        a += square(ZOE_GET(x, w + 1) - mean);
        b += square(ZOE_GET(x, w + 2) - mean);
        c += square(ZOE_GET(x, w + 3) - mean);
    }
    for (; w < end; w++) sum += square(ZOE_GET(x, w) - mean);
    return (sum + a) + (b + c);
}

/* partial[(c8 * chunks + chunk) * 3]: mean, sum of squared distances from it, number of pixels. Sums are of distances from the chunk's first
 * pixel, so that a large mean costs no digits. */
__kernel void batch_norm_moments(ZOE_IN(x), __global float8 *partial, int all_rows, int chunk_rows, int chunks)
{
    __local float8 scratch[ZOE_GROUP];
    const int group = (int)get_group_id(0), c8 = group / chunks, chunk = group - c8 * chunks;
    const int first = chunk * chunk_rows, last = min(first + chunk_rows, all_rows);
    const float count = (float)((last - first) * x_W);
    const float8 origin = ZOE_LOAD(x, first / x_H * x_C8 + c8, first % x_H, 0);
    float8 sum = 0.0f, squares = 0.0f;
    ZOE_FOR_CHUNK(first, last, x_C8, c8, x_H, x_W) {
        sum += row_sum(ZOE_PLACE(x, plane, h, 0), ZOE_FIRST_COLUMN, ZOE_END_COLUMN(x_W), origin);
    }
    const float8 mean = origin + zoe_group_sum(sum, scratch) / count;
    ZOE_FOR_CHUNK(first, last, x_C8, c8, x_H, x_W) {
        squares += row_squares(ZOE_PLACE(x, plane, h, 0), ZOE_FIRST_COLUMN, ZOE_END_COLUMN(x_W), mean);
    }
    squares = zoe_group_sum(squares, scratch);
    if (get_local_id(0) == 0) {
        partial[(c8 * chunks + chunk) * 3] = mean;
        partial[(c8 * chunks + chunk) * 3 + 1] = squares;
        partial[(c8 * chunks + chunk) * 3 + 2] = count;
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

/* Joins partial moments in their order, those of batch_norm_moments or those that a convolution left (conv2d_direct.cl);
 * total: number of all pixels. */
__kernel void batch_norm_join(__global const float8 *partial, __global const float8 *weight,
                              __global float8 *running_mean, __global float8 *running_var, __global float8 *figures,
                              int C, float total, int chunks, float eps, float momentum)
{
    __local float8 scratch[ZOE_GROUP];
    const int c8 = (int)get_group_id(0), C8 = (int)get_num_groups(0), item = (int)get_local_id(0);
    partial += (size_t)c8 * chunks * 3;
    const float8 origin = partial[0];
    float8 sum = 0.0f, lost = 0.0f;
    for (int chunk = item; chunk < chunks; chunk += ZOE_GROUP)
        add_exactly(&sum, &lost, (partial[chunk * 3] - origin) * (partial[chunk * 3 + 2] / total));
    const float8 mean = origin + zoe_group_sum(sum, scratch);
    sum = lost = 0.0f;
    for (int chunk = item; chunk < chunks; chunk += ZOE_GROUP) {
        const float8 distance = partial[chunk * 3] - mean;
        add_exactly(&sum, &lost, partial[chunk * 3 + 1] + distance * distance * partial[chunk * 3 + 2]);
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
