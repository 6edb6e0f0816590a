/* SPDX-License-Identifier: Apache-2.0
 *
 * The fully connected layer for the vector family: matrix products in registers over packed operands, so that each
 * weight is read from memory once in a pass, for few images as for many.
 *
 * F inputs of an image are the C/8 * H * W * 8 numbers of the blocked layout, without halo. Weights w[K/16][F][16].
 *   pack_x:   xp[n / IMAGES][F][IMAGES]                        images past the last are zero
 *   pack_dy:  dk[K/16][n][16] and dn[n / ZOE_LANES][K][ZOE_LANES], both zero past the last image and filter
 *   forward:  sums[part][K/16][n][16] = over the part's share of F;   finish: y = max(0, bias + the parts in order)
 *   data:     dxt[F][n] = sum over k of w[k][f] * dn[k][n];   unpack_dx: dx (+)= dxt
 *   weights:  dw[K/16][F][16] (+)= sum over n of xp * dk
 *
 * Compiled for a class: IMAGES (of a tile of xp), KT (blocks of 16 filters of a tile), VT (vectors of images of a
 * tile of dxt). */

#define UNROLL _Pragma("unroll")
#define ONE __attribute__((reqd_work_group_size(1, 1, 1)))

#if ZOE_LANES == 16
typedef float16 lanes;
#define VECTORS KT
#define TILE_F 8 /* inputs of a tile: F is a multiple of 8 */
#define LOAD_LANES(p) vload16(0, p)
#define STORE_LANES(v, p) vstore16(v, 0, p)
#else
typedef float8 lanes;
#define VECTORS (2 * KT)
#define TILE_F 4
#define LOAD_LANES(p) vload8(0, p)
#define STORE_LANES(v, p) vstore8(v, 0, p)
#endif
/* Start of the t-th vector of filters, when blocks of 16 are `block` floats apart. */
#define FILTERS(t, block) (((t) * ZOE_LANES / 16) * (block) + ((t) * ZOE_LANES) % 16)

/* Offset in floats of row `row` (of c8 * H + h) of image n of a view. */
#define ROW(v, n, row) ZOE_PIXEL(n, (row) / v##_H, (row) % v##_H, 0, v##_C8, v##_H, v##_W, v##_P)

__kernel ONE void linear_pack_x(__global const float *x, int x_C8, int x_H, int x_W, int x_P, __global float *xp,
                                int first, int images)
{
    const int tile = get_group_id(0), row = get_group_id(1), length = x_W * 8, F = x_C8 * x_H * length;
    __global float *to = xp + first + ((size_t)tile * F + (size_t)row * length) * IMAGES;
    for (int i = 0; i < IMAGES; i++) {
        const int n = tile * IMAGES + i;
        __global const float *from = x + ROW(x, n, row);
        for (int f = 0; f < length; f++) to[f * IMAGES + i] = n < images ? from[f] : 0.0f;
    }
}

__kernel ONE void linear_pack_dy(__global const float *dy, int y_C8, int y_H, int y_W, int y_P, __global float *out,
                                 int first_k, int first_n, int images, int padded, int vectors)
{
    const int block = get_group_id(0), blocks = get_num_groups(0), end = max(padded, vectors * ZOE_LANES);
    for (int n = 0; n < end; n++) {
        float16 value = 0.0f;
        if (n < images) {
            value.lo = vload8(0, dy + ROW(y, n, block * 2));
            if (block * 2 + 1 < y_C8) value.hi = vload8(0, dy + ROW(y, n, block * 2 + 1));
        }
        if (n < padded) vstore16(value, 0, out + first_k + ((size_t)block * padded + n) * 16);
        float values[16];
        vstore16(value, 0, values);
        if (n >= vectors * ZOE_LANES) continue;
        __global float *to = out + first_n + (size_t)(n / ZOE_LANES * blocks + block) * 16 * ZOE_LANES + n % ZOE_LANES;
        for (int k = 0; k < 16; k++) to[k * ZOE_LANES] = values[k];
    }
}

enum { CHUNK_F = 128 }; /* weights of so many inputs stay in the first cache while the tiles of images pass */

