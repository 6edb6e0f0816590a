/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a convolution's epilogue, backwards:
 *   RELU: dy[n,k,p,q] = 0 where not y[n,k,p,q] > 0, in place
 *   BIAS: parts[part][k] = sum of dy over the images of the part and all p, q
 * One work-group a (part, block of 8 channels): group = part * C8 + block. */

__kernel void conv2d_mask(ZOE_IN(y), ZOE_OUT(dy), __global float8 *parts, int images, int images_each)
{
    const int group = (int)get_group_id(0), part = group / dy_C8, block = group - part * dy_C8;
    const int first = part * images_each, last = min(first + images_each, images);
    float8 sum = 0.0f;
    for (int n = first; n < last; n++)
        for (int h = 0; h < dy_H; h++)
            for (int w = (int)get_local_id(0); w < dy_W; w += ZOE_GROUP) {
                float8 value = ZOE_LOAD(dy, n * dy_C8 + block, h, w);
#ifdef RELU
                const float8 out = ZOE_LOAD(y, n * y_C8 + block, h, w);
                value = select((float8)(0.0f), value, out > (float8)(0.0f));
                ZOE_STORE(dy, n * dy_C8 + block, h, w, value);
#endif
                sum += value;
            }
#ifdef BIAS
    __local float8 scratch[ZOE_GROUP];
    sum = zoe_group_sum(sum, scratch);
    if (get_local_id(0) == 0) parts[part * dy_C8 + block] = sum;
#endif
}
