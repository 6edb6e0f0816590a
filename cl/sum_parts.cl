/* SPDX-License-Identifier: Apache-2.0
 *
 * out[i] (+)= sum over parts, in their order, of in[first + part * count + i]. A work-item makes `each` float8. */

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
