/* SPDX-License-Identifier: Apache-2.0
 *
 * Before an update with storage fp16: a gradient that is infinite or no number makes word 7 of the scalars zero, and the
 * update leaves everything as it was. `lines` lines of 16 numbers. */

__kernel void gradients_finite(__global const float8 *restrict gradient, __global uint *restrict scalars, int lines,
                               int rows)
{
    ZOE_FOR_PIXELS(1, lines, 2, rows) {
        if (!all(isfinite(gradient[(plane + h) * 2 + w]))) atomic_xchg(&scalars[7], 0u);
    }
}
