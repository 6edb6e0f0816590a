/* SPDX-License-Identifier: Apache-2.0
 *
 * Winograd's convolution for the vector family: gradient of the weights. conv2d_winograd_shared.cl, in front of it, has
 * the formulas. */

#define CHANNELS (ZOE_LANES / 2) /* of a register tile */

/* A dy A^T of one tile and one vector of filters, to Z[place][...]. */
static inline void gradient_tile(__global const float *dy, const int *row, const int *column, size_t next_plane,
                                 __global float *Z, size_t step)
{
    lanes t[ALPHA][WINO_M];
    ROLL for (int j = 0; j < WINO_M; j++)
    {
        lanes d[WINO_M], m[ALPHA];
        UNROLL for (int i = 0; i < WINO_M; i++) d[i] = load_planes(dy + row[i] + column[j], next_plane);
        spread_1d(d, m);
        UNROLL for (int i = 0; i < ALPHA; i++) t[i][j] = m[i];
    }
    ROLL for (int i = 0; i < ALPHA; i++)
    {
        lanes m[ALPHA];
        spread_1d(t[i], m);
        UNROLL for (int j = 0; j < ALPHA; j++) STORE(m[j], Z + (size_t)(i * ALPHA + j) * step);
    }
}

/* dU[place][filters' tile][channel][filter] (+)= sum over tiles of V * Z, for the first `channels` and k_tiles of a
 * chunk; dU's places are u_step floats apart, its tiles of filters k_step. */
static inline void accumulate(__global const float *V, size_t v_step, __global const float *Z, size_t z_step,
                              int channels, int k_tiles, int count, int tiles, int add, __global float *dU,
                              size_t u_step, size_t k_step)
{
    for (int z = 0; z < PLACES; z++)
        for (int k = 0; k < k_tiles; k++)
            for (int c = 0; c < channels; c += CHANNELS) {
                __global const float *v = V + z * v_step + (size_t)(c / ZOE_LANES * tiles) * ZOE_LANES + c % ZOE_LANES;
                __global const float *g = Z + z * z_step + (size_t)(k * tiles) * FILTERS;
                lanes sum[CHANNELS][VECTORS];
                UNROLL for (int i = 0; i < CHANNELS; i++) UNROLL for (int f = 0; f < VECTORS; f++) sum[i][f] =
                    (lanes)(0.0f);
                for (int t = 0; t < count; t++, v += ZOE_LANES, g += FILTERS) {
                    lanes gradient[VECTORS];
                    UNROLL for (int f = 0; f < VECTORS; f++) gradient[f] = LOAD(g + f * ZOE_LANES);
                    UNROLL for (int i = 0; i < CHANNELS; i++)
                    {
                        const lanes value = (lanes)(v[i]);
                        UNROLL for (int f = 0; f < VECTORS; f++) sum[i][f] = fma(value, gradient[f], sum[i][f]);
                    }
                }
                __global float *d = dU + z * u_step + k * k_step + (size_t)c * FILTERS;
                UNROLL for (int i = 0; i < CHANNELS; i++) UNROLL for (int f = 0; f < VECTORS; f++)
                {
                    __global float *out = d + i * FILTERS + f * ZOE_LANES;
                    STORE(add ? LOAD(out) + sum[i][f] : sum[i][f], out);
                }
            }
}

/* dw (+)= G^T dU G of one channel and a vector of filters, of which the first `left` blocks of 8 are there: the others
 * get zeros, so that the optimiser leaves them alone. */
static inline void join_vector(__global const float *dU, size_t u_step, __global float *dw, int left, int add)
{
    lanes t[WINO_R][ALPHA];
    ROLL for (int j = 0; j < ALPHA; j++)
    {
        lanes u[ALPHA], g[WINO_R];
        UNROLL for (int i = 0; i < ALPHA; i++) u[i] = LOAD(dU + (i * ALPHA + j) * u_step);
        taps_1d(u, g);
        UNROLL for (int r = 0; r < WINO_R; r++) t[r][j] = g[r];
    }
    ROLL for (int r = 0; r < WINO_R; r++)
    {
        lanes g[WINO_R];
        taps_1d(t[r], g);
        UNROLL for (int s = 0; s < WINO_R; s++)
        {
            __global float *out = dw + (r * WINO_R + s) * 128;
            if (left < 1) g[s] = (lanes)(0.0f);
#if ZOE_LANES == 16
            if (left < 2) g[s].hi = (float8)(0.0f);
#endif
            STORE(add ? LOAD(out) + g[s] : g[s], out);
        }
    }
}

