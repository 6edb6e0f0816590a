/* SPDX-License-Identifier: Apache-2.0
 *
 * Gradient of a convolution's weights, for the vector family:
 *   dw[k,c,r,s] = sum over n,p,q of x[n, c, p*stride_h - pad_h + r, q*STRIDE - pad_w + s] * dy[n,k,p,q]
 * in the layout dw[K/16][C/8][R][S][8][16] of one group after the other.
 *
 * A work-group of one owns the weights of 16 KT filters and c_each blocks of 8 channels, for one part of the pixels: it
 * goes through its units of `unit_rows` rows (counted over all images), and for each through tiles of TAP_ROWS rows r
 * by TAP_COLUMNS neighbours in a row of x, summed in registers over the unit and then added to dw. Neighbours are (s,c)
 * pairs in nChw8c and s when PLANAR. A tile past the edge is moved back, and what it repeats is not added. Which pixels
 * make a part depends on the shape alone; parts are summed in order by sum_parts. add = 0: dw is overwritten.
 *
 * Compiled for a class: TAP_ROWS, TAP_COLUMNS, KT, STRIDE, PLANAR. */

#define UNROLL _Pragma("unroll")
#define TAPS (TAP_ROWS * TAP_COLUMNS)

#if ZOE_LANES == 16
typedef float16 lanes;
#define VECTORS KT
#define LOAD_DY(t, i) ((lanes)(vload8(i, dy_row[2 * (t)]), vload8(i, dy_row[2 * (t) + 1])))
#define LOAD_LANES(p) vload16(0, p)
#define STORE_LANES(v, p) vstore16(v, 0, p)
#else
typedef float8 lanes;
#define VECTORS (2 * KT)
#define LOAD_DY(t, i) vload8(i, dy_row[t])
#define LOAD_LANES(p) vload8(0, p)
#define STORE_LANES(v, p) vstore8(v, 0, p)
#endif

