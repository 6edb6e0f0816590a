/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights for backward-data: w[K/16][C/8][R][S][8][16] of each group becomes, for each phase (a, b) of the stride, one
 * after the other, t[C/16][K/8][Ra][Sb][8][16] with
 *   t[c, k, i, j] = w[k, c, a + stride_h * (Ra - 1 - i), b + stride_w * (Sb - 1 - j)],  Ra = ceil((R - a) / stride_h).
 * Inputs h with (h + pad_h) mod stride_h = a are seen by the taps r = a, a + stride_h, ... only. With stride 1 there is
 * one phase. A work-item turns one pair of blocks (16 channels, 8 filters). */

static inline int taps_before(int phase, int taps, int stride)
{
    int sum = 0;
    for (int a = 0; a < phase; a++) sum += a < taps ? (taps - a + stride - 1) / stride : 0;
    return sum;
}

__kernel void conv2d_direct_turn(__global const float *w, __global float *turned, int groups, int C, int c_blocks8,
                                 int c_blocks16, int k_blocks8, int k_blocks16, int R, int S, int stride_h,
                                 int stride_w)
{
    const int item = (int)get_global_id(0);
    const int kb = item % k_blocks8, cb = item / k_blocks8 % c_blocks16, group = item / (k_blocks8 * c_blocks16);
    if (group >= groups) return;
    const size_t pairs = (size_t)groups * c_blocks16 * k_blocks8;
    __global const float *from =
        w + ((size_t)(group * k_blocks16 + kb / 2) * c_blocks8 + cb * 2) * R * S * 128 + kb % 2 * 8;
    const int next_block = R * S * 128; /* from 8 channels to the next 8 */
    for (int r = 0; r < R; r++)
        for (int s = 0; s < S; s++) {
            const int a = r % stride_h, b = s % stride_w;
            const int Ra = (R - a + stride_h - 1) / stride_h, Sb = (S - b + stride_w - 1) / stride_w;
            const int i = Ra - 1 - r / stride_h, j = Sb - 1 - s / stride_w;
            const int before = taps_before(a, R, stride_h) * S + Ra * taps_before(b, S, stride_w);
            __global float *to = turned + (pairs * before + (size_t)item * Ra * Sb + i * Sb + j) * 128;
            __global const float *tap = from + (r * S + s) * 128;
            for (int k = 0; k < 8; k++)
                for (int c = 0; c < 16; c++) {
                    const int absent = c >= 8 && cb * 2 + 1 >= c_blocks8;
                    to[k * 16 + c] = absent ? 0.0f : tap[c / 8 * next_block + c % 8 * 16 + k];
                }
        }
}
