/* SPDX-License-Identifier: Apache-2.0
 *
 * The gradient of a slice of images: dx[plane] = dy[plane - first] for first <= plane < first + count, else 0. */

__kernel void slice_batch_backward(ZOE_IN(dy), ZOE_OUT(dx), int first, int count, int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        float8 value = 0.0f;
        if (plane >= first && plane < first + count) value = ZOE_LOAD(dy, plane - first, h, w);
        ZOE_STORE(dx, plane, h, w, value);
    }
}
