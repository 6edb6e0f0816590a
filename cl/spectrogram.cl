/* SPDX-License-Identifier: Apache-2.0
 *
 * Spectrograms of sound, host/ops/spectrogram.c. For frame j of a sound: x[i] = pcm[j * hop + i] * window[i] for i < W,
 * zero up to the size of the transform F; X[k] = sum over i of x[i] exp(-2 pi I i k / F); |X| or |X|^2 times the
 * sound's gain; sums with mel weights; log(. + eps); mean over pool_bins x pool_frames; (. - mean) * scale.
 *
 * Real input: z[i] = x[2i] + I x[2i+1] for i < M = F / 2, Z = its transform of size M, and with A = Z[k],
 * B = conj(Z[M-k]), E = (A + B) / 2, O = (A - B) / 2I: X[k] = E + t O, X[M-k] = conj(E - t O), t = exp(-2 pi I k / F).
 * The transform is decimation in frequency, one stage of radix 2 where M is no power of 4, then radix 4; Z[k] ends at
 * place[k]. In the vector family a work-item has as many frames as its vectors have lanes; in simt a work-group has
 * one.
 *
 * table: window [W], exp(-2 pi I j / F) [F], place [M] (int); with mel bands: the first bin of each and the one past
 * its last (int), their weights [mels][M + 1]. */

#define M (FFT / 2)
#define TWIDDLE(j) vload2(j, table + window)
#define PLACE(k)   ((__global const int *)(table + window + 2 * FFT))[k]
#define BAND(m)    ((__global const int2 *)(table + window + 2 * FFT + M))[m]
#define MEL(m)     (table + window + 2 * FFT + M + 2 * mels + (size_t)(m) * (M + 1))

#define ARGUMENTS                                                                                                      \
    ZOE_SOUND(pcm), __global const int *gains, __global const float *table, ZOE_OUT_NUMBERS(y), int pcm_step,          \
        int y_step, int window, int hop, int mels, int power, int logs, float eps, int pool_bins, int pool_frames,     \
        float mean, float scale, int items
#define ZOE_SOUND(x) __global const float *x, ZOE_VIEW(x) /* sound is float in any storage */

static inline size_t offset(int n, int h, int w, int H, int W, int P, int step)
{
    /* One channel: blocked (step 8) or planar (step 1), there is one plane for each n. */
    return (((size_t)n * (H + 2 * P) + h + P) * (W + 2 * P) + w + P) * step;
}

/* Gains are in units of 1 / 65536. */
static inline float gain_of(__global const int *gains, int has_gains, int n, int power)
{
    const float gain = has_gains ? (float)gains[n] * (1.0f / 65536.0f) : 1.0f;
    return power ? gain * gain : fabs(gain);
}

#ifdef ZOE_FAMILY_VECTOR

#    if ZOE_LANES == 16
#        define LANES      16
#        define STORE      vstore16
#        define STORE_HALF vstore_half16
typedef float16 lanes;
#    else
#        define LANES      8
#        define STORE      vstore8
#        define STORE_HALF vstore_half8
typedef float8 lanes;
#    endif

/* Rows a..h become columns. */
#    define TRANSPOSE(a, b, c, d, e, f, g, h)                                                                          \
        {                                                                                                              \
            const float8 ab = (float8)(a.s04, b.s04, a.s15, b.s15), cd = (float8)(c.s04, d.s04, c.s15, d.s15);         \
            const float8 ef = (float8)(e.s04, f.s04, e.s15, f.s15), gh = (float8)(g.s04, h.s04, g.s15, h.s15);         \
            const float8 AB = (float8)(a.s26, b.s26, a.s37, b.s37), CD = (float8)(c.s26, d.s26, c.s37, d.s37);         \
            const float8 EF = (float8)(e.s26, f.s26, e.s37, f.s37), GH = (float8)(g.s26, h.s26, g.s37, h.s37);         \
            a = (float8)(ab.s02, cd.s02, ef.s02, gh.s02);                                                              \
            b = (float8)(ab.s46, cd.s46, ef.s46, gh.s46);                                                              \
            c = (float8)(AB.s02, CD.s02, EF.s02, GH.s02);                                                              \
            d = (float8)(AB.s46, CD.s46, EF.s46, GH.s46);                                                              \
            e = (float8)(ab.s13, cd.s13, ef.s13, gh.s13);                                                              \
            f = (float8)(ab.s57, cd.s57, ef.s57, gh.s57);                                                              \
            g = (float8)(AB.s13, CD.s13, EF.s13, GH.s13);                                                              \
            h = (float8)(AB.s57, CD.s57, EF.s57, GH.s57);                                                              \
        }

