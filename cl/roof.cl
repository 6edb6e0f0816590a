/* SPDX-License-Identifier: Apache-2.0
 *
 * What the device could do at most (host/bench/roof_case.c).
 *
 * roof_OP_TYPE: ten chains (simt with 16 lanes, of doubles 8: five) of a = a m + t, in registers only, each long enough
 * to hide the latency of the units. `fma` rounds once and may be done in software where there is no such unit; `mad` is whatever is fastest.
 *   out[i] = sum of the chains' lanes, which depends on every step.
 * roof_copy: c = a;  roof_triad: c = a + factor b: a work-item takes the pieces of 8 floats first, first + step, .. below
 * last; CPU-like devices get a range each (ranges = 1), others neighbours in turn. */

#define ROOF_CHAINS(name, type, op, sum)                                                           \
    __kernel void name(__global float *out, const int steps, const float factor, const float term) \
    {                                                                                              \
        const type m = (type)(factor), t = (type)(term);                                           \
        type a0 = t, a1 = t * 2, a2 = t * 3, a3 = t * 4, a4 = t * 5;                               \
        type a5 = t * 6, a6 = t * 7, a7 = t * 8, a8 = t * 9, a9 = t * 10;                          \
        for (int i = 0; i < steps; i++) {                                                          \
            a0 = op(a0, m, t), a1 = op(a1, m, t), a2 = op(a2, m, t), a3 = op(a3, m, t);            \
            a4 = op(a4, m, t), a5 = op(a5, m, t), a6 = op(a6, m, t), a7 = op(a7, m, t);            \
            a8 = op(a8, m, t), a9 = op(a9, m, t);                                                  \
        }                                                                                          \
        a0 += a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9;                                          \
        out[get_global_id(0)] = sum;                                                               \
    }

/* Half as many: ten of the widest do not fit a GPU's registers, and it has other items to hide the latency behind. */
#define ROOF_FIVE_CHAINS(name, type, op, sum)                                                      \
    __kernel void name(__global float *out, const int steps, const float factor, const float term) \
    {                                                                                              \
        const type m = (type)(factor), t = (type)(term);                                           \
        type a0 = t, a1 = t * 2, a2 = t * 3, a3 = t * 4, a4 = t * 5;                               \
        for (int i = 0; i < steps; i++) {                                                          \
            a0 = op(a0, m, t), a1 = op(a1, m, t), a2 = op(a2, m, t), a3 = op(a3, m, t);            \
            a4 = op(a4, m, t);                                                                     \
        }                                                                                          \
        a0 += a1 + a2 + a3 + a4;                                                                   \
        out[get_global_id(0)] = sum;                                                               \
    }
#ifdef ZOE_FAMILY_VECTOR
#    define ROOF_WIDE_CHAINS ROOF_CHAINS
#else
#    define ROOF_WIDE_CHAINS ROOF_FIVE_CHAINS
#endif

