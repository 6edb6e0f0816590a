/* SPDX-License-Identifier: Apache-2.0
 *
 * y[first_y + plane] (+)= x[first_x + plane] for `planes` planes of 8 channels: joins and slices along the batch,
 * gradients of a sum. */

__kernel void copy_planes(ZOE_IN(x), ZOE_OUT(y), int first_x, int first_y, int add, int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        float8 value = ZOE_LOAD(x, first_x + plane, h, w);
        if (add) value += ZOE_LOAD(y, first_y + plane, h, w);
        ZOE_STORE(y, first_y + plane, h, w, value);
    }
}