/* 8 samples from `at` on of 8 frames `step` samples apart, the last of them frame `last`. */
static inline void load8(__global const float *from, int hop, int last, float8 out[8])
{
    float8 a = vload8(0, from), b = vload8(0, from + min(1, last) * hop), c = vload8(0, from + min(2, last) * hop);
    float8 d = vload8(0, from + min(3, last) * hop), e = vload8(0, from + min(4, last) * hop);
    float8 f = vload8(0, from + min(5, last) * hop), g = vload8(0, from + min(6, last) * hop);
    float8 h = vload8(0, from + min(7, last) * hop);
    TRANSPOSE(a, b, c, d, e, f, g, h)
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
    out[4] = e;
    out[5] = f;
    out[6] = g;
    out[7] = h;
}

/* Sample i of all frames, one by one. */
static inline lanes gather(__global const float *from, int step, int i, int hop, int last)
{
    float value[LANES];
    for (int lane = 0; lane < LANES; lane++) value[lane] = from[(size_t)(i + min(lane, last) * hop) * step];
#    if LANES == 16
    return vload16(0, value);
#    else
    return vload8(0, value);
#    endif
}

static inline void load_frames(__global const float *from, int step, __global const float *table, int window, int hop,
                               int last, lanes *re, lanes *im)
{
    int i = 0;
    for (; step == 1 && i + 8 <= window; i += 8) {
        float8 low[8];
        load8(from + i, hop, last, low);
#    if LANES == 16
        float8 high[8];
        load8(from + i + min(8, last) * hop, hop, max(last - 8, 0), high);
        for (int k = 0; k < 4; k++) {
            re[i / 2 + k] = (float16)(low[2 * k], high[2 * k]) * table[i + 2 * k];
            im[i / 2 + k] = (float16)(low[2 * k + 1], high[2 * k + 1]) * table[i + 2 * k + 1];
        }
#    else
        for (int k = 0; k < 4; k++) {
            re[i / 2 + k] = low[2 * k] * table[i + 2 * k];
            im[i / 2 + k] = low[2 * k + 1] * table[i + 2 * k + 1];
        }
#    endif
    }
    for (; i < window; i += 2) {
        re[i / 2] = gather(from, step, i, hop, last) * table[i];
        im[i / 2] = i + 1 < window ? gather(from, step, i + 1, hop, last) * table[i + 1] : (lanes)(0.0f);
    }
    for (i = (window + 1) / 2; i < M; i++) re[i] = im[i] = 0.0f;
}

static inline void transform(lanes *re, lanes *im, __global const float *table, int window)
{
    int length = M;
#    ifdef ODD
    length = M / 2;
    for (int j = 0; j < M / 2; j++) {
        const float2 t = TWIDDLE(2 * j);
        const lanes a = re[j] - re[j + M / 2], b = im[j] - im[j + M / 2];
        re[j] += re[j + M / 2];
        im[j] += im[j + M / 2];
        re[j + M / 2] = a * t.x - b * t.y;
        im[j + M / 2] = a * t.y + b * t.x;
    }
#    endif
    for (; length >= 4; length /= 4) {
        const int q = length / 4, jump = FFT / length;
        for (int j = 0; j < q; j++) {
            const float2 t1 = TWIDDLE(j * jump), t2 = TWIDDLE(2 * j * jump), t3 = TWIDDLE(3 * j * jump);
            for (int a = j; a < M; a += length) {
                const int b = a + q, c = b + q, d = c + q;
                const lanes ar = re[a] + re[c], ai = im[a] + im[c], br = re[a] - re[c], bi = im[a] - im[c];
                const lanes cr = re[b] + re[d], ci = im[b] + im[d], dr = im[b] - im[d], di = re[d] - re[b];
                const lanes yr = br + dr, yi = bi + di, zr = ar - cr, zi = ai - ci, wr = br - dr, wi = bi - di;
                re[a] = ar + cr;
                im[a] = ai + ci;
                re[b] = yr * t1.x - yi * t1.y;
                im[b] = yr * t1.y + yi * t1.x;
                re[c] = zr * t2.x - zi * t2.y;
                im[c] = zr * t2.y + zi * t2.x;
                re[d] = wr * t3.x - wi * t3.y;
                im[d] = wr * t3.y + wi * t3.x;
            }
        }
    }
}

