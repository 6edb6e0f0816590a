/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes zeros around the interior of every plane. One work-item a plane: global (N * C8) or, planar, (N * C).
 * Memory has many owners over a step; a tensor with a halo gets its zeros back before it is written. */

__kernel void halo_zero(__global ZOE_STORED *restrict y, int C8, int H, int W, int P)
{
    const int rows = H + 2 * P, columns = W + 2 * P;
    __global ZOE_STORED *plane = ZOE_PAST(y, (size_t)get_global_id(0) * rows * columns);
    for (int i = 0; i < P * columns; i++) {
        ZOE_PUT(plane, i, (float8)(0.0f));
        ZOE_PUT(plane, (H + P) * columns + i, (float8)(0.0f));
    }
    for (int h = P; h < H + P; h++)
        for (int i = 0; i < P; i++) {
            ZOE_PUT(plane, h * columns + i, (float8)(0.0f));
            ZOE_PUT(plane, h * columns + W + P + i, (float8)(0.0f));
        }
}

__kernel void halo_zero_planar(__global ZOE_NUMBER *restrict y, int C, int H, int W, int P)
{
    const int rows = H + 2 * P, columns = W + 2 * P;
    __global ZOE_NUMBER *plane = y + (size_t)get_global_id(0) * rows * columns;
    for (int i = 0; i < P * columns; i++) {
        ZOE_PUT_LANE(plane, i, 0.0f);
        ZOE_PUT_LANE(plane, (H + P) * columns + i, 0.0f);
    }
    for (int h = P; h < H + P; h++)
        for (int i = 0; i < P; i++) {
            ZOE_PUT_LANE(plane, h * columns + i, 0.0f);
            ZOE_PUT_LANE(plane, h * columns + W + P + i, 0.0f);
        }
}
