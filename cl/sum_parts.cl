/* SPDX-License-Identifier: Apache-2.0
 *
 * out[i] (+)= sum over parts of in[first + part * count + i].
 *   sum_parts:      in their order; a work-item makes `each` float8
 *   sum_parts_tree: for many parts of few numbers, simt only: a work-group of 64 makes 8 float8 from 8 slices each, of
 *                   which slice s sums parts s, s + 8, .., and which are then added by halves */

__kernel void sum_parts(__global const float *in, int first, __global float *out, int vectors, int parts, int add,
                        int each)
{
    const int begin = (int)get_global_id(0) * each, end = min(begin + each, vectors);
    in += first;
    for (int i = begin; i < end; i++) {
        float8 sum = vload8(i, in);
        for (int part = 1; part < parts; part++) sum += vload8((size_t)part * vectors + i, in);
        if (add) sum += vload8(i, out);
        vstore8(sum, i, out);
    }
}

#if ZOE_GROUP > 1
__kernel void sum_parts_tree(__global const float *in, int first, __global float *out, int vectors, int parts, int add)
{
    __local float8 scratch[ZOE_GROUP];
    const int item = (int)get_local_id(0), i = (int)get_group_id(0) * 8 + item % 8;
    float8 sum = 0.0f;
    in += first;
    for (int part = item / 8; i < vectors && part < parts; part += 8) sum += vload8((size_t)part * vectors + i, in);
    scratch[item] = sum;
    for (int other = ZOE_GROUP / 2; other >= 8; other /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < other) scratch[item] += scratch[item + other];
    }
    if (item >= 8 || i >= vectors) return;
    sum = scratch[item];
    if (add) sum += vload8(i, out);
    vstore8(sum, i, out);
}
#endif