/* |X[k]| or its square, in the place of Z[k]; that of k = M is returned. */
static inline lanes magnitudes(lanes *re, const lanes *im, __global const float *table, int window, int power,
                               float gain)
{
    lanes last = 0.0f;
    for (int k = 0; k <= M / 2; k++) {
        const int p = PLACE(k), q = PLACE(k ? M - k : 0);
        const float2 t = TWIDDLE(k) * 0.5f;
        const lanes er = (re[p] + re[q]) * 0.5f, ei = (im[p] - im[q]) * 0.5f;
        const lanes odd_re = im[p] + im[q], odd_im = re[q] - re[p];
        const lanes tr = odd_re * t.x - odd_im * t.y, ti = odd_re * t.y + odd_im * t.x;
        const lanes xr = er + tr, xi = ei + ti, yr = er - tr, yi = ei - ti;
        lanes x = xr * xr + xi * xi, y = yr * yr + yi * yi;
        if (!power) {
            x = sqrt(x);
            y = sqrt(y);
        }
        if (k)
            re[q] = y * gain;
        else
            last = y * gain;
        re[p] = x * gain;
    }
    return last;
}

__kernel void spectrogram(ARGUMENTS, int has_gains)
{
    const int blocks = (y_W * pool_frames + LANES - 1) / LANES;
    const int item = (int)get_global_id(0), n = item / blocks, first = (item - n * blocks) * LANES;
    if (item >= items) return;
    lanes re[M], im[M];
    load_frames(pcm + offset(n, 0, first * hop, pcm_H, pcm_W, pcm_P, pcm_step), pcm_step, table, window, hop,
                min(LANES, y_W * pool_frames - first) - 1, re, im);
    transform(re, im, table, window);
    const lanes last = magnitudes(re, im, table, window, power, gain_of(gains, has_gains, n, power));
    const int column = first / pool_frames, columns = min(LANES / pool_frames, y_W - column);
    const float share = 1.0f / (float)(pool_bins * pool_frames);
    for (int h = 0; h < y_H; h++) {
        lanes sum = 0.0f;
        for (int b = h * pool_bins; b < (h + 1) * pool_bins; b++) {
            lanes value = 0.0f;
            if (mels) {
                for (int k = BAND(b).x; k < BAND(b).y; k++) value += (k == M ? last : re[PLACE(k)]) * MEL(b)[k];
            } else {
                value = b == M ? last : re[PLACE(b)];
            }
            sum += logs ? log(value + eps) : value;
        }
        const size_t to = offset(n, h, column, y_H, y_W, y_P, y_step);
        if (pool_frames == 1 && columns == LANES && y_step == 1) {
            const lanes value = (sum * share - mean) * scale;
#    ifdef ZOE_HALF
            STORE_HALF(value, 0, y + to);
#    else
            STORE(value, 0, y + to);
#    endif
            continue;
        }
        float one[LANES];
#    if LANES == 16
        vstore16(sum, 0, one);
#    else
        vstore8(sum, 0, one);
#    endif
        for (int w = 0; w < columns; w++) {
            float value = 0.0f;
            for (int f = 0; f < pool_frames; f++) value += one[w * pool_frames + f];
            ZOE_PUT_LANE(y, to + w * y_step, (value * share - mean) * scale);
            for (int c = 1; c < y_step; c++) ZOE_PUT_LANE(y, to + w * y_step + c, 0.0f);
        }
    }
}

#else

