/* SPDX-License-Identifier: Apache-2.0
 *
 * y = a + b */

__kernel void add_forward(ZOE_IN(a), ZOE_IN(b), ZOE_OUT(y), int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        ZOE_STORE(y, plane, h, w, ZOE_LOAD(a, plane, h, w) + ZOE_LOAD(b, plane, h, w));
    }
}
