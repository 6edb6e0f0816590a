/* SPDX-License-Identifier: Apache-2.0
 *
 * Local response normalisation across SIZE channels (odd, at most 17: a window ends within the blocks beside its
 * own).
 *   s[c] = k + share * sum over the window of x^2,   y = x * s^-beta        (share = alpha / size)
 *   dx (+)= dy * s^-beta - slope * x * sum over the window of dy * x * s^-beta / s    (slope = 2 alpha beta / size)
 * KEEP: forward leaves s behind. BETA_THREE_QUARTERS: s^-3/4 by square roots instead of pow(). */

static inline float8 power(float8 s, float beta)
{
#ifdef BETA_THREE_QUARTERS
    const float8 root = sqrt(s);
    return 1.0f / (root * sqrt(root));
#else
    return pow(s, (float8)(-beta));
#endif
}

/* Lane i of the result is lane 8 - d + i of the sixteen (a, b). d is known when this compiles: one shuffle. */
static inline float8 later(float8 a, float8 b, int d)
{
    switch (d) {
    case 0: return b;
    case 1: return (float8)(a.s7, b.s0, b.s12, b.s3456);
    case 2: return (float8)(a.s67, b.s01, b.s2345);
    case 3: return (float8)(a.s567, b.s0, b.s1234);
    case 4: return (float8)(a.s4567, b.s0123);
    case 5: return (float8)(a.s3456, a.s7, b.s012);
    case 6: return (float8)(a.s2345, a.s67, b.s01);
    case 7: return (float8)(a.s1234, a.s567, b.s0);
    default: return a;
    }
}

/* Sum over the window of each of the 8 channels in the middle one of three blocks. */
static inline float8 window_sum(float8 before, float8 here, float8 after)
{
    float8 sum = here;
#pragma unroll
    for (int d = 1; d <= SIZE / 2; d++) sum += later(before, here, d) + later(here, after, 8 - d);
    return sum;
}

__kernel void lrn_forward(ZOE_IN(x), ZOE_OUT(y), __global float8 *kept, int C, float share, float beta, float k,
                          int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        const int c8 = plane % x_C8;
        const float8 value = ZOE_LOAD(x, plane, h, w);
        float8 before = 0.0f, after = 0.0f;
        if (c8 > 0) before = ZOE_LOAD(x, plane - 1, h, w);
        if (c8 + 1 < x_C8) after = ZOE_LOAD(x, plane + 1, h, w);
        const float8 s = k + share * window_sum(before * before, value * value, after * after);
#if KEEP
        kept[((size_t)plane * y_H + h) * y_W + w] = s;
#endif
        ZOE_STORE(y, plane, h, w, select((float8)(0.0f), value * power(s, beta), zoe_lanes(c8, C)));
    }
}

__kernel void lrn_backward(ZOE_IN(x), ZOE_IN(dy), __global const float8 *restrict kept, ZOE_OUT(dx), float beta,
                           float slope, int add, int planes, int rows)
{
    const size_t step = (size_t)dx_H * dx_W; /* from a block to the next in kept */
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        const int c8 = plane % x_C8;
        __global const float8 *at = kept + ((size_t)plane * dx_H + h) * dx_W + w;
        const float8 value = ZOE_LOAD(x, plane, h, w), direct = ZOE_LOAD(dy, plane, h, w) * power(at[0], beta);
        float8 before = 0.0f, after = 0.0f;
        if (c8 > 0) {
            const float8 s = *(at - step);
            before = ZOE_LOAD(dy, plane - 1, h, w) * ZOE_LOAD(x, plane - 1, h, w) * power(s, beta) / s;
        }
        if (c8 + 1 < x_C8) {
            const float8 s = at[step];
            after = ZOE_LOAD(dy, plane + 1, h, w) * ZOE_LOAD(x, plane + 1, h, w) * power(s, beta) / s;
        }
        float8 sum = direct - slope * value * window_sum(before, direct * value / at[0], after);
        if (add) sum += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, sum);
    }
}
