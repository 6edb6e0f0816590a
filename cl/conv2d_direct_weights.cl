/* SPDX-License-Identifier: Apache-2.0
 *
 * Gradient of a convolution's weights, for the vector family:
 *   dw[k,c,r,s] = sum over n,p,q of x[n, c, p*stride_h - pad_h + r, q*stride_w - pad_w + s] * dy[n,k,p,q]
 * in the layout dw[K/16][C/8][R][S][8][16] of one group after the other.
 *
 * A work-group of one owns the weights of k_each tiles of 16 KT filters and c_each blocks of 8 channels, for one part of
 * the pixels, which are counted over all images. It goes through its units of UNIT pixels, and for each through its
 * tiles of filters. Their dy is gathered once, with the offset in x that belongs to each pixel; then tiles of TAP_ROWS
 * rows r by TAP_COLUMNS neighbours in a row of x are summed in registers over the unit and added to dw. Neighbours are
 * (s,c) pairs in nChw8c and s when PLANAR. A tile past the edge is moved back, and what it repeats is not added. Which
 * pixels make a part depends on the shape alone; parts are summed in order by sum_parts. add = 0: dw is overwritten.
 * What the next unit will read is asked for early: about UNIT pixels on.
 *
 * Compiled for a class: TAP_ROWS, TAP_COLUMNS, KT, PLANAR. */

#define UNROLL _Pragma("unroll")
#define TAPS (TAP_ROWS * TAP_COLUMNS)

enum { UNIT = 192 }; /* as in conv2d_direct.c: dy of a unit and its x stay in the first cache */

#if ZOE_LANES == 16
typedef float16 lanes;
#define VECTORS KT
#define LOAD_DY(p, t) ((lanes)(vload8(0, (p) + plane[2 * (t)]), vload8(0, (p) + plane[2 * (t) + 1])))
#define LOAD_LANES(p) vload16(0, p)
#define STORE_LANES(v, p) vstore16(v, 0, p)
#else
typedef float8 lanes;
#define VECTORS (2 * KT)
#define LOAD_DY(p, t) vload8(0, (p) + plane[t])
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

typedef struct gradient {
    __global const float *y;
    int C8, H, W, halo, pitch, plane;
} gradient;

/* dy of `count` pixels from pixel p, q of an image on, for filters from block kb * 2; from[] gets the pixels' places in
 * x. Blocks past the last are any. */
static inline void gather(const gradient *dy, int kb, int n, int p, int q, int count, lanes *value, int *from,
                          int x_image, int x_row, int x_step)
{
    int plane[2 * KT];
    UNROLL for (int i = 0; i < 2 * KT; i++) plane[i] = min(i, dy->C8 - 1 - kb * 2) * dy->plane;
    __global const float *image = dy->y + ((size_t)n * dy->C8 + kb * 2) * dy->plane;
    int x_from = 0;
    for (int i = 0; i < count;) {
        const int run = min(dy->W - q, count - i);
        __global const float *at = image + (p + dy->halo) * dy->pitch + (q + dy->halo) * 8;
        for (int j = 0; j < run; j++, i++, at += 8) {
            UNROLL for (int t = 0; t < VECTORS; t++)
                value[i * VECTORS + t] = LOAD_DY(at, t);
            UNROLL for (int t = 0; t < 2 * KT; t++) ZOE_PREFETCH(at + plane[t] + UNIT * 8);
            from[i] = x_from + p * x_row + (q + j) * x_step;
        }
        q = 0;
        if (++p < dy->H) continue;
        p = 0;
        image += (size_t)dy->C8 * dy->plane;
        x_from += x_image;
    }
}

