/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution as a matrix product without a column buffer, for GPUs: a work-group makes a tile of the output from tiles
 * of both factors that it passes through local memory, of which it has two of each: while one is multiplied the next
 * is on its way. fp32 sums in the order of (block of 8 channels, tap, channel), whatever the tile.
 *
 * Compiled for a tile: TM pixels (weights: filters) x TN filters (channels), RM rows x 8 columns of it a work-item, BLOCKS
 * times 8 terms at a time. TM / RM * TN / 8 work-items; TM and TN are at most 16 RM BLOCKS, so that they have something
 * to fetch each.
 *
 * SHARE, for TN = 64 where the driver has sub-groups of 8 (cl_intel_required_subgroup_size, cl_intel_subgroups): the 8
 * work-items with the same rows are a sub-group. Each reads one number of the rows from local memory and gets the others
 * from its neighbours' registers, which is half the traffic of local memory. The sums are the same, bit by bit. */

#define COLUMNS (TN / 8)
#define ITEMS   (TM / RM * COLUMNS)
#define DEPTH   (8 * BLOCKS)
#define PITCH_A (TM + 4) /* the halves of a pixel's 8 channels go to different banks */
#define EACH_A  (DEPTH * TM / 4 / ITEMS)
#define EACH_B  (DEPTH * TN / 4 / ITEMS)

#ifdef ZOE_HALF
#    define LOAD4(p, i) vload_half4(0, (p) + (i))
#else
#    define LOAD4(p, i) vload4(0, (p) + (i))
#endif

enum { RELU = 1, ADD = 2, BIAS = 4, TURN = 8 };

/* X(0) X(1) .. of the rows of a work-item and of what it fetches: arrays would end up in memory with Intel's compiler. */
#define ONE(X)   X(0)
#define TWO(X)   ONE(X) X(1)
#define FOUR(X)  TWO(X) X(2) X(3)
#define EIGHT(X) FOUR(X) X(4) X(5) X(6) X(7)
#if RM == 8
#    define ROWS(X)  EIGHT(X)
#    define ROW      float8
#    define LOAD_ROW vload8
#else
#    define ROWS(X)  FOUR(X)
#    define ROW      float4
#    define LOAD_ROW vload4
#endif
#if EACH_A == 1
#    define FETCHES_A(X) ONE(X)
#elif EACH_A == 2
#    define FETCHES_A(X) TWO(X)
#elif EACH_A == 4
#    define FETCHES_A(X) FOUR(X)
#else
#    define FETCHES_A(X) EIGHT(X)
#endif
#if EACH_B == 1
#    define FETCHES_B(X) ONE(X)
#elif EACH_B == 2
#    define FETCHES_B(X) TWO(X)
#elif EACH_B == 4
#    define FETCHES_B(X) FOUR(X)
#else
#    define FETCHES_B(X) EIGHT(X)
#endif

#define DECLARE_SUM(i) float8 sum##i = (float8)(0.0f);
#define DECLARE_A(e)   float4 a##e = (float4)(0.0f);
#define DECLARE_B(e)   float4 b##e = (float4)(0.0f);
#define UNIT(e)        (item + (e)*ITEMS)

#ifdef SHARE
#    define SUB_GROUP __attribute__((intel_reqd_sub_group_size(8)))
#    define ITEM      ((int)(get_sub_group_id() * 8 + get_sub_group_local_id()))
#else
#    define SUB_GROUP
#    define ITEM ((int)get_local_id(0))
#endif

