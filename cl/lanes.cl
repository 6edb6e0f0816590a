/* SPDX-License-Identifier: Apache-2.0
 *
 * Measures whether float16 arithmetic is faster than float8 on a CPU-like device: the same number of fused multiply-adds
 * by either width, in registers only. Ten accumulators hide the latency of two units of four or five cycles.
 *
 * out[i] = something that depends on every multiply-add, so that none can be left out. */

#define MEASURE(name, type, times, sum)                                                                                \
    __kernel void name(__global float *out, const int steps, const float factor, const float term)                     \
    {                                                                                                                  \
        const type m = (type)(factor), t = (type)(term);                                                               \
        float total = 0.0f;                                                                                            \
        _Pragma("unroll 1") for (int time = 0; time < (times); time++) {                                               \
            type a0 = t, a1 = t * 2, a2 = t * 3, a3 = t * 4, a4 = t * 5;                                               \
            type a5 = t * 6, a6 = t * 7, a7 = t * 8, a8 = t * 9, a9 = t * 10;                                          \
            for (int i = 0; i < steps; i++) {                                                                          \
                a0 = fma(a0, m, t), a1 = fma(a1, m, t), a2 = fma(a2, m, t), a3 = fma(a3, m, t);                        \
                a4 = fma(a4, m, t), a5 = fma(a5, m, t), a6 = fma(a6, m, t), a7 = fma(a7, m, t);                        \
                a8 = fma(a8, m, t), a9 = fma(a9, m, t);                                                                \
            }                                                                                                          \
            a0 += a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9;                                                          \
            total += sum;                                                                                              \
        }                                                                                                              \
        out[get_global_id(0)] = total;                                                                                 \
    }

MEASURE(lanes_8, float8, 1, zoe_sum8(a0))
#ifdef ZOE_FAMILY_VECTOR
MEASURE(lanes_16, float16, 1, zoe_sum8(a0.lo) + zoe_sum8(a0.hi))
#else
MEASURE(lanes_16, float4, 4, a0.x + a0.y + a0.z + a0.w) /* as many operations, in a quarter of the registers */
#endif
