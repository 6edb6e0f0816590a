/* SPDX-License-Identifier: Apache-2.0
 *
 * Winograd's convolution F(M x M, R x R), stride 1, for the vector family. With six points (M + R - 1 = ALPHA = 6) or
 * four (0, 1, -1, infinity) and tiles of ALPHA x ALPHA inputs that step by M:
 *
 *   y tile  = A^T [ sum over c of (G w G^T) * (B^T x B) ] A          * : element by element, at ALPHA^2 places
 *   dw      = G^T [ sum over tiles of (B^T x B) * (A dy A^T) ] G
 *
 * so a tile costs ALPHA^2 multiplications for each pair of channel and filter instead of M^2 R^2. dx is the first sum
 * over dy with turned weights. A work-group of one takes blocks of tiles: transform, ALPHA^2 small matrix products in
 * registers, transform back; what lies between stays in its own part of the workspace, in the cache.
 *
 * The order of every sum follows from the shape alone: work-groups share outputs, never the terms of one.
 *
 * Compiled for a class: WINO_M, WINO_R, KT (blocks of 16 filters of a register tile). Memory is nChw8c; with 16 lanes
 * two neighbouring planes are joined. Tiles past the edge read the zero halo (rows and columns are clamped to it) and
 * are not stored. Source: Lavin and Gray, arXiv:1509.09308. */

#define UNROLL  _Pragma("unroll")
/* The loop over rows or columns of a transform: 8 times the code would take PoCL 2 s a kernel and win 2 % at most. */
#define ROLL _Pragma("nounroll")
#define ALPHA   (WINO_M + WINO_R - 1)
#define PLACES  (ALPHA * ALPHA)
#define FILTERS (16 * KT)
#define VECTORS (FILTERS / ZOE_LANES)
#define PLANES  (ZOE_LANES / 8)
#define Z_PAD   16 /* floats between the places: powers of two would share cache sets */

#if ZOE_LANES == 16
typedef float16 lanes;
#    define LOAD(p)     vload16(0, p)
#    define STORE(v, p) (*(__global float16 *)(p) = (v)) /* aligned; PoCL's vstore16 stores three pieces */
#else
typedef float8 lanes;
#    define LOAD(p)     vload8(0, p)
#    define STORE(v, p) vstore8(v, 0, p)
#endif

enum { RELU = 1, ADD = 2, BIAS = 4, TURN = 8, MOMENTS = 16, FILTER = 32 };

/* ---- the transforms of one row or column ---- */

/* The points 0, A, -A, B, -B, infinity. Chosen for their error among those whose powers are exact: with 1 and 2 its
 * squares are about 3 to 8 times larger (docs/numerics.md). */
#define A  0.625f
#define B  1.375f
#define A2 (A * A)
#define B2 (B * B)

/* v = B^T d: the products of (x - p) over all other points. */
static inline void input_1d(const lanes *d, lanes *v)
{
#if ALPHA == 6
    const lanes even_a = fma((lanes)(-B2), d[2], d[4]), odd_a = fma((lanes)(-B2), d[1], d[3]);
    const lanes even_b = fma((lanes)(-A2), d[2], d[4]), odd_b = fma((lanes)(-A2), d[1], d[3]);
    v[0] = fma((lanes)(A2 * B2), d[0], fma((lanes)(-A2 - B2), d[2], d[4]));
    v[1] = fma((lanes)(A), odd_a, even_a);
    v[2] = fma((lanes)(-A), odd_a, even_a);
    v[3] = fma((lanes)(B), odd_b, even_b);
    v[4] = fma((lanes)(-B), odd_b, even_b);
    v[5] = fma((lanes)(A2 * B2), d[1], fma((lanes)(-A2 - B2), d[3], d[5]));
#else
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
#endif
}

/* y = A^T m: powers of the points. */
static inline void output_1d(const lanes *m, lanes *y)
{
#if ALPHA == 6
    const lanes even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
#    if WINO_M == 4
    y[1] = fma((lanes)(B), odd_b, A * odd_a);
    y[2] = fma((lanes)(B2), even_b, A2 * even_a);
    y[3] = fma((lanes)(B2 * B), odd_b, fma((lanes)(A2 * A), odd_a, m[5]));
#    else
    y[1] = fma((lanes)(B), odd_b, fma((lanes)(A), odd_a, m[5]));
#    endif
#else
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
#endif
}