/* A vector of filters keeps what belongs to the first `left` blocks of 8. */
static inline void drop(lanes *sum, int left, int t)
{
#if ZOE_LANES == 16
    if (2 * t + 1 >= left) sum->hi = (float8)(0.0f); /* its lower half is always there */
#else
    if (t >= left) *sum = (lanes)(0.0f);
#endif
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void conv2d_direct_weights(
    __global const float *restrict x, int XC8, int XH, int XW, int XP, __global const float *restrict dy, int YC8,
    int YH, int YW, int YP, __global float *restrict dw, int dw_first, int part_floats, int add, int images, int pad_h,
    int pad_w, int stride_h, int stride_w, int R, int S, int C, int c_blocks, int k_blocks, int k_first, int k_tiles,
    int c_each, int k_each, int units_each)
{
    const int c_chunks = (c_blocks + c_each - 1) / c_each, k_chunks = (k_tiles + k_each - 1) / k_each;
    const int item = get_group_id(0), c_chunk = item % c_chunks, k_chunk = item / c_chunks % k_chunks;
    const int group = item / c_chunks / k_chunks;
    const int c_begin = c_chunk * c_each, c_end = min(c_begin + c_each, c_blocks);
    const int k_begin = k_chunk * k_each, k_end = min(k_begin + k_each, k_tiles);
    const int x_pitch = (XW + 2 * XP) * PIXEL_FLOATS, x_plane = (XH + 2 * XP) * x_pitch, x_image = XC8 * x_plane;
    const gradient source = {dy, YC8, YH, YW, YP, (YW + 2 * YP) * 8, (YH + 2 * YP) * (YW + 2 * YP) * 8};
    const int w_block = c_blocks * R * S * 128;
    const int pixels = images * YH * YW, begin = get_group_id(1) * units_each * UNIT;
    const int end = min(pixels, begin + units_each * UNIT);
    const int neighbours = PLANAR ? S : S * 8;
    lanes value[UNIT * VECTORS];
    int from[UNIT];

    for (int unit = begin; unit < end; unit += UNIT) {
        const int n0 = unit / (YH * YW), p0 = unit % (YH * YW) / YW, q0 = unit % YW;
        const int count = min((int)UNIT, end - unit);
        const bool fresh = !add && unit == begin;
        for (int tile = k_begin; tile < k_end; tile++) {
            const int kb = group * k_blocks + k_first + tile * KT;
            __global float *own = dw + dw_first + (size_t)get_group_id(1) * part_floats + (size_t)kb * w_block;
            gather(&source, kb, n0, p0, q0, count, value, from, x_image, stride_h * x_pitch, stride_w * PIXEL_FLOATS);
#if PLANAR
            for (int i = 0; fresh && i < R * S * 8; i++) /* channels that are not there */
                if (i % 8 >= C)
                    UNROLL for (int t = 0; t < VECTORS; t++) STORE_LANES((lanes)(0.0f), own + i * 16 + WEIGHT_OFFSET(t));
#endif
            for (int c = PLANAR ? 0 : c_begin; c < (PLANAR ? C : c_end); c++)
                for (int r0 = 0; r0 < R; r0 += TAP_ROWS)
                    for (int j0 = 0; j0 < neighbours; j0 += TAP_COLUMNS) {
                        const int r1 = min(r0, R - TAP_ROWS), j1 = min(j0, neighbours - TAP_COLUMNS);
                        const int plane_x = c + (PLANAR ? 0 : group * c_blocks);
                        __global const float *in = x + (size_t)n0 * x_image + (size_t)plane_x * x_plane
                                                   + (r1 - pad_h + XP) * x_pitch + (XP - pad_w) * PIXEL_FLOATS + j1;
                        __global float *to =
                            own + r1 * S * 128 + j1 * NEIGHBOUR_WEIGHTS + c * (PLANAR ? 16 : R * S * 128);
                        lanes sum[TAPS][VECTORS];
                        UNROLL for (int i = 0; i < TAPS; i++)
                            UNROLL for (int t = 0; t < VECTORS; t++) sum[i][t] = (lanes)(0.0f);
                        for (int i = 0; i < count; i++) {
                            __global const float *row[TAP_ROWS];
                            UNROLL for (int j = 0; j < TAP_ROWS; j++) row[j] = in + from[i] + j * x_pitch;
                            if (TAPS == 8) ZOE_PREFETCH(row[0] + UNIT * 8); /* 1x1: x is read once a tile of filters */
                            UNROLL for (int j = 0; j < TAPS; j++) {
                                const lanes input = (lanes)(row[j / TAP_COLUMNS][j % TAP_COLUMNS]);
                                UNROLL for (int t = 0; t < VECTORS; t++)
                                    sum[j][t] = fma(input, value[i * VECTORS + t], sum[j][t]);
                            }
                        }
                        UNROLL for (int i = 0; i < TAPS; i++) {
                            if (r1 + i / TAP_COLUMNS < r0 || j1 + i % TAP_COLUMNS < j0) continue;
                            __global float *out = to + i / TAP_COLUMNS * S * 128 + i % TAP_COLUMNS * NEIGHBOUR_WEIGHTS;
                            UNROLL for (int t = 0; t < VECTORS; t++) {
                                drop(&sum[i][t], YC8 - kb * 2, t);
                                if (!fresh) sum[i][t] += LOAD_LANES(out + WEIGHT_OFFSET(t));
                                STORE_LANES(sum[i][t], out + WEIGHT_OFFSET(t));
                            }
                        }
                    }
        }
    }
}
