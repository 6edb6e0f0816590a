/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights dw[K/16][C/8][taps][8][16] of groups that stand together: between a filter and a channel of another group of
 * the definition there is no weight, and its gradient is made zero. C: channels of the groups together; group_c,
 * group_k: of one. A work-item has one pair of blocks. */

__kernel void conv2d_mask_groups(__global float *dw, int K, int c_blocks, int taps, int C, int group_c, int group_k)
{
    const int pair = (int)get_global_id(0), k0 = pair / c_blocks * 16, c0 = pair % c_blocks * 8;
    if (k0 >= K) return;
    for (int i = 0; i < taps; i++)
        for (int c = 0; c < 8; c++)
            for (int k = 0; k < 16; k++) {
                const int first = (k0 + k) / group_k * group_c % C; /* of the filter's channels */
                if (c0 + c < first || c0 + c >= first + group_c) dw[((size_t)pair * taps + i) * 128 + c * 16 + k] = 0.0f;
            }
}
