/* SPDX-License-Identifier: Apache-2.0
 *
 * x: N images of C logits. tops = largest logit, sums = sum of exp(x - top) of each image. A work-group makes those of
 * an image, one the mean.
 *   loss = 1/N * sum over n of log(sum) - (x[label] - top),   dx (+)= (exp(x - top) / sum - [c == label]) * share
 * Images whose label is outside 0..C-1 give nothing. */

__kernel void softmax_images(ZOE_IN(x), __global const int *labels, __global float *tops, __global float *losses,
                             int images, int C)
{
    __local float8 scratch[ZOE_GROUP];
    __global float *sums = tops + images;
    const int n = (int)get_group_id(0), item = (int)get_local_id(0), first = n * x_C8;
    float8 tops8 = -INFINITY;
    if (n >= images) return;
    for (int c8 = item; c8 < x_C8; c8 += ZOE_GROUP) {
        const float8 value = ZOE_LOAD(x, first + c8, 0, 0);
        tops8 = select(tops8, value, (value > tops8) & zoe_lanes(c8, C));
    }
    tops8 = zoe_group_max(tops8, scratch);
    const float4 tops4 = fmax(tops8.lo, tops8.hi);
    const float2 tops2 = fmax(tops4.lo, tops4.hi);
    const float top = fmax(tops2.x, tops2.y); /* a NaN among the logits comes through the sum */
    float8 sum = 0.0f;
    for (int c8 = item; c8 < x_C8; c8 += ZOE_GROUP)
        sum += select((float8)(0.0f), exp(ZOE_LOAD(x, first + c8, 0, 0) - top), zoe_lanes(c8, C));
    const float total = zoe_sum8(zoe_group_sum(sum, scratch));
    if (item > 0) return;
    tops[n] = top;
    sums[n] = total;
    const int label = labels[n];
    float loss = 0.0f;
    if (label >= 0 && label < C) {
        const float chosen = ZOE_GET_LANE(ZOE_PLACE(x, first + label / 8, 0, 0), label % 8);
        loss = log(total) - (chosen - top);
    }
    losses[n] = loss;
}

/* One work-group; the low bits that a sum loses are carried along (Kahan). */
__kernel void softmax_mean(__global const float *losses, __global float8 *y, ZOE_VIEW(y), int images)
{
    __local float scratch[ZOE_GROUP];
    const int item = (int)get_local_id(0);
    float sum = 0.0f, lost = 0.0f;
    for (int n = item; n < images; n += ZOE_GROUP) {
        const float value = losses[n] - lost, next = sum + value;
        lost = (next - sum) - value;
        sum = next;
    }
    sum = zoe_group_sum1(sum, scratch);
    if (item > 0) return;
    ZOE_AT(y, 0, 0, 0) = (float8)(sum / (float)images, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f);
}

__kernel void softmax_backward(ZOE_IN(x), __global const int *labels, __global const float *tops, ZOE_OUT(dx),
                               int images, int C, float share, int add, __global const uint *scalars, int planes,
                               int rows)
{
    __global const float *sums = tops + images;
    const float scale = share * ZOE_LOSS_SCALE(scalars);
    ZOE_FOR_PIXELS(planes, 1, 1, rows) {
        const int n = plane / x_C8, c8 = plane - n * x_C8, label = labels[n];
        float8 value = 0.0f;
        if (label >= 0 && label < C) {
            const int8 hit = ((int8)(0, 1, 2, 3, 4, 5, 6, 7) + c8 * 8) == label;
            value = exp(ZOE_LOAD(x, plane, h, w) - tops[n]) / sums[n] - select((float8)(0.0f), (float8)(1.0f), hit);
            value = select((float8)(0.0f), value * scale, zoe_lanes(c8, C));
        }
        if (add) value += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, value);
    }
}
