/* SPDX-License-Identifier: Apache-2.0
 *
 * Mean over kernel x kernel windows, clipped to the interior; with `padding` the places on the padding count as
 * zeros.
 *   forward:  y = sum of x / count
 *   backward: dx (+)= sum of dy / count over the windows that hold this pixel */

/* Places of window number p along an axis of `size` pixels that count. */
static inline int places(int p, int size, int kernel_size, int stride, int pad, int padding)
{
    const int start = p * stride - pad, end = start + kernel_size;
    return padding ? min(end, size + pad) - start : min(end, size) - max(start, 0);
}

__kernel void average_pool_forward(ZOE_IN(x), ZOE_OUT(y), int kernel_size, int stride, int pad, int padding, int planes,
                                   int rows)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        const int top = h * stride - pad, left = w * stride - pad;
        const int h1 = min(top + kernel_size, x_H), w1 = min(left + kernel_size, x_W);
        float8 sum = 0.0f;
        for (int i = max(top, 0); i < h1; i++)
            for (int j = max(left, 0); j < w1; j++) sum += ZOE_LOAD(x, plane, i, j);
        const int count =
            places(h, x_H, kernel_size, stride, pad, padding) * places(w, x_W, kernel_size, stride, pad, padding);
        ZOE_STORE(y, plane, h, w, sum / (float)count);
    }
}

__kernel void average_pool_backward(ZOE_IN(dy), ZOE_OUT(dx), int kernel_size, int stride, int pad, int padding, int add,
                                    int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        const int a = h + pad, b = w + pad;
        const int p0 = a < kernel_size ? 0 : (a - kernel_size) / stride + 1, p1 = min(dy_H - 1, a / stride);
        const int q0 = b < kernel_size ? 0 : (b - kernel_size) / stride + 1, q1 = min(dy_W - 1, b / stride);
        float8 sum = 0.0f;
        for (int p = p0; p <= p1; p++)
            for (int q = q0; q <= q1; q++) {
                const int count = places(p, dx_H, kernel_size, stride, pad, padding) *
                                  places(q, dx_W, kernel_size, stride, pad, padding);
                sum += ZOE_LOAD(dy, plane, p, q) / (float)count;
            }
        if (add) sum += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, sum);
    }
}
