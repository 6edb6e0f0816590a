/* SPDX-License-Identifier: Apache-2.0
 *
 * Measures whether a CPU-like device does better with float16 or with float8: by the inner loop that most of a training
 * goes by, a register tile of ROWS x 2 vectors of sums, as large as cl/conv2d_direct.cl and cl/conv2d_winograd.cl
 * have it with either width, over DEPTH terms: each a value that is broadcast times a vector that is read. So everything counts
 * that decides: width of the units, how many instructions they take, and whether the registers hold the tile.
 *
 * data: DEPTH x (ROWS + 2 vectors) floats, all `value`; the first become something that depends on every term. */

#define DEPTH 64
#define UNROLL _Pragma("unroll")

#define MEASURE(name, type, lanes, ROWS)                                                                               \
    __kernel void name(__global float *data, const int passes, const float value)                                      \
    {                                                                                                                  \
        __global float *V = data, *W = data + DEPTH * (ROWS);                                                          \
        for (int i = 0; i < DEPTH * ((ROWS) + 2 * lanes); i++) data[i] = value;                                      \
        type sum[ROWS][2];                                                                                             \
        UNROLL for (int i = 0; i < (ROWS); i++) sum[i][0] = sum[i][1] = (type)(0.0f);                                  \
        for (int pass = 0; pass < passes; pass++)                                                                      \
            for (int c = 0; c < DEPTH; c += 4) {                                                                       \
                UNROLL for (int u = 0; u < 4; u++)                                                                     \
                {                                                                                                      \
                    const type w0 = vload##lanes(0, W + (c + u) * 2 * lanes);                                          \
                    const type w1 = vload##lanes(0, W + (c + u) * 2 * lanes + lanes);                                  \
                    UNROLL for (int i = 0; i < (ROWS); i++)                                                            \
                    {                                                                                                  \
                        const type v = (type)(V[i * DEPTH + c + u]);                                                   \
                        sum[i][0] = fma(v, w0, sum[i][0]);                                                             \
                        sum[i][1] = fma(v, w1, sum[i][1]);                                                             \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
        UNROLL for (int i = 1; i < (ROWS); i++) sum[0][0] += sum[i][0], sum[0][1] += sum[i][1];                        \
        vstore##lanes(sum[0][0] + sum[0][1], 0, data);                                                                 \
    }

#ifdef ZOE_FAMILY_VECTOR
MEASURE(lanes_8, float8, 8, 6)
MEASURE(lanes_16, float16, 16, 14)
#else /* nobody asks there, and no GPU has such registers */
MEASURE(lanes_8, float8, 8, 2)
#endif