/* dw[K/16][C/8][R][S][8][16] (+)= G^T dU G. An item is one part of the tiles, one group, c_each vectors of channels and
 * k_each tiles of filters. Work-groups take as many items, one after the other; part p has blocks p * part_blocks .. of
 * `tiles` tiles. dU stays in the work-group's scratch at work + scratch_first; with several parts dw is that of part 0,
 * the others follow at part_floats each, for sum_parts. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd_weights(__global const float *restrict x, int XC8, int XH, int XW, int XP,
                        __global const float *restrict dy, int YC8, int YH, int YW, int YP, __global float *work,
                        int scratch_first, int scratch_each, __global float *dw, int dw_first, int part_floats,
                        int flags, int images, int top, int left, int groups, int c_blocks, int y_blocks, int k_tiles,
                        int tiles, int part_blocks, int parts, int c_each, int k_each)
{
    const int tile_rows = (YH + WINO_M - 1) / WINO_M, tile_columns = (YW + WINO_M - 1) / WINO_M;
    const int all = images * tile_rows * tile_columns;
    const int c_vectors = (c_blocks + PLANES - 1) / PLANES, c_chunks = (c_vectors + c_each - 1) / c_each;
    const int k_chunks = (k_tiles + k_each - 1) / k_each, channels = c_blocks * 8;
    const int items = parts * groups * k_chunks * c_chunks;
    const size_t v_step = (size_t)c_each * tiles * ZOE_LANES + Z_PAD, z_step = (size_t)k_each * tiles * FILTERS + Z_PAD;
    const int pitch = (YW + 2 * YP) * 8;
    const size_t plane = (size_t)(YH + 2 * YP) * pitch;
    const int id = get_group_id(0), ids = get_num_groups(0);
    const size_t k_step = (size_t)c_each * ZOE_LANES * FILTERS, u_step = k_each * k_step + Z_PAD;
    __global float *V = work + scratch_first + (size_t)id * scratch_each;
    __global float *Z = V + PLACES * v_step, *dU = Z + PLACES * z_step;
    int kept = -1; /* whose only block of tiles is in V */

    for (int item = items / ids * id + min(id, items % ids), n = items / ids + (id < items % ids); n > 0; item++, n--) {
        const int k_chunk = item % k_chunks, rest = item / k_chunks, c_chunk = rest % c_chunks;
        const int group = rest / c_chunks % groups, part = rest / (c_chunks * groups);
        const int c0 = c_chunk * c_each, c1 = min(c0 + c_each, c_vectors);
        const int k0 = k_chunk * k_each, k1 = min(k0 + k_each, k_tiles);
        const int here = min(c1 * ZOE_LANES, channels) - c0 * ZOE_LANES;
        const int start = part * part_blocks * tiles, end = min(all, start + part_blocks * tiles);
        for (int t0 = start; t0 < end; t0 += tiles) {
            const int count = min(tiles, end - t0);
            if (kept != rest)
                input_block(x, XC8, XH, XW, XP, group * c_blocks, c_blocks, c0, c1, tile_rows, tile_columns, top, left,
                            t0, count, tiles, V, v_step);
            if (part_blocks == 1) kept = rest;
            for (int f = 0; f < (k1 - k0) * VECTORS; f++) {
                const int block = (k0 * VECTORS + f) * PLANES, there = min(block, y_blocks - 1);
                const size_t next_plane = block + 1 < y_blocks ? plane : 0;
                __global float *to = Z + (size_t)(f / VECTORS * tiles) * FILTERS + f % VECTORS * ZOE_LANES;
                place at = place_of(t0, tile_rows, tile_columns), ahead = place_of(t0 + AHEAD, tile_rows, tile_columns);
                for (int t = 0; t < count; t++, to += FILTERS, next_place(&at, tile_rows, tile_columns)) {
                    int row[WINO_M], column[WINO_M];
                    tile_offsets(ahead.th * WINO_M + YP, YH + 2 * YP, pitch, WINO_M, row);
                    tile_ahead(dy + (size_t)(ahead.n * YC8 + group * y_blocks + there) * plane +
                                   (ahead.tw * WINO_M + YP) * 8,
                               row, WINO_M, next_plane);
                    next_place(&ahead, tile_rows, tile_columns);
                    tile_offsets(at.th * WINO_M + YP, YH + 2 * YP, pitch, WINO_M, row);
                    tile_offsets(at.tw * WINO_M + YP, YW + 2 * YP, 8, WINO_M, column);
                    gradient_tile(dy + (size_t)(at.n * YC8 + group * y_blocks + there) * plane, row, column, next_plane,
                                  to, z_step);
                }
            }
            accumulate(V, v_step, Z, z_step, here, k1 - k0, count, tiles, t0 > start, dU, u_step, k_step);
        }
        for (int i = 0; i < (k1 - k0) * VECTORS * here; i++) {
            const int c = i % here, f = i / here * ZOE_LANES; /* of the chunk */
            const int k16 = group * k_tiles * KT + k0 * KT + f / 16;
            join_vector(dU + f / FILTERS * k_step + (size_t)c * FILTERS + f % FILTERS, u_step,
                        dw + dw_first + (size_t)part * part_floats +
                            (size_t)(k16 * c_blocks + c0 * PLANES + c / 8) * PAIR + c % 8 * 16 + f % 16,
                        y_blocks - (k0 * FILTERS + f) / 8, flags & ADD);
        }
    }
}