#define ROOF_SUM4(v) (v.s0 + v.s1 + v.s2 + v.s3)
#define ROOF_SUM8(v) (ROOF_SUM4(v.lo) + ROOF_SUM4(v.hi))
#define ROOF_SUM16(v) (ROOF_SUM8(v.lo) + ROOF_SUM8(v.hi))
#define ROOF_WIDTHS(op)                                             \
    ROOF_CHAINS(roof_##op##_float1, float, op, a0)                  \
    ROOF_CHAINS(roof_##op##_float2, float2, op, (a0.s0 + a0.s1))    \
    ROOF_CHAINS(roof_##op##_float4, float4, op, ROOF_SUM4(a0))      \
    ROOF_CHAINS(roof_##op##_float8, float8, op, ROOF_SUM8(a0))      \
    ROOF_WIDE_CHAINS(roof_##op##_float16, float16, op, ROOF_SUM16(a0))

ROOF_WIDTHS(fma)
ROOF_WIDTHS(mad)

#ifdef cl_khr_fp64
#    pragma OPENCL EXTENSION cl_khr_fp64 : enable
ROOF_CHAINS(roof_fma_double1, double, fma, (float)(a0))
ROOF_CHAINS(roof_fma_double2, double2, fma, (float)(a0.s0 + a0.s1))
ROOF_CHAINS(roof_fma_double4, double4, fma, (float)(ROOF_SUM4(a0)))
ROOF_WIDE_CHAINS(roof_fma_double8, double8, fma, (float)(ROOF_SUM8(a0)))
#endif
#ifdef cl_khr_fp16
#    pragma OPENCL EXTENSION cl_khr_fp16 : enable
ROOF_CHAINS(roof_fma_half2, half2, fma, (float)(a0.s0 + a0.s1))
ROOF_CHAINS(roof_fma_half4, half4, fma, (float)(ROOF_SUM4(a0)))
ROOF_CHAINS(roof_fma_half8, half8, fma, (float)(ROOF_SUM8(a0)))
ROOF_WIDE_CHAINS(roof_fma_half16, half16, fma, (float)(ROOF_SUM16(a0)))
#endif

#define ROOF_PIECES(i)                                                             \
    const size_t item = get_global_id(0), items = get_global_size(0);              \
    const size_t each = (count + items - 1) / items;                               \
    const size_t first = ranges ? item * each : item, step = ranges ? 1 : items;   \
    const size_t last = ranges ? min(first + each, (size_t)count) : (size_t)count; \
    for (size_t i = first; i < last; i += step)

__kernel void roof_copy(__global const float8 *restrict a, __global float8 *restrict c, int count, int ranges)
{
    ROOF_PIECES(i) c[i] = a[i];
}

__kernel void roof_triad(__global const float8 *restrict a, __global const float8 *restrict b, __global float8 *restrict c,
                         float factor, int count, int ranges)
{
    ROOF_PIECES(i) c[i] = a[i] + factor * b[i];
}

/* c = `steps` times a = a m + t of each number: 8 bytes are moved and 2 steps operations done. A piece is eight vectors, so
 * that their chains hide each other's latency; in a group of 64 neighbours lie side by side. */
#ifdef ZOE_FAMILY_VECTOR
#    define ROOF_MIX float16
#else
#    define ROOF_MIX float4
#endif
__kernel void roof_mix(__global const ROOF_MIX *restrict a, __global ROOF_MIX *restrict c, float factor, float term,
                       int steps, int count, int ranges)
{
    const ROOF_MIX m = (ROOF_MIX)(factor), t = (ROOF_MIX)(term);
    ROOF_PIECES(i)
    {
        const size_t at = ranges ? i * 8 : i / 64 * 512 + i % 64, by = ranges ? 1 : 64;
        ROOF_MIX a0 = a[at], a1 = a[at + by], a2 = a[at + 2 * by], a3 = a[at + 3 * by];
        ROOF_MIX a4 = a[at + 4 * by], a5 = a[at + 5 * by], a6 = a[at + 6 * by], a7 = a[at + 7 * by];
        for (int s = 0; s < steps; s++) {
            a0 = fma(a0, m, t), a1 = fma(a1, m, t), a2 = fma(a2, m, t), a3 = fma(a3, m, t);
            a4 = fma(a4, m, t), a5 = fma(a5, m, t), a6 = fma(a6, m, t), a7 = fma(a7, m, t);
        }
        c[at] = a0, c[at + by] = a1, c[at + 2 * by] = a2, c[at + 3 * by] = a3;
        c[at + 4 * by] = a4, c[at + 5 * by] = a5, c[at + 6 * by] = a6, c[at + 7 * by] = a7;
    }
}

/* c[i] = a[i] by way of local memory, `rounds` times back and forth among the work-items of a group. */
__kernel void roof_local(__global const float *restrict a, __global float *restrict c, __local float *box, int rounds)
{
    const size_t i = get_global_id(0), me = get_local_id(0), size = get_local_size(0);
    float value = a[i];
    for (int r = 0; r < rounds; r++) {
        box[me] = value;
        barrier(CLK_LOCAL_MEM_FENCE);
        const float other = box[size - 1 - me];
        barrier(CLK_LOCAL_MEM_FENCE);
        value = other;
    }
    c[i] = value;
}

/* Everybody counts in one place: c[0] += rounds for each work-item. */
__kernel void roof_atomic(__global int *c, int rounds)
{
    for (int r = 0; r < rounds; r++) atomic_inc(c);
}