__kernel ONE void linear_forward(__global const float *restrict w, __global float *restrict work, int first_x,
                                 int first_sums, int F, int k_blocks, int k_first, int padded, int part_f)
{
    const int kb = k_first + get_group_id(0) * KT, part = get_group_id(1);
    const int begin = part * part_f, end = min(begin + part_f, F);
    const size_t w_block = (size_t)F * 16, sum_block = (size_t)padded * 16;
    __global float *sums = work + first_sums + ((size_t)part * k_blocks + kb) * sum_block;
    for (int f0 = begin; f0 < end; f0 += CHUNK_F) {
        const int f1 = min(f0 + CHUNK_F, end);
        for (int n = 0; n < padded; n += IMAGES) {
            __global float *to = sums + n * 16;
            lanes sum[IMAGES][VECTORS];
            UNROLL for (int i = 0; i < IMAGES; i++)
                UNROLL for (int t = 0; t < VECTORS; t++) sum[i][t] = (lanes)(0.0f);
            if (f0 > begin)
                UNROLL for (int i = 0; i < IMAGES; i++)
                    UNROLL for (int t = 0; t < VECTORS; t++)
                        sum[i][t] = LOAD_LANES(to + i * 16 + FILTERS(t, sum_block));
            __global const float *in = work + first_x + ((size_t)n * F + (size_t)f0 * IMAGES);
            __global const float *weight = w + kb * w_block + (size_t)f0 * 16;
            for (int f = f0; f < f1; f++) {
                lanes filter[VECTORS];
                UNROLL for (int t = 0; t < VECTORS; t++) {
                    filter[t] = LOAD_LANES(weight + FILTERS(t, w_block));
                    if (ZOE_LANES == 16 || t % 2 == 0) ZOE_PREFETCH(weight + FILTERS(t, w_block) + CHUNK_F * 16);
                }
                UNROLL for (int i = 0; i < IMAGES; i++)
                    UNROLL for (int t = 0; t < VECTORS; t++) sum[i][t] = fma((lanes)(in[i]), filter[t], sum[i][t]);
                in += IMAGES;
                weight += 16;
            }
            UNROLL for (int i = 0; i < IMAGES; i++)
                UNROLL for (int t = 0; t < VECTORS; t++) STORE_LANES(sum[i][t], to + i * 16 + FILTERS(t, sum_block));
        }
    }
}

__kernel ONE void linear_finish(__global const float *work, int first_sums, __global const float *bias, int has_bias,
                                int relu, __global float *y, int y_C8, int y_H, int y_W, int y_P, int k_blocks,
                                int padded, int parts)
{
    const int n = get_group_id(0);
    for (int block = 0; block < y_C8; block++) {
        __global const float *sums = work + first_sums + ((size_t)(block / 2) * padded + n) * 16 + block % 2 * 8;
        float8 value = 0.0f;
        for (int part = 0; part < parts; part++) value += vload8(0, sums + (size_t)part * k_blocks * padded * 16);
        if (has_bias) value += vload8(block, bias);
        if (relu) value = select(value, (float8)(0.0f), value < (float8)(0.0f));
        vstore8(value, 0, y + ROW(y, n, block));
    }
}

