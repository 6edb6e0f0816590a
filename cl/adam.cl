/* SPDX-License-Identifier: Apache-2.0
 *
 * g = gradient + decay * w,  m = beta1 m + rest1 g,  u = beta2 u + rest2 g^2  (rest = 1 - beta),
 * w -= lr * (m * correction1) / (sqrt(u * correction2) + eps). Words 0, 5, 6 of the scalars are the learning rate and
 * the corrections 1 / (1 - beta^t); `lines` lines of 16 numbers.
 * With storage fp16 the gradient is divided by the loss scale first, and where that overflowed nothing happens. */

__kernel void adam_update(__global float8 *restrict weight, __global const float8 *restrict gradient,
                          __global float8 *restrict first, __global float8 *restrict second,
                          __global const uint *restrict scalars, float lr_mult, float decay, float beta1, float rest1,
                          float beta2, float rest2, float eps, int lines, int rows)
{
    const float lr = as_float(scalars[0]) * lr_mult, unscale = ZOE_LOSS_SCALE(scalars);
    const float correction1 = as_float(scalars[5]), correction2 = as_float(scalars[6]);
    if (unscale == 0.0f) return;
    ZOE_FOR_PIXELS(1, lines, 2, rows) {
        const int i = (plane + h) * 2 + w;
        const float8 old = weight[i], g = gradient[i] * unscale + decay * old;
        const float8 m = beta1 * first[i] + rest1 * g, u = beta2 * second[i] + rest2 * g * g;
        first[i] = m;
        second[i] = u;
        weight[i] = old - lr * (m * correction1) / (sqrt(u * correction2) + eps);
    }
}