__kernel void spectrogram(ARGUMENTS, int has_gains)
{
    __local float2 z[M];
    __local float sums[M + 1], last;
    const int item = (int)get_group_id(0), lid = (int)get_local_id(0), n = item / y_W, column = item - n * y_W;
    const float gain = gain_of(gains, has_gains, n, power), share = 1.0f / (float)(pool_bins * pool_frames);
    for (int f = 0; f < pool_frames; f++) {
        __global const float *from =
            pcm + offset(n, 0, (column * pool_frames + f) * hop, pcm_H, pcm_W, pcm_P, pcm_step);
        for (int i = lid; i < M; i += ZOE_GROUP) {
            const float a = 2 * i < window ? from[2 * i * pcm_step] * table[2 * i] : 0.0f;
            const float b = 2 * i + 1 < window ? from[(2 * i + 1) * pcm_step] * table[2 * i + 1] : 0.0f;
            z[i] = (float2)(a, b);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        int length = M;
#    ifdef ODD
        length = M / 2;
        for (int j = lid; j < M / 2; j += ZOE_GROUP) {
            const float2 t = TWIDDLE(2 * j), a = z[j] - z[j + M / 2];
            z[j] += z[j + M / 2];
            z[j + M / 2] = (float2)(a.x * t.x - a.y * t.y, a.x * t.y + a.y * t.x);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
#    endif
        for (; length >= 4; length /= 4) {
            const int q = length / 4, jump = FFT / length;
            for (int i = lid; i < M / 4; i += ZOE_GROUP) {
                const int j = i % q, a = i / q * length + j, b = a + q, c = b + q, d = c + q;
                const float2 t1 = TWIDDLE(j * jump), t2 = TWIDDLE(2 * j * jump), t3 = TWIDDLE(3 * j * jump);
                const float2 ac = z[a] + z[c], ca = z[a] - z[c], bd = z[b] + z[d], db = z[b] - z[d];
                const float2 turned = (float2)(db.y, -db.x), r1 = ca + turned, r2 = ac - bd, r3 = ca - turned;
                z[a] = ac + bd;
                z[b] = (float2)(r1.x * t1.x - r1.y * t1.y, r1.x * t1.y + r1.y * t1.x);
                z[c] = (float2)(r2.x * t2.x - r2.y * t2.y, r2.x * t2.y + r2.y * t2.x);
                z[d] = (float2)(r3.x * t3.x - r3.y * t3.y, r3.x * t3.y + r3.y * t3.x);
            }
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        for (int k = lid; k <= M / 2; k += ZOE_GROUP) {
            const int p = PLACE(k), q = PLACE(k ? M - k : 0);
            const float2 t = TWIDDLE(k) * 0.5f, u = z[p], v = z[q];
            const float2 e = (float2)(u.x + v.x, u.y - v.y) * 0.5f, o = (float2)(u.y + v.y, v.x - u.x);
            const float2 turned = (float2)(o.x * t.x - o.y * t.y, o.x * t.y + o.y * t.x);
            const float2 x = e + turned, y2 = e - turned;
            float a = dot(x, x), b = dot(y2, y2);
            if (!power) {
                a = sqrt(a);
                b = sqrt(b);
            }
            if (k)
                z[q].x = b * gain;
            else
                last = b * gain;
            z[p].x = a * gain;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int h = lid; h < y_H; h += ZOE_GROUP) {
            float sum = 0.0f;
            for (int b = h * pool_bins; b < (h + 1) * pool_bins; b++) {
                float value = 0.0f;
                if (mels) {
                    for (int k = BAND(b).x; k < BAND(b).y; k++) value += (k == M ? last : z[PLACE(k)].x) * MEL(b)[k];
                } else {
                    value = b == M ? last : z[PLACE(b)].x;
                }
                sum += logs ? log(value + eps) : value;
            }
            sums[h] = f ? sums[h] + sum : sum;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int h = lid; h < y_H; h += ZOE_GROUP) {
        const size_t to = offset(n, h, column, y_H, y_W, y_P, y_step);
        ZOE_PUT_LANE(y, to, (sums[h] * share - mean) * scale);
        for (int c = 1; c < y_step; c++) ZOE_PUT_LANE(y, to + c, 0.0f);
    }
}

#endif
