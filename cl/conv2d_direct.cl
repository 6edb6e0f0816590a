/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution without a column buffer, for the vector family: a work-group of one computes tiles of T_ROWS x T_COLS
 * output pixels by 16 KT filters in registers, all taps and channels in one go, so an output is written once.
 *
 *   y[n, k, top + u*step_h, left + v*step_w] = [y before, with ADD] + bias[k]
 *       + sum over c, r, s of x[n, c, u*x_step_h + x_top + r, v*STRIDE + x_left + s] * w[k, c, r, s],   u < U, v < V
 *
 * Forward: step 1, x_top = -pad_h, x_step_h = stride_h, STRIDE = stride_w. Backward-data is the same sum over dy with
 * turned and transposed weights, one launch for each phase of the stride (step = stride, STRIDE = 1).
 *
 * Weights: w[K/16][C/8][R][S][8][16] of one group after the other. The two vectors of 8 channels are joined when
 * 16 lanes are wide; memory is nChw8c always.
 *
 * Compiled for a class, never for a size: T_ROWS, T_COLS (rows are counted over all images), KT, STRIDE, CHANNELS (that
 * are not zero in a block: 8, or C below 8), PLANAR (x is [N][C][H][W]).
 * filters_first: neighbouring work-groups have the same pixels (else the same filters), to share what is larger.
 * Rows and columns past the edge are computed twice, from clamped positions, and stored once. */

#define UNROLL _Pragma("unroll")
#define PIXELS (T_ROWS * T_COLS)

#if ZOE_LANES == 16
typedef float16 lanes;
typedef int16 lanes_int;
#define VECTORS KT
#else
typedef float8 lanes;
typedef int8 lanes_int;
#define VECTORS (2 * KT)
#endif
/* Pixels lie at multiples of 8 floats, weights and biases at multiples of 16: aligned for what is read there. */
#define LANES_AT(p) (*(__global const lanes *)(p))
#define BLOCK_AT(p) (*(__global float8 *)(p))

#if PLANAR
#define PIXEL_FLOATS 1
#define BLOCK_CHANNELS 1 /* channels of one step of the outer loop */
#else
#define PIXEL_FLOATS 8
#define BLOCK_CHANNELS CHANNELS
#endif

enum { RELU = 1, ADD = 2, BIAS = 4, MOMENTS = 8 };

/* Where the t-th vector of filters of a tile starts, from the tile's first weight. */
#define WEIGHT_OFFSET(t) (((t) * ZOE_LANES / 16) * w_block + ((t) * ZOE_LANES) % 16)

/* ---- the epilogue: what becomes of a tile's sums before they are stored. The one place where it may be more ---- */

typedef struct place {
    __global float *row[T_ROWS]; /* of y: first column of the tile, first block of its filters; NULL: row of no use */
    int first;                   /* columns before it were the neighbour's */
    int plane, step;             /* floats from block to block and from column to column */
    int left;                    /* blocks of 8 filters that there are */
} place;

#if ZOE_LANES == 16
#define BLOCKS_OF(t) (2 * (t))
#define ADD_AT(p, sum) sum += (lanes)(BLOCK_AT(p), left > 1 ? BLOCK_AT((p) + to->plane) : (float8)(0.0f))
#else
#define BLOCKS_OF(t) (t)
#define ADD_AT(p, sum) sum += BLOCK_AT(p)
#endif

/* Vector by vector, so that neighbours in memory are written one after the other. */
static inline void finish_tile(lanes sum[PIXELS][VECTORS], const place *to, int flags)
{
    UNROLL for (int t = 0; t < VECTORS; t++) {
        const int left = to->left - BLOCKS_OF(t);
        if (left <= 0) continue;
        if (flags & ADD)
            UNROLL for (int i = 0; i < PIXELS; i++)
                if (to->row[i / T_COLS] && i % T_COLS >= to->first)
                    ADD_AT(to->row[i / T_COLS] + i % T_COLS * to->step + BLOCKS_OF(t) * to->plane, sum[i][t]);
        if (flags & RELU)
            UNROLL for (int i = 0; i < PIXELS; i++) /* a NaN stays */
                sum[i][t] = select(sum[i][t], (lanes)(0.0f), (lanes_int)(sum[i][t] < (lanes)(0.0f)));
#if ZOE_LANES == 16
        UNROLL for (int side = 0; side < 2; side++)
#else
        const int side = 0;
#endif
            if (side < left)
                UNROLL for (int i = 0; i < PIXELS; i++)
                    if (to->row[i / T_COLS] && i % T_COLS >= to->first)
                        BLOCK_AT(to->row[i / T_COLS] + i % T_COLS * to->step + (BLOCKS_OF(t) + side) * to->plane) =
#if ZOE_LANES == 16
                            side ? sum[i][t].hi : sum[i][t].lo;
#else
                            sum[i][t];
#endif
    }
}