/* m = A y */
static inline void spread_1d(const lanes *y, lanes *m)
{
    m[0] = y[0];
#if ALPHA == 6
#    if WINO_M == 4
    const lanes even_a = fma((lanes)(A2), y[2], y[0]), odd_a = A * fma((lanes)(A2), y[3], y[1]);
    const lanes even_b = fma((lanes)(B2), y[2], y[0]), odd_b = B * fma((lanes)(B2), y[3], y[1]);
#    else
    const lanes even_a = y[0], odd_a = A * y[1], even_b = y[0], odd_b = B * y[1];
#    endif
    m[1] = even_a + odd_a;
    m[2] = even_a - odd_a;
    m[3] = even_b + odd_b;
    m[4] = even_b - odd_b;
    m[5] = y[WINO_M - 1];
#else
    m[1] = y[0] + y[1];
    m[2] = y[0] - y[1];
    m[3] = -y[1];
#endif
}

/* u = G g: G[i][s] = f[i] p[i]^s, f[i] = 1 / product of (p[i] - p) over the other finite points; infinity's row is a
 * unit. The rows of p and -p share their even and odd powers. */
#define F_0 (1.0f / (A2 * B2))
#define F_A (1.0f / (2.0f * A2 * (A2 - B2)))
#define F_B (1.0f / (2.0f * B2 * (B2 - A2)))
static inline void filter_1d(const lanes *g, lanes *u)
{
#if ALPHA == 6
    lanes even_a = fma((lanes)(F_A * A2), g[2], F_A * g[0]), even_b = fma((lanes)(F_B * B2), g[2], F_B * g[0]);
    lanes odd_a = F_A * A * g[1], odd_b = F_B * B * g[1];
#    if WINO_R == 5
    even_a = fma((lanes)(F_A * A2 * A2), g[4], even_a), even_b = fma((lanes)(F_B * B2 * B2), g[4], even_b);
    odd_a = fma((lanes)(F_A * A * A2), g[3], odd_a), odd_b = fma((lanes)(F_B * B * B2), g[3], odd_b);
#    endif
    u[0] = F_0 * g[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[WINO_R - 1];
#else
    const lanes even = 0.5f * (g[0] + g[2]);
    u[0] = g[0];
    u[1] = fma((lanes)(0.5f), g[1], even);
    u[2] = fma((lanes)(-0.5f), g[1], even);
    u[3] = g[2];
#endif
}

/* g = G^T u */
static inline void taps_1d(const lanes *u, lanes *g)
{
#if ALPHA == 6
    const lanes even_a = F_A * (u[1] + u[2]), odd_a = F_A * A * (u[1] - u[2]);
    const lanes even_b = F_B * (u[3] + u[4]), odd_b = F_B * B * (u[3] - u[4]);
    g[0] = fma((lanes)(F_0), u[0], even_a + even_b);
    g[1] = odd_a + odd_b;
    g[2] = fma((lanes)(A2), even_a, B2 * even_b);
#    if WINO_R == 5
    g[3] = fma((lanes)(A2), odd_a, B2 * odd_b);
    g[4] = fma((lanes)(A2 * A2), even_a, B2 * B2 * even_b);
#    endif
    g[WINO_R - 1] += u[5];
#else
    const lanes even = 0.5f * (u[1] + u[2]);
    g[0] = u[0] + even;
    g[1] = 0.5f * (u[1] - u[2]);
    g[2] = even + u[3];
#endif
}

/* ---- blocks of tiles ---- */

/* Offsets of a tile's rows or columns from the start of a plane; past its end lies the halo's last. */
static inline void tile_offsets(int first, int size, int step, int count, int *offset)
{
    UNROLL for (int i = 0; i < count; i++) offset[i] = min(first + i, size - 1) * step;
}

static inline lanes load_planes(__global const float *p, size_t next_plane)
{
#if ZOE_LANES == 16
    return (float16)(vload8(0, p), vload8(0, p + next_plane));
#else
    return vload8(0, p);
#endif
}

/* B^T x B of one tile and one vector of channels, to V[place][...]. */
static inline void input_tile(__global const float *x, const int *row, const int *column, size_t next_plane,
                              __global float *V, size_t step)
{
    lanes t[ALPHA][ALPHA];
    ROLL for (int j = 0; j < ALPHA; j++)
    {
        lanes d[ALPHA], v[ALPHA];
        UNROLL for (int i = 0; i < ALPHA; i++) d[i] = load_planes(x + row[i] + column[j], next_plane);
        input_1d(d, v);
        UNROLL for (int i = 0; i < ALPHA; i++) t[i][j] = v[i];
    }
    ROLL for (int i = 0; i < ALPHA; i++)
    {
        lanes v[ALPHA];
        input_1d(t[i], v);
        UNROLL for (int j = 0; j < ALPHA; j++) STORE(v[j], V + (size_t)(i * ALPHA + j) * step);
    }
}

/* Where a tile lies; the next one is its neighbour to the right, or the first of the next row or image. */
typedef struct place {
    int n, th, tw;
} place;

static inline place place_of(int tile, int rows, int columns)
{
    const int n = tile / (rows * columns), rest = tile - n * rows * columns;
    return (place){n, rest / columns, rest % columns};
}

static inline void next_place(place *at, int rows, int columns)
{
    if (++at->tw < columns) return;
    at->tw = 0;
    if (++at->th < rows) return;
    at->th = 0;
    at->n++;
}

/* Asks for what a tile is the first to read: the first WINO_M columns of its rows. Its rows are too short, and too many
 * at a time, for the hardware to foresee. */
enum { AHEAD = 6 };
static inline void tile_ahead(__global const float *p, const int *row, int rows, size_t next_plane)
{
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int f = 0; f < WINO_M * 8; f += 16)
    {
        ZOE_PREFETCH(p + row[i] + f);
        if (PLANES == 2) ZOE_PREFETCH(p + row[i] + next_plane + f);
    }
}

