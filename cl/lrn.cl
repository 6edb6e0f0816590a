/* SPDX-License-Identifier: Apache-2.0
 *
 * Local response normalisation across SIZE channels (odd, at most 17: a window ends within the blocks beside its own).
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

/* Sum over the window of each of the 8 channels in the middle one of three blocks. */
static inline float8 window_sum(float8 before, float8 here, float8 after)
{
    float values[24];
    float8 sum = 0.0f;
    vstore8(before, 0, values);
    vstore8(here, 1, values);
    vstore8(after, 2, values);
#pragma unroll
    for (int d = -(SIZE / 2); d <= SIZE / 2; d++) sum += vload8(0, values + 8 + d);
    return sum;
}

__kernel void lrn_forward(ZOE_IN(x), ZOE_OUT(y), __global float8 *kept, int C, float share, float beta, float k, int planes,
                          int rows)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows)
    {
        const int c8 = plane % x_C8;
        const float8 value = ZOE_AT(x, plane, h, w);
        float8 before = 0.0f, after = 0.0f;
        if (c8 > 0) before = ZOE_AT(x, plane - 1, h, w);
        if (c8 + 1 < x_C8) after = ZOE_AT(x, plane + 1, h, w);
        const float8 s = k + share * window_sum(before * before, value * value, after * after);
#if KEEP
        kept[((size_t)plane * y_H + h) * y_W + w] = s;
#endif
        ZOE_AT(y, plane, h, w) = select((float8)(0.0f), value * power(s, beta), zoe_lanes(c8, C));
    }
}

__kernel void lrn_backward(ZOE_IN(x), ZOE_IN(dy), __global const float8 *kept, ZOE_OUT(dx), float beta, float slope, int add,
                           int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows)
    {
        const int c8 = plane % x_C8;
        float8 part[3], value = 0.0f, direct = 0.0f;
        for (int i = 0; i < 3; i++) {
            const int block = c8 + i - 1, from = plane + i - 1;
            part[i] = 0.0f;
            if (block >= 0 && block < x_C8) {
                const float8 s = kept[((size_t)from * dx_H + h) * dx_W + w], there = ZOE_AT(x, from, h, w);
                const float8 scaled = ZOE_AT(dy, from, h, w) * power(s, beta);
                part[i] = scaled * there / s;
                if (i == 1) {
                    value = there;
                    direct = scaled;
                }
            }
        }
        float8 sum = direct - slope * value * window_sum(part[0], part[1], part[2]);
        if (add) sum += ZOE_AT(dx, plane, h, w);
        ZOE_AT(dx, plane, h, w) = sum;
    }
}
