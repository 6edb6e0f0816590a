/* SPDX-License-Identifier: Apache-2.0
 *
 * Maximum over KERNEL x KERNEL windows at stride STRIDE, clipped to the interior: the halo and the padding take
 * no part.
 *   forward:  y = max of x; with KEEP, won = number r * KERNEL + s of the first tap that has it. A NaN is larger
 *   than all.
 *   backward: dx (+)= sum of dy over the windows that this pixel won. */

__kernel void max_pool_forward(ZOE_IN(x), ZOE_OUT(y), __global uchar8 *won, int pad, int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        const int top = h * STRIDE - pad, left = w * STRIDE - pad;
        const int r0 = max(0, -top), r1 = min(KERNEL, x_H - top), s0 = max(0, -left), s1 = min(KERNEL, x_W - left);
        float8 best = -INFINITY;
        int8 tap = r0 * KERNEL + s0;
        for (int r = r0; r < r1; r++)
            for (int s = s0; s < s1; s++) {
                const float8 value = ZOE_LOAD(x, plane, top + r, left + s);
                const int8 better = (value > best) | (isnan(value) & (best == best));
                best = select(best, value, better);
                tap = select(tap, (int8)(r * KERNEL + s), better);
            }
        ZOE_STORE(y, plane, h, w, best);
#if KEEP
        won[((size_t)plane * y_H + h) * y_W + w] = convert_uchar8(tap);
#endif
    }
}

__kernel void max_pool_backward(__global const uchar8 *won, ZOE_IN(dy), ZOE_OUT(dx), int pad, int add, int planes,
                                int rows)
{
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        const int a = h + pad, b = w + pad;
        const int p0 = a < KERNEL ? 0 : (a - KERNEL) / STRIDE + 1, p1 = min(dy_H - 1, a / STRIDE);
        const int q0 = b < KERNEL ? 0 : (b - KERNEL) / STRIDE + 1, q1 = min(dy_W - 1, b / STRIDE);
        float8 sum = 0.0f;
        for (int p = p0; p <= p1; p++)
            for (int q = q0; q <= q1; q++) {
                const int8 mine = convert_int8(won[((size_t)plane * dy_H + p) * dy_W + q]) ==
                                  (a - p * STRIDE) * KERNEL + b - q * STRIDE;
                sum += select((float8)(0.0f), ZOE_LOAD(dy, plane, p, q), mine);
            }
        if (add) sum += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, sum);
    }
}
