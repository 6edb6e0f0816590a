/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast memory is. Each work-item takes the pieces of 8 floats first, first + step, .. below last; the two families
 * differ in what these are (host/bench/bandwidth.c).
 *   bandwidth_copy:  c = a
 *   bandwidth_triad: c = a + factor * b */

#define ZOE_PIECES(i)                                                         \
    const size_t item = get_global_id(0), items = get_global_size(0);         \
    const size_t each = (count + items - 1) / items;                          \
    const size_t first = ranges ? item * each : item, step = ranges ? 1 : items; \
    const size_t last = ranges ? min(first + each, (size_t)count) : (size_t)count; \
    for (size_t i = first; i < last; i += step)

__kernel void bandwidth_copy(__global const float8 *restrict a, __global float8 *restrict c, int count, int ranges)
{
    ZOE_PIECES(i) c[i] = a[i];
}

__kernel void bandwidth_triad(__global const float8 *restrict a, __global const float8 *restrict b, __global float8 *restrict c,
                              float factor, int count, int ranges)
{
    ZOE_PIECES(i) c[i] = fma(b[i], (float8)(factor), a[i]);
}
