/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes zeros around the interior of every plane. One work-item a plane: global (N * C8) or, planar, (N * C).
 * Memory has many owners over a step; a tensor with a halo gets its zeros back before it is written. */

__kernel void halo_zero(__global float *restrict y, int C8, int H, int W, int P)
{
    const int rows = H + 2 * P, columns = W + 2 * P;
    __global float *plane = y + (size_t)get_global_id(0) * rows * columns * 8;
    for (int i = 0; i < P * columns; i++) {
        vstore8((float8)(0.0f), i, plane);
        vstore8((float8)(0.0f), (H + P) * columns + i, plane);
    }
    for (int h = P; h < H + P; h++)
        for (int i = 0; i < P; i++) {
            vstore8((float8)(0.0f), h * columns + i, plane);
            vstore8((float8)(0.0f), h * columns + W + P + i, plane);
        }
}

__kernel void halo_zero_planar(__global float *restrict y, int C, int H, int W, int P)
{
    const int rows = H + 2 * P, columns = W + 2 * P;
    __global float *plane = y + (size_t)get_global_id(0) * rows * columns;
    for (int i = 0; i < P * columns; i++) plane[i] = plane[(H + P) * columns + i] = 0.0f;
    for (int h = P; h < H + P; h++)
        for (int i = 0; i < P; i++) plane[h * columns + i] = plane[h * columns + W + P + i] = 0.0f;
}
