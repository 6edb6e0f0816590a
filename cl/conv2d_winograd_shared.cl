/* SPDX-License-Identifier: Apache-2.0
 *
 * What conv2d_winograd.cl and conv2d_winograd_weights.cl share, in front of either: Winograd's convolution
 * F(M x M, R x R), stride 1, for the vector family. With six points (M + R - 1 = ALPHA = 6) or four (0, 1, -1,
 * infinity) and tiles of ALPHA x ALPHA inputs that step by M:
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
#define TAPS    (WINO_R * WINO_R)
#define PAIR    (TAPS * 128) /* floats of a pair of blocks of weights: 8 channels x 16 filters */
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
            tile_ahead(x + (size_t)(ahead.n * planes + plane0 + c * PLANES) * plane +
                           (ahead.tw * WINO_M + left + XP) * 8,
                       row, ALPHA, next_plane);
            next_place(&ahead, tile_rows, tile_columns);
            tile_offsets(at.th * WINO_M + top + XP, XH + 2 * XP, pitch, ALPHA, row);
            tile_offsets(at.tw * WINO_M + left + XP, XW + 2 * XP, 8, ALPHA, column);
            input_tile(x + (size_t)(at.n * planes + plane0 + c * PLANES) * plane, row, column, next_plane,
                       V + (size_t)((c - c0) * tiles + t) * ZOE_LANES, step);
        }
    }
}
