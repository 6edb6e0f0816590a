/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a convolution's epilogue, backwards:
 *   RELU: dy[n,k,p,q] = 0 where not y[n,k,p,q] > 0, in place
 *   BIAS: parts[part][k] = sum of dy over the part's rows_each of all N * P rows
 * One work-group a (part, block of 8 channels): group = part * C8 + block. */

__kernel void conv2d_mask(ZOE_IN(y), ZOE_OUT(dy), __global float8 *parts, int all_rows, int rows_each)
{
    const int group = (int)get_group_id(0), part = group / dy_C8, block = group - part * dy_C8;
    const int first = part * rows_each, last = min(first + rows_each, all_rows);
    float8 sum = 0.0f;
    ZOE_FOR_CHUNK(first, last, dy_C8, block, dy_H, dy_W) {
        ZOE_FOR_COLUMNS(dy_W) {
            float8 value = ZOE_LOAD(dy, plane, h, w);
#ifdef RELU
            const float8 out = ZOE_LOAD(y, plane, h, w);
            value = select((float8)(0.0f), value, out > (float8)(0.0f));
            ZOE_STORE(dy, plane, h, w, value);
#endif
            sum += value;
        }
    }
#ifdef BIAS
    __local float8 scratch[ZOE_GROUP];
    sum = zoe_group_sum(sum, scratch);
    if (get_local_id(0) == 0) parts[part * dy_C8 + block] = sum;
#endif
}