#if PLANAR
#define PIXEL_FLOATS 1
#define NEIGHBOUR_WEIGHTS 128 /* floats of dw from one neighbour to the next */
#else
#define PIXEL_FLOATS 8
#define NEIGHBOUR_WEIGHTS 16
#endif
#define WEIGHT_OFFSET(t) (((t) * ZOE_LANES / 16) * w_block + ((t) * ZOE_LANES) % 16)

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void conv2d_direct_weights(
    __global const float *restrict x, int XC8, int XH, int XW, int XP, __global const float *restrict dy, int YC8,
    int YH, int YW, int YP, __global float *restrict dw, int dw_first, int part_floats, int add, int images, int pad_h,
    int pad_w, int stride_h, int R, int S, int C, int c_blocks, int k_blocks, int k_first, int k_tiles, int c_each,
    int unit_rows, int units_each)
{
    const int chunks = (c_blocks + c_each - 1) / c_each, item = get_group_id(0), tile_k = item / chunks;
    const int c_begin = item % chunks * c_each, c_end = min(c_begin + c_each, c_blocks);
    const int group = tile_k / k_tiles, kb = group * k_blocks + k_first + tile_k % k_tiles * KT;
    const int x_pitch = (XW + 2 * XP) * PIXEL_FLOATS, x_plane = (XH + 2 * XP) * x_pitch;
    const int y_pitch = (YW + 2 * YP) * 8, y_plane = (YH + 2 * YP) * y_pitch;
    const int w_block = c_blocks * R * S * 128;
    const int rows = images * YH, part_rows = unit_rows * units_each;
    const int end = min(rows, ((int)get_group_id(1) + 1) * part_rows);
    const size_t x_image = (size_t)XC8 * x_plane, y_image = (size_t)YC8 * y_plane;
    const int neighbours = PLANAR ? S : S * 8;
    __global float *own = dw + dw_first + (size_t)get_group_id(1) * part_floats + (size_t)kb * w_block;

    if (!add)
        for (int t = 0; t < VECTORS; t++)
            for (int i = c_begin * R * S * 8; i < c_end * R * S * 8; i++)
                STORE_LANES((lanes)(0.0f), own + WEIGHT_OFFSET(t) + i * 16);

    int plane[2 * KT]; /* of dy; one past the last: any, its sums are dropped */
    UNROLL for (int i = 0; i < 2 * KT; i++) plane[i] = min(kb * 2 + i, YC8 - 1) * y_plane;

    for (int row0 = get_group_id(1) * part_rows; row0 < end; row0 += unit_rows) {
        const int n0 = row0 / YH, p0 = row0 - n0 * YH, count = min(unit_rows, end - row0);
        __global const float *first_y = dy + n0 * y_image + (p0 + YP) * y_pitch + YP * 8;
        for (int c = PLANAR ? 0 : c_begin; c < (PLANAR ? C : c_end); c++)
            for (int r0 = 0; r0 < R; r0 += TAP_ROWS)
                for (int j0 = 0; j0 < neighbours; j0 += TAP_COLUMNS) {
                    const int r1 = min(r0, R - TAP_ROWS), j1 = min(j0, neighbours - TAP_COLUMNS);
                    const int plane_x = c + (PLANAR ? 0 : group * c_blocks);
                    __global const float *from_x = x + n0 * x_image + (size_t)plane_x * x_plane
                                                   + (p0 * stride_h + r1 - pad_h + XP) * x_pitch
                                                   + (XP - pad_w) * PIXEL_FLOATS + j1;
                    __global const float *from_y = first_y;
                    lanes sum[TAPS][VECTORS];
                    UNROLL for (int i = 0; i < TAPS; i++)
                        UNROLL for (int t = 0; t < VECTORS; t++) sum[i][t] = (lanes)(0.0f);
                    for (int row = 0, p = p0; row < count; row++) {
                        __global const float *row_x[TAP_ROWS], *dy_row[2 * KT];
                        UNROLL for (int i = 0; i < TAP_ROWS; i++) row_x[i] = from_x + i * x_pitch;
                        UNROLL for (int i = 0; i < 2 * KT; i++) dy_row[i] = from_y + plane[i];
                        for (int q = 0; q < YW; q++) {
                            lanes value[VECTORS];
                            UNROLL for (int t = 0; t < VECTORS; t++) value[t] = LOAD_DY(t, q);
                            UNROLL for (int i = 0; i < TAPS; i++) {
                                const lanes input = (lanes)(row_x[i / TAP_COLUMNS][i % TAP_COLUMNS]);
                                UNROLL for (int t = 0; t < VECTORS; t++) sum[i][t] = fma(input, value[t], sum[i][t]);
                            }
                            UNROLL for (int i = 0; i < TAP_ROWS; i++) row_x[i] += STRIDE * PIXEL_FLOATS;
                        }
                        from_x += stride_h * x_pitch;
                        from_y += y_pitch;
                        if (++p == YH) { /* on to the next image */
                            p = 0;
                            from_x += x_image - (size_t)(YH * stride_h) * x_pitch;
                            from_y += y_image - (size_t)YH * y_pitch;
                        }
                    }
                    lanes done[TAPS * VECTORS]; /* through memory: one copy of the code below, not one a register */
                    UNROLL for (int i = 0; i < TAPS; i++)
                        UNROLL for (int t = 0; t < VECTORS; t++) done[i * VECTORS + t] = sum[i][t];
                    _Pragma("nounroll") for (int i = 0; i < TAPS; i++) {
                        const int r = r1 + i / TAP_COLUMNS, j = j1 + i % TAP_COLUMNS;
                        if (r < r0 || j < j0) continue;
                        __global float *to =
                            own + r * S * 128 + j * NEIGHBOUR_WEIGHTS + c * (PLANAR ? 16 : R * S * 128);
                        _Pragma("nounroll") for (int t = 0; t < VECTORS; t++) {
                            lanes total = done[i * VECTORS + t];
                            if (kb * 2 + t * ZOE_LANES / 8 >= YC8) total = (lanes)(0.0f);
#if ZOE_LANES == 16
                            if (kb * 2 + t * 2 + 1 >= YC8) total.hi = (float8)(0.0f);
#endif
                            STORE_LANES(LOAD_LANES(to + WEIGHT_OFFSET(t)) + total, to + WEIGHT_OFFSET(t));
                        }
                    }
                }
    }
}
