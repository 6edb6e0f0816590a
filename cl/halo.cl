/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes zeros around the interior of every plane, N * C8 or, planar, N * C of them. One work-item a plane in the vector
 * family, in simt a work-group.
 * Memory has many owners over a step; a tensor with a halo gets its zeros back before it is written. */

#ifdef ZOE_FAMILY_VECTOR

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

#else

/* Place of halo pixel i, i < HALO_PIXELS: the rows above and below, then the pixels beside each row. */
#define HALO_PIXELS (2 * P * (columns + H))
static inline int halo_pixel(int i, int H, int W, int P)
{
    const int columns = W + 2 * P, beside = i - 2 * P * columns;
    if (i < P * columns) return i;
    if (beside < 0) return i + H * columns;
    const int h = beside / (2 * P), side = beside - h * 2 * P;
    return (h + P) * columns + (side < P ? side : W + side);
}

__kernel void halo_zero(__global ZOE_STORED *restrict y, int C8, int H, int W, int P)
{
    const int rows = H + 2 * P, columns = W + 2 * P;
    __global ZOE_STORED *plane = ZOE_PAST(y, (size_t)get_group_id(0) * rows * columns);
    for (int i = (int)get_local_id(0); i < HALO_PIXELS; i += ZOE_GROUP) ZOE_PUT(plane, halo_pixel(i, H, W, P), (float8)(0.0f));
}

__kernel void halo_zero_planar(__global ZOE_NUMBER *restrict y, int C, int H, int W, int P)
{
    const int rows = H + 2 * P, columns = W + 2 * P;
    __global ZOE_NUMBER *plane = y + (size_t)get_group_id(0) * rows * columns;
    for (int i = (int)get_local_id(0); i < HALO_PIXELS; i += ZOE_GROUP) ZOE_PUT_LANE(plane, halo_pixel(i, H, W, P), 0.0f);
}

#endif
