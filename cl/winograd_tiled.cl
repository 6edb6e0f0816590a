/* SPDX-License-Identifier: Apache-2.0
 *
 * Winograd's F(2x2,3x3) for GPUs (Lavin, Gray: "Fast algorithms for convolutional neural networks", CVPR 2016), in four
 * steps: weights and input are transformed, their products summed over channels by conv2d_tiled as a convolution of 16
 * groups with one tap, the sums transformed back.
 *
 *   u = G g G^T   v = B^T d B   m = sum over channels of u v, at each of 16 places   y = A^T m A
 *
 * The gradient of the weights is F(3x3,2x2) at the same points: v as above, dy takes the weights' place and the tile's
 * pixels are summed over.
 *
 *   e = H dy H^T   m = sum over tiles of e v, at each of 16 places   dw = D^T m D
 *   H = (1 0; 1/2 1/2; 1/2 -1/2; 0 1)   D^T = (1 1 1 0; 0 1 -1 0; 0 1 1 -1)
 *
 * v and m: [place][blocks of 8 channels][tile][8] behind `first` pixels of the workspace; tile = (image * tiles_h + row)
 * tiles_w + column. A work-item has four channels of a tile, so that a tile stays in registers. */

#define LOAD4(p, i)         vload4(0, (p) + (i))
#define STORE4(p, i, value) vstore4(value, 0, (p) + (i))

/* made[place][block of 8 inputs][8][pitch of outputs] of w[K][C][3][3] with zeros past both. turn: inputs are filters,
 * outputs channels, taps from the last to the first. A work-item has one (input, output). */
__kernel void winograd_tiled_filter(__global const float *w, __global float *made, int turn, int K, int C, int pitch,
                                    int items)
{
    const int item = (int)get_global_id(0), output = item % pitch, input = item / pitch;
    if (item >= items) return;
    const int k = turn ? input : output, c = turn ? output : input;
    const int there = k < K && c < C;
    __global const float *g = w + (there ? ((size_t)k * C + c) * 9 : 0);
    float g0[3], g1[3], g2[3], g3[3]; /* G g: rows */
    for (int s = 0; s < 3; s++) {
        const float a = there ? g[turn ? 8 - s : s] : 0.0f, b = there ? g[turn ? 5 - s : 3 + s] : 0.0f;
        const float z = there ? g[turn ? 2 - s : 6 + s] : 0.0f;
        g0[s] = a;
        g1[s] = 0.5f * ((a + z) + b);
        g2[s] = 0.5f * ((a + z) - b);
        g3[s] = z;
    }
    __global float *to = made + item;
#define PUT_ROW(row, r)                                                                                                \
    to[(size_t)(4 * row) * items] = r[0];                                                                              \
    to[(size_t)(4 * row + 1) * items] = 0.5f * ((r[0] + r[2]) + r[1]);                                                 \
    to[(size_t)(4 * row + 2) * items] = 0.5f * ((r[0] + r[2]) - r[1]);                                                 \
    to[(size_t)(4 * row + 3) * items] = r[2];
    PUT_ROW(0, g0)
    PUT_ROW(1, g1)
    PUT_ROW(2, g2)
    PUT_ROW(3, g3)
}

/* Column j of a tile, and its transform. */
#define LOAD_COLUMN(j)                                                                                                 \
    const float4 a##j = PIXEL(0, j), b##j = PIXEL(1, j), c##j = PIXEL(2, j), d##j = PIXEL(3, j);                       \
    const float4 r0##j = a##j - c##j, r1##j = b##j + c##j, r2##j = c##j - b##j, r3##j = b##j - d##j;