/* The tiles t0 .. t0 + count of all images: blocks c0 .. c1 of ZOE_LANES channels, to V[place][block][tiles][lane].
 * Tiles are the inner loop: memory is read along few rows at a time, as the hardware can foresee. */
static inline void input_block(__global const float *x, int planes, int XH, int XW, int XP, int plane0, int c_blocks,
                               int c0, int c1, int tile_rows, int tile_columns, int top, int left, int t0, int count,
                               int tiles, __global float *V, size_t step)
{
    const int pitch = (XW + 2 * XP) * 8;
    const size_t plane = (size_t)(XH + 2 * XP) * pitch;
    for (int c = c0; c < c1; c++) {
        /* a missing second plane of the last pair: the first again, never used */
        const size_t next_plane = c * PLANES + 1 < c_blocks ? plane : 0;
        place at = place_of(t0, tile_rows, tile_columns), ahead = place_of(t0 + AHEAD, tile_rows, tile_columns);
        for (int t = 0; t < count; t++, next_place(&at, tile_rows, tile_columns)) {
            int row[ALPHA], column[ALPHA];
            tile_offsets(ahead.th * WINO_M + top + XP, XH + 2 * XP, pitch, ALPHA, row);
            tile_ahead(x + (size_t)(ahead.n * planes + plane0 + c * PLANES) * plane + (ahead.tw * WINO_M + left + XP) * 8,
                       row, ALPHA, next_plane);
            next_place(&ahead, tile_rows, tile_columns);
            tile_offsets(at.th * WINO_M + top + XP, XH + 2 * XP, pitch, ALPHA, row);
            tile_offsets(at.tw * WINO_M + left + XP, XW + 2 * XP, 8, ALPHA, column);
            input_tile(x + (size_t)(at.n * planes + plane0 + c * PLANES) * plane, row, column, next_plane,
                       V + (size_t)((c - c0) * tiles + t) * ZOE_LANES, step);
        }
    }
}

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

#define TAPS (WINO_R * WINO_R)
#define PAIR (TAPS * 128) /* floats of a pair of blocks: 8 channels x 16 filters */

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
                tile_ahead(y + (size_t)(ahead.n * YC8 + group * y_blocks + block) * plane + (ahead.tw * WINO_M + YP) * 8, row,
                           WINO_M, next_plane);
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

/* ---- gradient of the weights ---- */

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
                    tile_ahead(dy + (size_t)(ahead.n * YC8 + group * y_blocks + there) * plane + (ahead.tw * WINO_M + YP) * 8,
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