/* sum += a (RM rows of the tile) * b (8 columns), DEPTH terms. */
#ifdef SHARE
#    define SHARED(j, i) sum##i = fma((float8)(sub_group_broadcast(own, (uint)((j)*RM + i))), column, sum##i);
#    define SHARED_0(i)  SHARED(0, i)
#    define SHARED_1(i)  SHARED(1, i)
#    define TERM(j)                                                                                                    \
        {                                                                                                              \
            const float8 column = vload8(0, columns_ + (j)*TN);                                                        \
            ROWS(SHARED_##j)                                                                                           \
        }
#    if RM == 8
#        define TERMS TERM(0)
#    else
#        define TERMS TERM(0) TERM(1)
#    endif
#    define MULTIPLY(buffer)                                                                                           \
        {                                                                                                              \
            __local const float *rows = A[buffer] + item / 8 * RM + item % RM, *columns_ = B[buffer] + item % 8 * 8;   \
            for (int z = 0; z < DEPTH; z += 8 / RM, columns_ += 8 / RM * TN) {                                         \
                const float own = rows[(z + item % 8 / RM) * PITCH_A];                                                 \
                TERMS                                                                                                  \
            }                                                                                                          \
        }
#else
#define ADD_ROW(i) sum##i = fma((float8)(row.s##i), column, sum##i);
#define MULTIPLY(buffer)                                                                                               \
    {                                                                                                                  \
        __local const float *rows = A[buffer] + item / COLUMNS * RM, *columns_ = B[buffer] + item % COLUMNS * 8;       \
        for (int z = 0; z < DEPTH; z++, rows += PITCH_A, columns_ += TN) {                                             \
            const ROW row = LOAD_ROW(0, rows);                                                                         \
            const float8 column = vload8(0, columns_);                                                                 \
            ROWS(ADD_ROW)                                                                                              \
        }                                                                                                              \
    }
#endif

/* made[group][block of 8 inputs][r][s][8][outputs_pitch] of w[K][C][R][S] with zeros past the inputs and outputs. Inputs are
 * channels and outputs filters; TURN: the other way round. A work-item makes one number, those of rows row0 .. of outputs. */
__kernel void conv2d_tiled_turn(__global const float *w, __global float *made, int flags, int groups, int group_k,
                                int group_c, int taps, int outputs_pitch, int row0)
{
    const int inputs = flags & TURN ? group_k : group_c, outputs = flags & TURN ? group_c : group_k;
    const int blocks = (inputs + 7) / 8;
    const size_t i = (size_t)row0 * outputs_pitch + get_global_id(0), rest = i / outputs_pitch;
    const int output = (int)(i % outputs_pitch), tap = (int)(rest / 8 % taps), block = (int)(rest / 8 / taps % blocks);
    const int input = block * 8 + (int)(rest % 8), group = (int)(rest / 8 / taps / blocks);
    if (group >= groups) return;
    const int k = flags & TURN ? input : output, c = flags & TURN ? output : input;
    made[i] = input < inputs && output < outputs ? w[((size_t)(group * group_k + k) * group_c + c) * taps + tap] : 0.0f;
}

/* The block of 8 terms (a block of channels and a tap t, u) in x and in the weights, and the one after it. */
#define AT_X ((block * plane + (size_t)t * pitch + u) * 8)
#define AT_W                                                                                                           \
    ((size_t)((block * R + tap_first_h + tap_step_h * t) * S + tap_first_w + tap_step_w * u) * 8 * outputs_pitch)
#define NEXT_BLOCK                                                                                                     \
    if (++u == taps_w) {                                                                                               \
        u = 0;                                                                                                         \
        if (++t == taps_h) t = 0, block++;                                                                             \
    }

/* y at out_first + out_step * i, i in rows x columns, (+)= sum over blocks and taps t of x at in_first + in_step * i + t
 * by the weights of tap tap_first + tap_step * t; the same for columns. in_blocks, out_blocks: of a group. Pixels
 * pixel0 .. of all images' rows x columns; a work-group makes TM of them by TN outputs of a group. x and y begin x_first
 * and y_first pixels into their memory. */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) SUB_GROUP void
