/* SPDX-License-Identifier: Apache-2.0
 *
 * Winograd's convolution for the vector family: output and gradient of x. conv2d_winograd_shared.cl, in front of it,
 * has the formulas. */

/* ---- tiles of the output, and sums over channels ---- */

static inline void store_block(__global float *y, float8 sum, int flags)
{
    if (flags & ADD) sum += vload8(0, y);
    if (flags & RELU) sum = select(sum, (float8)(0.0f), sum < (float8)(0.0f)); /* a NaN stays */
    vstore8(sum, 0, y);
}

/* Sums over the outputs so far of their distances from `origin`, an output, and of the squares: with MOMENTS. */
typedef struct tile_moments {
    lanes origin, sum, squares;
    float count;
} tile_moments;

/* out: [C8][chunks] of mean, squares and count, float8 each. */
static inline void store_moments(const tile_moments *m, __global float8 *out, int block, int there, int chunk,
                                 int chunks)
{
    const lanes shift = m->sum / m->count, mean = m->origin + shift;
    const lanes left = fmax(m->squares - m->sum * shift, (lanes)(0.0f));
    out += ((size_t)block * chunks + chunk) * 3;
#if ZOE_LANES == 16
    out[0] = mean.lo;
    out[1] = left.lo;
    out[2] = m->count;
    if (there < 2) return;
    out += (size_t)chunks * 3;
    out[0] = mean.hi;
    out[1] = left.hi;
    out[2] = m->count;
#else
    out[0] = mean;
    out[1] = left;
    out[2] = m->count;
#endif
}

/* A^T m A of one tile and one vector of filters, to the `rows` x `columns` pixels at y. block: of 8 filters, of the
 * group's `blocks`. */
static inline void output_tile(__global const float *M, size_t step, __global float *y, int pitch, size_t plane,
                               int rows, int columns, int block, int blocks, lanes bias, int flags,
                               tile_moments *moments)
{
    lanes t[WINO_M][ALPHA];
    ROLL for (int j = 0; j < ALPHA; j++)
    {
        lanes m[ALPHA], v[WINO_M];
        UNROLL for (int i = 0; i < ALPHA; i++) m[i] = LOAD(M + (size_t)(i * ALPHA + j) * step);
        output_1d(m, v);
        UNROLL for (int i = 0; i < WINO_M; i++) t[i][j] = v[i];
    }
    ROLL for (int i = 0; i < WINO_M; i++)
    {
        if (i >= rows) break;
        lanes v[WINO_M];
        output_1d(t[i], v);
        UNROLL for (int j = 0; j < WINO_M; j++)
        {
            if (j >= columns) break;
            const lanes sum = v[j] + bias;
            if (flags & MOMENTS) {
                if (moments->count == 0.0f) moments->origin = sum;
                const lanes distance = sum - moments->origin;
                moments->sum += distance;
                moments->squares = fma(distance, distance, moments->squares);
                moments->count += 1.0f;
            }
            __global float *out = y + i * pitch + j * 8;
#if ZOE_LANES == 16
            store_block(out, sum.lo, flags);
            if (block + 1 < blocks) store_block(out + plane, sum.hi, flags);
#else
            store_block(out, sum, flags);
#endif
        }
    }
}

/* Register tiles: MOST_ROWS tiles x VECTORS fill the registers; FEW_ROWS are for the rest of a block. */
#if ZOE_LANES == 16
#    define MOST_ROWS 14
#    define FEW_ROWS  8
#else
#    define MOST_ROWS 6
#    define FEW_ROWS  4
#endif