/* Sums over the work-group's outputs so far of their distances from `origin`, and of the squares: with MOMENTS. origin
 * is the mean of the first tile, so that a large mean costs no digits. */
typedef struct tile_moments {
    lanes origin[VECTORS], sum[VECTORS], squares[VECTORS];
    float count;
} tile_moments;

static inline void add_moments(tile_moments *m, lanes sum[PIXELS][VECTORS], const place *to)
{
    float valid[PIXELS], count = 0.0f;
    UNROLL for (int i = 0; i < PIXELS; i++) {
        valid[i] = to->row[i / T_COLS] && i % T_COLS >= to->first ? 1.0f : 0.0f;
        count += valid[i];
    }
    if (m->count == 0.0f)
        for (int t = 0; t < VECTORS; t++) {
            lanes mean = (lanes)(0.0f);
            UNROLL for (int i = 0; i < PIXELS; i++) mean += sum[i][t] * valid[i];
            m->origin[t] = mean / count;
        }
    m->count += count;
    UNROLL for (int t = 0; t < VECTORS; t++) {
        lanes sums[2] = {(lanes)(0.0f), (lanes)(0.0f)}, squares[2] = {(lanes)(0.0f), (lanes)(0.0f)};
        UNROLL for (int i = 0; i < PIXELS; i++) {
            const lanes distance = (sum[i][t] - m->origin[t]) * valid[i];
            sums[i % 2] += distance;
            squares[i % 2] = fma(distance, distance, squares[i % 2]);
        }
        m->sum[t] += sums[0] + sums[1];
        m->squares[t] += squares[0] + squares[1];
    }
}