/* A work-group makes rows of dxt: `group_f` inputs, all images. Chunks of filters keep their weights in the cache. */
__kernel ONE void linear_data(__global const float *restrict w, __global float *restrict work, int first_n,
                              int first_dx, int F, int k_blocks, int vectors, int group_f)
{
    enum { CHUNK_K = 4, AHEAD_F = 64 }; /* blocks of 16 filters; inputs */
    const int begin = get_group_id(0) * group_f, end = min(begin + group_f, F);
    for (int k0 = 0; k0 < k_blocks; k0 += CHUNK_K) {
        const int k1 = min(k0 + CHUNK_K, k_blocks);
        for (int v = 0; v < vectors; v += VT)
            for (int f = begin; f < end; f += TILE_F) {
                __global float *to = work + first_dx + ((size_t)f * vectors + v) * ZOE_LANES;
                lanes sum[TILE_F][VT];
                UNROLL for (int i = 0; i < TILE_F; i++)
                    UNROLL for (int t = 0; t < VT; t++) sum[i][t] = (lanes)(0.0f);
                if (k0 > 0)
                    UNROLL for (int i = 0; i < TILE_F; i++)
                        UNROLL for (int t = 0; t < VT; t++) sum[i][t] = LOAD_LANES(to + (i * vectors + t) * ZOE_LANES);
                for (int kb = k0; kb < k1; kb++) {
                    __global const float *weight = w + ((size_t)kb * F + f) * 16;
                    __global const float *in[VT];
                    UNROLL for (int t = 0; t < VT; t++)
                        in[t] = work + first_n + ((size_t)((v + t) * k_blocks + kb) * 16) * ZOE_LANES;
                    for (int k = 0; k < 16; k++) {
                        lanes value[VT];
                        if (k < TILE_F) ZOE_PREFETCH(weight + (AHEAD_F + k) * 16);
                        UNROLL for (int t = 0; t < VT; t++) value[t] = LOAD_LANES(in[t] + k * ZOE_LANES);
                        UNROLL for (int i = 0; i < TILE_F; i++)
                            UNROLL for (int t = 0; t < VT; t++)
                                sum[i][t] = fma((lanes)(weight[i * 16 + k]), value[t], sum[i][t]);
                    }
                }
                UNROLL for (int i = 0; i < TILE_F; i++)
                    UNROLL for (int t = 0; t < VT; t++) STORE_LANES(sum[i][t], to + (i * vectors + t) * ZOE_LANES);
            }
    }
}

__kernel ONE void linear_unpack_dx(__global const float *work, int first_dx, __global float *dx, int x_C8, int x_H,
                                   int x_W, int x_P, int add, int images, int vectors)
{
    const int row = get_group_id(0), length = x_W * 8;
    for (int n = 0; n < images; n++) {
        __global const float *from = work + first_dx + (size_t)row * length * vectors * ZOE_LANES + n;
        __global float *to = dx + ROW(x, n, row);
        for (int f = 0; f < length; f++) {
            const float value = from[(size_t)f * vectors * ZOE_LANES];
            to[f] = add ? to[f] + value : value;
        }
    }
}

__kernel ONE void linear_weights(__global const float *restrict work, int first_x, int first_k,
                                 __global float *restrict dw, int add, int far, int F, int k_first, int padded,
                                 int group_f)
{
    const int kb = k_first + get_group_id(0) * KT, begin = get_group_id(1) * group_f, end = min(begin + group_f, F);
    const size_t w_block = (size_t)F * 16, dy_block = (size_t)padded * 16;
    for (int f = begin; f < end; f += TILE_F) {
        lanes sum[TILE_F][VECTORS];
        UNROLL for (int i = 0; i < TILE_F; i++)
            UNROLL for (int t = 0; t < VECTORS; t++) sum[i][t] = (lanes)(0.0f);
        __global const float *value = work + first_k + kb * dy_block;
        for (int n = 0; n < padded; n += IMAGES) {
            __global const float *in = work + first_x + (size_t)n * F + (size_t)f * IMAGES;
            for (int image = 0; image < IMAGES; image++) {
                lanes filter[VECTORS];
                UNROLL for (int t = 0; t < VECTORS; t++) filter[t] = LOAD_LANES(value + FILTERS(t, dy_block));
                UNROLL for (int i = 0; i < TILE_F; i++)
                    UNROLL for (int t = 0; t < VECTORS; t++)
                        sum[i][t] = fma((lanes)(in[i * IMAGES + image]), filter[t], sum[i][t]);
                value += 16;
            }
        }
        __global float *to = dw + kb * w_block + (size_t)f * 16;
        UNROLL for (int i = 0; i < TILE_F; i++)
            UNROLL for (int t = 0; t < VECTORS; t++) {
                __global float *at = to + i * 16 + FILTERS(t, w_block);
                if (add)
                    STORE_LANES(LOAD_LANES(at) + sum[i][t], at);
                else if (far)
                    ZOE_STORE_FAR(sum[i][t], (__global lanes *)at);
                else
                    STORE_LANES(sum[i][t], at);
            }
    }
}