#define PUT_INPUTS(row)                                                                                                \
    STORE4(to, (size_t)(4 * row) * step, r##row##0 - r##row##2);                                                       \
    STORE4(to, (size_t)(4 * row + 1) * step, r##row##1 + r##row##2);                                                   \
    STORE4(to, (size_t)(4 * row + 2) * step, r##row##2 - r##row##1);                                                   \
    STORE4(to, (size_t)(4 * row + 3) * step, r##row##1 - r##row##3);

/* Images image0 ..: x from (2 row + in_h, 2 column + in_w) on. What lies past the memory of the picture reaches no output
 * that is there. */
__kernel void winograd_tiled_input(ZOE_IN_NUMBERS(x), __global float *v, int first, int image0, int tiles_h,
                                   int tiles_w, int tiles, int in_h, int in_w, int items)
{
    const int item = (int)get_global_id(0), part = item % 2, tile = item / 2 % tiles, block = item / 2 / tiles;
    if (item >= items) return;
    const int n = image0 + tile / (tiles_h * tiles_w);
    const int h = 2 * (tile / tiles_w % tiles_h) + in_h, w = 2 * (tile % tiles_w) + in_w;
    const int plane = n * x_C8 + block;
#define PIXEL(i, j)                                                                                                    \
    (h + i < x_H + x_P && w + j < x_W + x_P ? LOAD4(x, ZOE_INDEX(x, plane, h + i, w + j) * 8 + part * 4)               \
                                            : (float4)(0.0f))
    LOAD_COLUMN(0)
    LOAD_COLUMN(1)
    LOAD_COLUMN(2)
    LOAD_COLUMN(3)
    const size_t step = (size_t)x_C8 * tiles * 8;
    __global float *to = v + ((size_t)first + (size_t)block * tiles + tile) * 8 + part * 4;
    PUT_INPUTS(0)
    PUT_INPUTS(1)
    PUT_INPUTS(2)
    PUT_INPUTS(3)
}

enum { RELU = 1, ADD = 2, BIAS = 4 };

#define LOAD_SUMS(j)                                                                                                   \
    const float4 m0##j = SUM(0, j), m1##j = SUM(1, j), m2##j = SUM(2, j), m3##j = SUM(3, j);                           \
    const float4 s0##j = (m0##j + m1##j) + m2##j, s1##j = (m1##j - m2##j) - m3##j;
#define PUT_OUTPUT(i, j, sum)                                                                                          \
    if (h + i < y_H && w + j < y_W) {                                                                                  \
        const size_t at = ZOE_INDEX(y, plane, h + i, w + j) * 8 + part * 4;                                            \
        float4 value = (sum) + shift;                                                                                  \
        if (flags & ADD) value += LOAD4(y, at);                                                                        \
        if (flags & RELU) value = select(value, (float4)(0.0f), value < (float4)(0.0f)); /* a NaN stays */             \
        STORE4(y, at, value);                                                                                          \
    }

__kernel void winograd_tiled_output(__global const float *m, int first, __global const float *bias, int flags,
                                    ZOE_OUT_NUMBERS(y), int image0, int tiles_h, int tiles_w, int tiles, int items)
{
    const int item = (int)get_global_id(0), part = item % 2, tile = item / 2 % tiles, block = item / 2 / tiles;
    if (item >= items) return;
    const int n = image0 + tile / (tiles_h * tiles_w);
    const int h = 2 * (tile / tiles_w % tiles_h), w = 2 * (tile % tiles_w), plane = n * y_C8 + block;
    const size_t step = (size_t)y_C8 * tiles * 8;
    __global const float *from = m + ((size_t)first + (size_t)block * tiles + tile) * 8 + part * 4;
    const float4 shift = flags & BIAS ? vload4(block * 2 + part, bias) : (float4)(0.0f);
#define SUM(i, j) LOAD4(from, (size_t)(4 * i + j) * step)
    LOAD_SUMS(0)
    LOAD_SUMS(1)
    LOAD_SUMS(2)
    LOAD_SUMS(3)
    PUT_OUTPUT(0, 0, (s00 + s01) + s02)
    PUT_OUTPUT(0, 1, (s01 - s02) - s03)
    PUT_OUTPUT(1, 0, (s10 + s11) + s12)
    PUT_OUTPUT(1, 1, (s11 - s12) - s13)
}

#define PUT_PLACES(row, a, b)                                                                                          \
    STORE4(to, (size_t)(4 * row) * step, a);                                                                           \
    STORE4(to, (size_t)(4 * row + 1) * step, 0.5f * ((a) + (b)));                                                      \
    STORE4(to, (size_t)(4 * row + 2) * step, 0.5f * ((a) - (b)));                                                      \
    STORE4(to, (size_t)(4 * row + 3) * step, b);

/* e of images image0 .., laid out as v is. */
__kernel void winograd_tiled_gradient(ZOE_IN_NUMBERS(dy), __global float *e, int first, int image0, int tiles_h,
                                      int tiles_w, int tiles, int items)
{
    const int item = (int)get_global_id(0), part = item % 2, tile = item / 2 % tiles, block = item / 2 / tiles;
    if (item >= items) return;
    const int n = image0 + tile / (tiles_h * tiles_w);
    const int h = 2 * (tile / tiles_w % tiles_h), w = 2 * (tile % tiles_w), plane = n * dy_C8 + block;
#define OUTPUT(i, j)                                                                                                   \
    (h + i < dy_H && w + j < dy_W ? LOAD4(dy, ZOE_INDEX(dy, plane, h + i, w + j) * 8 + part * 4) : (float4)(0.0f))
    const float4 a0 = OUTPUT(0, 0), a1 = OUTPUT(0, 1), b0 = OUTPUT(1, 0), b1 = OUTPUT(1, 1);
    const size_t step = (size_t)dy_C8 * tiles * 8;
    __global float *to = e + ((size_t)first + (size_t)block * tiles + tile) * 8 + part * 4;
    PUT_PLACES(0, a0, a1)
    PUT_PLACES(1, 0.5f * (a0 + b0), 0.5f * (a1 + b1))
    PUT_PLACES(2, 0.5f * (a0 - b0), 0.5f * (a1 - b1))
    PUT_PLACES(3, b0, b1)
}

/* dw[K][C][3][3] (+)= D^T m D, m[part][place][k_pitch][c_pitch] summed over parts in their order. An item has one (k, c). */
__kernel void winograd_tiled_weights(__global const float *m, int first, int parts, int part_floats, int k_pitch,
                                     int c_pitch, __global float *dw, int add, int K, int C)
{
    const int item = (int)get_global_id(0), k = item / C, c = item - k * C;
    const size_t step = (size_t)k_pitch * c_pitch;
    if (k >= K) return;
    m += (size_t)first + (size_t)k * c_pitch + c;
#define SUM_OF(i, j) float m##i##j = m[(4 * i + j) * step];
#define ADD_PART(i, j) m##i##j += m[(size_t)part * part_floats + (4 * i + j) * step];
#define ALL(X)                                                                                                         \
    X(0, 0) X(0, 1) X(0, 2) X(0, 3) X(1, 0) X(1, 1) X(1, 2) X(1, 3) X(2, 0) X(2, 1) X(2, 2) X(2, 3) X(3, 0) X(3, 1)    \
    X(3, 2) X(3, 3)
    ALL(SUM_OF)
    for (int part = 1; part < parts; part++) {
        ALL(ADD_PART)
    }
#define COLUMN_OF(j)                                                                                                   \
    const float t0##j = (m0##j + m1##j) + m2##j, t1##j = m1##j - m2##j, t2##j = (m1##j + m2##j) - m3##j;
    COLUMN_OF(0)
    COLUMN_OF(1)
    COLUMN_OF(2)
    COLUMN_OF(3)
    __global float *to = dw + (size_t)item * 9;
#define PUT_TAP(i, sum) to[i] = add ? to[i] + (sum) : (sum);
#define PUT_TAPS(r)                                                                                                    \
    PUT_TAP(3 * r, (t##r##0 + t##r##1) + t##r##2)                                                                      \
    PUT_TAP(3 * r + 1, t##r##1 - t##r##2)                                                                              \
    PUT_TAP(3 * r + 2, (t##r##1 + t##r##2) - t##r##3)
    PUT_TAPS(0)
    PUT_TAPS(1)
    PUT_TAPS(2)
}