conv2d_tiled(ZOE_IN_NUMBERS(x), __global const float *weights, __global const float *bias, int flags, ZOE_OUT(y),
             int pixel0, int pixels, int rows, int columns, int out_first_h, int out_first_w, int out_step_h,
             int out_step_w, int in_first_h, int in_first_w, int in_step_h, int in_step_w, int taps_h, int taps_w,
             int tap_first_h, int tap_first_w, int tap_step_h, int tap_step_w, int R, int S, int in_blocks, int out_blocks,
             int outputs_pitch, int x_first, int y_first)
{
    x += (size_t)x_first * 8;
    y = ZOE_PAST(y, y_first);
    __local float A[2][DEPTH * PITCH_A], B[2][DEPTH * TN];
    const int item = ITEM, tiles_n = (out_blocks + COLUMNS - 1) / COLUMNS, id = (int)get_group_id(0);
    const int tile_n = id % tiles_n, tiles_m = (pixels - pixel0 + TM - 1) / TM;
    const int tile_m = id / tiles_n % tiles_m, group = id / tiles_n / tiles_m;
    const int pitch = x_W + 2 * x_P, image = rows * columns, count = in_blocks * taps_h * taps_w;
    const size_t plane = (size_t)(x_H + 2 * x_P) * pitch;
    __global const float *w = weights + (size_t)group * in_blocks * R * S * 8 * outputs_pitch + tile_n * TN;

    /* Where the four channels of a pixel begin that this item fetches. */
#define DECLARE_FROM(e)                                                                                                \
    const int mine##e = min(pixel0 + tile_m * TM + UNIT(e) / 2 % TM, pixels - 1);                                     \
    const size_t from##e =                                                                                             \
        ((((size_t)(mine##e / image * x_C8 + group * in_blocks)) * (x_H + 2 * x_P) + in_first_h +                     \
          in_step_h * (mine##e % image / columns) + x_P) *                                                            \
             pitch +                                                                                                   \
         in_first_w + in_step_w * (mine##e % columns) + x_P) *                                                        \
            8 +                                                                                                        \
        UNIT(e) % 2 * 4;
    FETCHES_A(DECLARE_FROM)
    ROWS(DECLARE_SUM)
    FETCHES_A(DECLARE_A)
    FETCHES_B(DECLARE_B)

    int block = 0, t = 0, u = 0;
    for (int stage = 0;; stage++) {
        if (stage * BLOCKS < count) {
            const size_t x0 = AT_X, w0 = AT_W;
            NEXT_BLOCK;
#if BLOCKS > 1
            const size_t x1 = AT_X, w1 = AT_W;
            NEXT_BLOCK;
#else
            const size_t x1 = x0, w1 = w0;
#endif
#define FETCH_A(e)                                                                                                     \
    a##e = stage * BLOCKS + UNIT(e) / (2 * TM) < count ? LOAD4(x, from##e + (UNIT(e) / (2 * TM) ? x1 : x0))            \
                                                       : (float4)(0.0f);
#define FETCH_B(e)                                                                                                     \
    b##e = stage * BLOCKS + UNIT(e) / (2 * TN) < count                                                                 \
               ? vload4(0, w + (UNIT(e) / (2 * TN) ? w1 : w0) + (size_t)(UNIT(e) / (TN / 4) % 8) * outputs_pitch +     \
                               UNIT(e) % (TN / 4) * 4)                                                                 \
               : (float4)(0.0f);
            FETCHES_A(FETCH_A)
            FETCHES_B(FETCH_B)
        }
        if (stage > 0)
            MULTIPLY((stage - 1) % 2)
        if (stage * BLOCKS >= count) break;
#define STORE_A(e)                                                                                                     \
    {                                                                                                                  \
        __local float *to = A[stage % 2] + (UNIT(e) / (2 * TM) * 8 + UNIT(e) % 2 * 4) * PITCH_A + UNIT(e) / 2 % TM;    \
        to[0] = a##e.x;                                                                                                \
        to[PITCH_A] = a##e.y;                                                                                          \
        to[2 * PITCH_A] = a##e.z;                                                                                      \
        to[3 * PITCH_A] = a##e.w;                                                                                      \
    }
#define STORE_B(e) vstore4(b##e, UNIT(e), B[stage % 2]);
        FETCHES_A(STORE_A)
        FETCHES_B(STORE_B)
        barrier(CLK_LOCAL_MEM_FENCE);
    }

    const int out = tile_n * COLUMNS + item % COLUMNS;
    if (out >= out_blocks) return;
    const float8 shift = flags & BIAS ? vload8(group * out_blocks + out, bias) : (float8)(0.0f);
    const int pixel = pixel0 + tile_m * TM + item / COLUMNS * RM;
#define STORE_ROW(i)                                                                                                   \
    if (pixel + i < pixels) {                                                                                          \
        const int plane_ = (pixel + i) / image * y_C8 + group * out_blocks + out;                                      \
        const int h = out_first_h + out_step_h * ((pixel + i) % image / columns);                                      \
        const int v = out_first_w + out_step_w * ((pixel + i) % columns);                                              \
        float8 value = sum##i + shift;                                                                                 \
        if (flags & ADD) value += ZOE_LOAD(y, plane_, h, v);                                                           \
        if (flags & RELU) value = select(value, (float8)(0.0f), value < (float8)(0.0f)); /* a NaN stays */             \
        ZOE_STORE(y, plane_, h, v, value);                                                                             \
    }
    ROWS(STORE_ROW)
}

static inline void put_weight(__global float *at, float value, int add, int there)
{
    if (there) *at = add ? *at + value : value;
}

/* Of the 8 channels only the first `there`, `step` apart. */
static inline void put_weights(__global float *at, int step, float8 v, int add, int there)
{
    put_weight(at, v.s0, add, there > 0);
    put_weight(at + step, v.s1, add, there > 1);
    put_weight(at + 2 * step, v.s2, add, there > 2);
    put_weight(at + 3 * step, v.s3, add, there > 3);
    put_weight(at + 4 * step, v.s4, add, there > 4);
    put_weight(at + 5 * step, v.s5, add, there > 5);
    put_weight(at + 6 * step, v.s6, add, there > 6);
    put_weight(at + 7 * step, v.s7, add, there > 7);
}

static inline float8 get_weights(__global const float *at, int step, int there)
{
#define GET_WEIGHT(i) (there > i ? at[i * step] : 0.0f)
    return (float8)(GET_WEIGHT(0), GET_WEIGHT(1), GET_WEIGHT(2), GET_WEIGHT(3), GET_WEIGHT(4), GET_WEIGHT(5),
                    GET_WEIGHT(6), GET_WEIGHT(7));
}

#if !defined(SHARE) || RM < 8 /* 8 rows and what finds the pixels are more than some GPUs' registers hold */
/* dw[k,c,r,s] (+)= sum over the pixels of a part of dy[n,k,p,q] * x[n,c,p*stride_h - pad_h + r, q*stride_w - pad_w + s]. A
 * work-group makes TM filters x TN channels of one tap; part p has the pixels p * part_pixels .. (a multiple of DEPTH) and
 * lies at dw_first + p * part_floats, whose end past the weights becomes zero. A launch has the work-groups group0 .. and
 * the pixels from .. to-1 of each part (from: a multiple of DEPTH); compiled with GO_ON it goes on with the sums that
 * the launch before it left. x and dy begin x_first and dy_first pixels into their memory. */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) SUB_GROUP void
conv2d_tiled_weights(ZOE_IN_NUMBERS(x), ZOE_IN_NUMBERS(dy), __global float *dw, int dw_first, int part_floats,
                     int part_pixels, int add, int pixels, int groups, int group_k, int group_c, int R, int S,
                     int stride_h, int stride_w, int pad_h, int pad_w, int group0, int from, int to_pixel, int x_first,
                     int dy_first)
{
    x += (size_t)x_first * 8;
    dy += (size_t)dy_first * 8;
    __local float A[2][DEPTH * PITCH_A], B[2][DEPTH * TN];
    const int tiles_k = (group_k + TM - 1) / TM, tiles_c = (group_c + TN - 1) / TN;
    const int item = ITEM;
    const int id = group0 + (int)get_group_id(0), tile_c = id % tiles_c, tile_k = id / tiles_c % tiles_k;
    const int tap = id / (tiles_c * tiles_k), s = tap % S, r = tap / S % R, group = tap / (S * R) % groups;
    const int part = tap / (S * R * groups);
    const int k_blocks = (group_k + 7) / 8, c_blocks = (group_c + 7) / 8;
    const int pitch_x = x_W + 2 * x_P, pitch_dy = dy_W + 2 * dy_P;
    const size_t plane_x = (size_t)(x_H + 2 * x_P) * pitch_x, plane_dy = (size_t)(dy_H + 2 * dy_P) * pitch_dy;
    const int first = part * part_pixels + from, end = min(part * part_pixels + to_pixel, pixels);

    /* This item fetches the same pixel of each DEPTH: n, p, q. */
    const int mine = item / 2 % DEPTH;
    int n = (first + mine) / (dy_H * dy_W), p = (first + mine) / dy_W % dy_H, q = (first + mine) % dy_W;
    ROWS(DECLARE_SUM)
    FETCHES_A(DECLARE_A)
    FETCHES_B(DECLARE_B)

    /* Where the sums lie; with GO_ON that is kept in registers, and tiles are smaller. */
#define DECLARE_PLACE                                                                                                  \
    __global float *to = dw + dw_first + (size_t)part * part_floats;                                                   \
    const int k = tile_k * TM + item / COLUMNS * RM, c = tile_c * TN + item % COLUMNS * 8;
#define PLACE_OF(i) (to + (((size_t)(group * group_k + k + i) * group_c + c) * R + r) * S + s)
#ifdef GO_ON
    {
#    define LOAD_FILTER(i)                                                                                             \
        if (k + i < group_k) sum##i = get_weights(PLACE_OF(i), R * S, group_c - c);
        DECLARE_PLACE
        ROWS(LOAD_FILTER)
    }
#endif
    for (int stage = 0;; stage++) {
        const int pixel = first + stage * DEPTH;
        if (pixel < end) {
            const bool there = pixel + mine < end;
            const size_t at_dy = (size_t)(p + dy_P) * pitch_dy + q + dy_P;
            const size_t at_x = (size_t)(p * stride_h - pad_h + r + x_P) * pitch_x + q * stride_w - pad_w + s + x_P;
            const size_t from_dy = ((size_t)(n * dy_C8 + group * k_blocks) * plane_dy + at_dy) * 8 + item % 2 * 4;
            const size_t from_x = ((size_t)(n * x_C8 + group * c_blocks) * plane_x + at_x) * 8 + item % 2 * 4;
#define FETCH_DY(e)                                                                                                    \
    {                                                                                                                  \
        const int block = tile_k * (TM / 8) + UNIT(e) / (2 * DEPTH);                                                   \
        a##e = there && block < k_blocks ? LOAD4(dy, from_dy + block * plane_dy * 8) : (float4)(0.0f);                 \
    }
#define FETCH_X(e)                                                                                                     \
    {                                                                                                                  \
        const int block = tile_c * COLUMNS + UNIT(e) / (2 * DEPTH);                                                    \
        b##e = there && block < c_blocks ? LOAD4(x, from_x + block * plane_x * 8) : (float4)(0.0f);                    \
    }
            FETCHES_A(FETCH_DY)
            FETCHES_B(FETCH_X)
            for (q += DEPTH; q >= dy_W; q -= dy_W)
                if (++p == dy_H) p = 0, n++;
        }
        if (stage > 0)
            MULTIPLY((stage - 1) % 2)
        if (pixel >= end) break;
#define STORE_DY(e) vstore4(a##e, 0, A[stage % 2] + mine * PITCH_A + UNIT(e) / (2 * DEPTH) * 8 + item % 2 * 4);
#define STORE_X(e)  vstore4(b##e, 0, B[stage % 2] + mine * TN + UNIT(e) / (2 * DEPTH) * 8 + item % 2 * 4);
        FETCHES_A(STORE_DY)
        FETCHES_B(STORE_X)
        barrier(CLK_LOCAL_MEM_FENCE);
    }

#define STORE_FILTER(i)                                                                                                \
    if (k + i < group_k) put_weights(PLACE_OF(i), R * S, sum##i, add, group_c - c);
    DECLARE_PLACE
    ROWS(STORE_FILTER)
    const int weights = groups * group_k * group_c * R * S;
    if (id % (groups * R * S * tiles_k * tiles_c) == 0)
        for (int i = weights + item; i < part_floats; i += ITEMS) to[i] = 0.0f;
}
#endif
