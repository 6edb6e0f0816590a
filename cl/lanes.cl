/* SPDX-License-Identifier: Apache-2.0
 *
 * Measures whether float16 arithmetic is faster than float8 on a CPU-like device: the same number of fused multiply-adds
 * by either width, in registers only. Ten accumulators hide the latency of two units of four or five cycles.
 *
 * out[i] = something that depends on every multiply-add, so that none can be left out. */

#define MEASURE(name, type, sum)                                                                   \
    __kernel void name(__global float *out, const int steps, const float factor, const float term) \
    {                                                                                              \
        const type m = (type)(factor), t = (type)(term);                                           \
        type a0 = t, a1 = t * 2, a2 = t * 3, a3 = t * 4, a4 = t * 5;                               \
        type a5 = t * 6, a6 = t * 7, a7 = t * 8, a8 = t * 9, a9 = t * 10;                          \
        for (int i = 0; i < steps; i++) {                                                          \
            a0 = fma(a0, m, t), a1 = fma(a1, m, t), a2 = fma(a2, m, t), a3 = fma(a3, m, t);        \
            a4 = fma(a4, m, t), a5 = fma(a5, m, t), a6 = fma(a6, m, t), a7 = fma(a7, m, t);        \
            a8 = fma(a8, m, t), a9 = fma(a9, m, t);                                                \
        }                                                                                          \
        a0 += a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9;                                          \
        out[get_global_id(0)] = sum;                                                               \
    }

MEASURE(lanes_8, float8, a0.s0 + a0.s1 + a0.s2 + a0.s3 + a0.s4 + a0.s5 + a0.s6 + a0.s7)
MEASURE(lanes_16, float16,
        a0.s0 + a0.s1 + a0.s2 + a0.s3 + a0.s4 + a0.s5 + a0.s6 + a0.s7 + a0.s8 + a0.s9 + a0.sa + a0.sb + a0.sc + a0.sd + a0.se +
            a0.sf)