/* out: [C8][chunks] of mean, squares and count, float8 each; chunk is the work-group's. */
static inline void store_moments(const tile_moments *m, __global float8 *out, int block, int blocks, int chunk,
                                 int chunks)
{
    UNROLL for (int t = 0; t < VECTORS; t++) {
        const lanes shift = m->sum[t] / m->count, mean = m->origin[t] + shift;
        const lanes left = fmax(m->squares[t] - m->sum[t] * shift, (lanes)(0.0f));
#if ZOE_LANES == 16
        const float8 means[2] = {mean.lo, mean.hi}, squares[2] = {left.lo, left.hi};
        for (int side = 0; side < 2; side++) {
#else
        const float8 means[1] = {mean}, squares[1] = {left};
        for (int side = 0; side < 1; side++) {
#endif
            const int at = block + BLOCKS_OF(t) + side;
            if (at >= blocks) continue;
            out[((size_t)at * chunks + chunk) * 3] = means[side];
            out[((size_t)at * chunks + chunk) * 3 + 1] = squares[side];
            out[((size_t)at * chunks + chunk) * 3 + 2] = m->count;
        }
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void conv2d_direct(
    __global const float *restrict x, int XC8, int XH, int XW, int XP, __global const float *restrict w, int w_first,
    __global const float *restrict bias, int flags, __global float *restrict y, int YC8, int YH, int YW, int YP,
    int rows, int U, int V, int top, int left, int step_h, int step_w, int x_top, int x_left, int x_step_h, int R,
    int S, int c_blocks, int k_blocks, int k_first, int k_tiles, int tiles_each, int filters_first,
    __global float8 *restrict moments, int chunks)
{
    const int item_k = get_group_id(filters_first ? 0 : 1), item = get_group_id(filters_first ? 1 : 0);
    const int group = item_k / k_tiles;
    const int kb = group * k_blocks + k_first + item_k % k_tiles * KT;
    const int cb = group * c_blocks;
    const int x_pitch = (XW + 2 * XP) * PIXEL_FLOATS, x_plane = (XH + 2 * XP) * x_pitch;
    const int y_plane = (YH + 2 * YP) * (YW + 2 * YP) * 8;
    const int w_block = c_blocks * R * S * 128;
    const int col_tiles = (V + T_COLS - 1) / T_COLS;
    const int tiles = (rows + T_ROWS - 1) / T_ROWS * col_tiles;
    const int end = min(tiles, (item + 1) * tiles_each);

    tile_moments so_far = {.count = 0.0f};
    for (int t = 0; t < VECTORS; t++) so_far.origin[t] = so_far.sum[t] = so_far.squares[t] = (lanes)(0.0f);
    for (int tile = item * tiles_each; tile < end; tile++) {
        const int row0 = tile / col_tiles * T_ROWS, col0 = tile % col_tiles * T_COLS;
        const int v0 = min(col0, V - T_COLS);
        __global const float *row_x[T_ROWS];
        place to = {.first = col0 - v0, .plane = y_plane, .step = step_w * 8, .left = YC8 - kb * 2};
        UNROLL for (int i = 0; i < T_ROWS; i++) {
            const int row = min(row0 + i, rows - 1), n = row / U, u = row - n * U;
            row_x[i] = x + (size_t)(n * XC8 + cb) * x_plane + (u * x_step_h + x_top + XP) * x_pitch
                       + (v0 * STRIDE + x_left + XP) * PIXEL_FLOATS;
            to.row[i] = y + (size_t)(n * YC8 + kb * 2) * y_plane
                        + ((top + u * step_h + YP) * (YW + 2 * YP) + left + v0 * step_w + YP) * 8;
            if (row0 + i >= rows) to.row[i] = 0;
        }
        lanes sum[PIXELS][VECTORS];
        UNROLL for (int t = 0; t < VECTORS; t++) {
            const lanes first = flags & BIAS ? LANES_AT(bias + kb * 16 + t * ZOE_LANES) : (lanes)(0.0f);
            UNROLL for (int i = 0; i < PIXELS; i++) sum[i][t] = first;
        }

        __global const float *wp = w + w_first + (size_t)kb * w_block;
        for (int c = 0; c < (PLANAR ? CHANNELS : c_blocks); c++) {
#if PLANAR
            wp = w + w_first + (size_t)kb * w_block + c * 16;
#endif
#if !PLANAR
            if (R * S == 1) /* nothing is read twice: ask for the next tile's */
                UNROLL for (int i = 0; i < PIXELS; i += 2)
                    ZOE_PREFETCH(row_x[i / T_COLS] + c * x_plane + (T_COLS + i % T_COLS) * STRIDE * PIXEL_FLOATS);
#endif
            for (int r = 0; r < R; r++) {
                size_t offset = (size_t)(c * x_plane + r * x_pitch);
                for (int s = 0; s < S; s++) {
                    __global const float *in[T_ROWS];
                    UNROLL for (int i = 0; i < T_ROWS; i++) in[i] = row_x[i] + offset;
                    _Pragma("unroll 2") for (int j = 0; j < BLOCK_CHANNELS; j++) { /* by all 8: slow to compile only */
                        lanes filter[VECTORS];
                        UNROLL for (int t = 0; t < VECTORS; t++)
                            filter[t] = LANES_AT(wp + j * 16 + WEIGHT_OFFSET(t));
                        UNROLL for (int i = 0; i < PIXELS; i++) {
                            const lanes value = (lanes)(in[i / T_COLS][i % T_COLS * STRIDE * PIXEL_FLOATS + j]);
                            UNROLL for (int t = 0; t < VECTORS; t++)
                                sum[i][t] = fma(value, filter[t], sum[i][t]);
                        }
                    }
                    wp += 128;
                    offset += PIXEL_FLOATS;
                }
            }
        }

        finish_tile(sum, &to, flags);
        if (flags & MOMENTS) add_moments(&so_far, sum, &to);
    }
    if (flags & MOMENTS) store_moments(&so_far, moments, kb * 2, YC8, item, chunks);
}
