/* SPDX-License-Identifier: Apache-2.0
 *
 * g = gradient + decay * w,  v = momentum * v + g,  w -= lr * (nesterov ? g + momentum * v : v). Word 0 of the scalars
 * is the learning rate; `lines` lines of 16 numbers.
 * With storage fp16 the gradient is divided by the loss scale first, and where that overflowed nothing happens. */

__kernel void sgd_update(__global float8 *restrict weight, __global const float8 *restrict gradient,
                         __global float8 *restrict state, __global const uint *restrict scalars, float lr_mult,
                         float decay, float momentum, int nesterov, int lines, int rows)
{
    const float lr = as_float(scalars[0]) * lr_mult, unscale = ZOE_LOSS_SCALE(scalars);
    if (unscale == 0.0f) return;
    ZOE_FOR_PIXELS(1, lines, 2, rows) {
        const int i = (plane + h) * 2 + w;
        const float8 old = weight[i], g = gradient[i] * unscale + decay * old, v = momentum * state[i] + g;
        state[i] = v;
        weight[i] = old - lr * (nesterov ? g + momentum * v : v);
    }
}