/* ROWS tiles of one place by one tile of filters. */
#define MULTIPLY(name, ROWS)                                                                                           \
    static inline void name(__global const float *V, __global const float *w, int channels, int tiles, int add,        \
                            __global float *M)                                                                         \
    {                                                                                                                  \
        lanes sum[ROWS][VECTORS];                                                                                      \
        UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int f = 0; f < VECTORS; f++) sum[i][f] =                     \
            add ? LOAD(M + i * FILTERS + f * ZOE_LANES) : (lanes)(0.0f);                                               \
        for (int c = 0; c < channels; c += ZOE_LANES) {                                                                \
            __global const float *v = V + (size_t)c * tiles;                                                           \
            const int end = min(ZOE_LANES, channels - c);                                                              \
            for (int o = 0; o < end; o += 4, v += 4, w += 4 * FILTERS) {                                               \
                UNROLL for (int u = 0; u < 4; u++)                                                                     \
                {                                                                                                      \
                    lanes filter[VECTORS];                                                                             \
                    UNROLL for (int f = 0; f < VECTORS; f++) filter[f] = LOAD(w + u * FILTERS + f * ZOE_LANES);        \
                    UNROLL for (int i = 0; i < ROWS; i++)                                                              \
                    {                                                                                                  \
                        const lanes value = (lanes)(v[i * ZOE_LANES + u]);                                             \
                        UNROLL for (int f = 0; f < VECTORS; f++) sum[i][f] = fma(value, filter[f], sum[i][f]);         \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        UNROLL for (int i = 0; i < ROWS; i++) UNROLL for (int f = 0; f < VECTORS; f++)                                 \
            STORE(sum[i][f], M + i * FILTERS + f * ZOE_LANES);                                                         \
    }
MULTIPLY(multiply_most, MOST_ROWS)
MULTIPLY(multiply_few, FEW_ROWS)

/* How many of the smaller register tiles leave the fewest rows of `count` tiles empty. */
static inline int few_tiles(int count)
{
    int best = 0, least = INT_MAX;
    for (int few = 0; few * FEW_ROWS < count + FEW_ROWS; few++) {
        const int most = (max(count - few * FEW_ROWS, 0) + MOST_ROWS - 1) / MOST_ROWS;
        const int cost = most * (MOST_ROWS + 1) + few * (FEW_ROWS + 1);
        if (cost < least) best = few, least = cost;
    }
    return best;
}

/* M[place][filters' tile][tiles][filter] (+)= V * U of the places, for k_tiles tiles of filters: those of U are k_step
 * floats apart. M and V have room for whole register tiles. */
static inline void multiply(__global const float *V, size_t v_step, __global const float *U, size_t u_step,
                            size_t k_step, int k_tiles, int channels, int count, int few, int tiles, int add,
                            __global float *M, size_t m_step)
{
    for (int z = 0; z < PLACES; z++, V += v_step, U += u_step, M += m_step)
        for (int k = 0; k < k_tiles; k++) {
            __global const float *u = U + k * k_step;
            __global float *m = M + (size_t)(k * tiles) * FILTERS;
            int t = 0;
            for (; t + few * FEW_ROWS < count; t += MOST_ROWS)
                multiply_most(V + t * ZOE_LANES, u, channels, tiles, add, m + t * FILTERS);
            for (; t < count; t += FEW_ROWS)
                multiply_few(V + t * ZOE_LANES, u, channels, tiles, add, m + t * FILTERS);
        }
}

/* ---- transformed weights ---- */

static inline void turn_round(const float8 *in, float8 *out)
{
    UNROLL for (int i = 0; i < 4; i++)
    {
        const float8 a = in[i], b = in[i + 4];
        out[2 * i] = (float8)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3);
        out[2 * i + 1] = (float8)(a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7);
    }
}

/* The 8 x 8 floats from rows of 16, turned. */
static inline void turn(__global const float *from, float8 *out)
{
    float8 rows[8], other[8];
    UNROLL for (int i = 0; i < 8; i++) rows[i] = vload8(0, from + i * 16);
    turn_round(rows, other);
    turn_round(other, rows);
    turn_round(rows, out);
}

/* One tap of 8 channels and a vector of filters f ..: w[K/16][C/8][taps][8][16], whose C/8 are w_blocks8. TURN: filters
 * are w's channels, channels its filters and taps run backwards. */
static inline void load_tap(__global const float *w, int flags, int w_blocks8, int tap, int block, int f, lanes *out)
{
    if (flags & TURN) {
        float8 half_[PLANES][8];
        UNROLL for (int p = 0; p < PLANES; p++)
        {
            const int there = min(f / 8 + p, w_blocks8 - 1); /* past the last: filters that nobody reads */
            turn(w + (size_t)(block / 2 * w_blocks8 + there) * PAIR + (TAPS - 1 - tap) * 128 + block % 2 * 8, half_[p]);
        }
        UNROLL for (int c = 0; c < 8; c++)
#if ZOE_LANES == 16
            out[c] = (float16)(half_[0][c], half_[1][c]);
#else
            out[c] = half_[0][c];
#endif
    } else {
        w += (size_t)(f / 16 * w_blocks8 + block) * PAIR + tap * 128 + f % 16;
        UNROLL for (int c = 0; c < 8; c++) out[c] = LOAD(w + c * 16);
    }
}

/* G w G^T of 8 channels and a vector of filters, to U[place][channel][FILTERS], places u_step floats apart. */
static inline void filter_block(__global const float *w, int flags, int w_blocks8, int block, int f,
                                __global float *U, size_t u_step)
{
    lanes taps[TAPS][8];
    ROLL for (int tap = 0; tap < TAPS; tap++) load_tap(w, flags, w_blocks8, tap, block, f, taps[tap]);
    ROLL for (int c = 0; c < 8; c++)
    {
        lanes t[ALPHA][WINO_R];
        UNROLL for (int s = 0; s < WINO_R; s++)
        {
            lanes g[WINO_R], u[ALPHA];
            UNROLL for (int r = 0; r < WINO_R; r++) g[r] = taps[r * WINO_R + s][c];
            filter_1d(g, u);
            UNROLL for (int i = 0; i < ALPHA; i++) t[i][s] = u[i];
        }
        ROLL for (int i = 0; i < ALPHA; i++)
        {
            lanes u[ALPHA];
            filter_1d(t[i], u);
            UNROLL for (int j = 0; j < ALPHA; j++) STORE(u[j], U + (size_t)(i * ALPHA + j) * u_step + c * FILTERS);
        }
    }
}

/* U[group][place][filters' tile][channel][filter] = G w G^T. A work-item makes 8 channels of one filters' tile. */
__kernel void conv2d_winograd_filter(__global const float *w, __global float *U, int flags, int groups, int channels8,
                                     int k_tiles, int w_blocks8, int w_blocks16)
{
    const int item = (int)get_global_id(0);
    const int block = item % channels8, k = item / channels8 % k_tiles, group = item / (channels8 * k_tiles);
    if (group >= groups) return;
    const size_t u_step = (size_t)k_tiles * channels8 * 8 * FILTERS;
    for (int f = 0; f < VECTORS; f++)
        filter_block(w + (size_t)group * w_blocks16 * w_blocks8 * PAIR, flags, w_blocks8, block,
                     k * FILTERS + f * ZOE_LANES,
                     U + group * PLACES * u_step + (size_t)(k * channels8 + block) * 8 * FILTERS + f * ZOE_LANES,
                     u_step);
}

/* ---- output and gradient of x ---- */

/* y (YR x YQ pixels of it, from its first) of x. An item is a block of `each` tiles (room for `tiles`) and k_each tiles
 * of filters of one group; it goes through c_each vectors of channels at a time. Work-groups take items by turns.
 * U as made by conv2d_winograd_filter, or with FILTER the weights w themselves, which are transformed on the way: where
 * tiles are few that costs less than to read U, which is up to four times as large. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_winograd(__global const float *restrict x, int XC8, int XH, int XW, int XP, __global const float *restrict U,
                int w_blocks8, int w_blocks16, __global const float *restrict bias, int flags,
                __global float *restrict y, int YC8, int YH, int YW, int YP, int images, int YR, int YQ, int top,
                int left, int groups, int c_blocks, int y_blocks, int k_tiles, int each, int tiles, int c_each,
                int k_each, __global float *restrict scratch, int scratch_first, int scratch_each,
                __global float8 *restrict partial)
{
    const int tile_rows = (YR + WINO_M - 1) / WINO_M, tile_columns = (YQ + WINO_M - 1) / WINO_M;
    const int all = images * tile_rows * tile_columns, blocks = (all + each - 1) / each;
    const int k_parts = (k_tiles + k_each - 1) / k_each, items = groups * k_parts * blocks;
    const int c_vectors = (c_blocks + PLANES - 1) / PLANES, channels = c_blocks * 8;
    const size_t v_step = (size_t)c_each * tiles * ZOE_LANES + Z_PAD;
    const size_t m_step = (size_t)k_each * tiles * FILTERS + Z_PAD;
    const size_t u_step = flags & FILTER ? c_each * ZOE_LANES * FILTERS + Z_PAD : (size_t)k_tiles * channels * FILTERS;
    const int pitch = (YW + 2 * YP) * 8;
    const size_t plane = (size_t)(YH + 2 * YP) * pitch;
    __global float *V = scratch + scratch_first + (size_t)get_group_id(0) * scratch_each, *M = V + PLACES * v_step;
    __global float *made = M + PLACES * m_step;

    for (int item = get_group_id(0); item < items; item += get_num_groups(0)) {
        const int part = item / blocks, group = part / k_parts, k0 = part % k_parts * k_each;
        const int k1 = min(k0 + k_each, k_tiles), t0 = item % blocks * each, count = min(each, all - t0);
        const int few = few_tiles(count);
        for (int c0 = 0; c0 < c_vectors; c0 += c_each) {
            const int c1 = min(c0 + c_each, c_vectors), first = c0 * PLANES, end = min(c1 * PLANES, c_blocks);
            input_block(x, XC8, XH, XW, XP, group * c_blocks, c_blocks, c0, c1, tile_rows, tile_columns, top, left, t0,
                        count, tiles, V, v_step);
            if (!(flags & FILTER)) {
                multiply(V, v_step, U + group * PLACES * u_step + (size_t)(k0 * channels + first * 8) * FILTERS, u_step,
                         (size_t)channels * FILTERS, k1 - k0, (end - first) * 8, count, few, tiles, c0 > 0, M, m_step);
                continue;
            }
            __global const float *w = U + (size_t)group * w_blocks16 * w_blocks8 * PAIR;
            for (int k = k0; k < k1; k++) {
                for (int i = 0; i < (end - first) * VECTORS; i++)
                    filter_block(w, flags, w_blocks8, first + i / VECTORS, k * FILTERS + i % VECTORS * ZOE_LANES,
                                 made + i / VECTORS * 8 * FILTERS + i % VECTORS * ZOE_LANES, u_step);
                multiply(V, v_step, made, u_step, 0, 1, (end - first) * 8, count, few, tiles, c0 > 0,
                         M + (size_t)(k - k0) * tiles * FILTERS, m_step);
            }
        }
        for (int f = 0; f < (k1 - k0) * VECTORS; f++) {
            const int block = (k0 * VECTORS + f) * PLANES;
            if (block >= y_blocks) break;
            /* bias has a float for each lane of whole blocks of 16 filters */
            const lanes b = flags & BIAS ? LOAD(bias + (group * y_blocks + block) * 8) : (lanes)(0.0f);
            __global const float *m = M + (size_t)(f / VECTORS * tiles) * FILTERS + f % VECTORS * ZOE_LANES;
            tile_moments moments = {(lanes)(0.0f), (lanes)(0.0f), (lanes)(0.0f), 0.0f};
            const size_t next_plane = block + 1 < y_blocks ? plane : 0;
            place at = place_of(t0, tile_rows, tile_columns), ahead = place_of(t0 + AHEAD, tile_rows, tile_columns);
            for (int t = 0; t < count; t++, m += FILTERS, next_place(&at, tile_rows, tile_columns)) {
                const int p = at.th * WINO_M, q = at.tw * WINO_M;
                int row[WINO_M];
                tile_offsets(ahead.th * WINO_M + YP, YH + 2 * YP, pitch, WINO_M, row);
                tile_ahead(y + (size_t)(ahead.n * YC8 + group * y_blocks + block) * plane +
                               (ahead.tw * WINO_M + YP) * 8,
                           row, WINO_M, next_plane);
                next_place(&ahead, tile_rows, tile_columns);
                output_tile(m, m_step,
                            y + (size_t)(at.n * YC8 + group * y_blocks + block) * plane + (p + YP) * pitch +
                                (q + YP) * 8,
                            pitch, plane, YR - p, YQ - q, block, y_blocks, b, flags, &moments);
            }
            if (flags & MOMENTS)
                store_moments(&moments, partial, group * y_blocks + block, y_blocks - block, item % blocks, blocks);
        }
    }
}
