/* SPDX-License-Identifier: Apache-2.0
 *
 * y = max(0, x); dx (+)= dy where y > 0. The comparisons are written so that a NaN stays a NaN. x and y, dy and dx may
 * be the same memory. */

__kernel void relu_forward(ZOE_IN(x), ZOE_OUT(y), int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        const float8 value = ZOE_LOAD(x, plane, h, w);
        ZOE_STORE(y, plane, h, w, select(value, (float8)(0.0f), value <= 0.0f));
    }
}

__kernel void relu_backward(ZOE_IN(y), ZOE_IN(dy), ZOE_OUT(dx), int add, int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        float8 value = select(ZOE_LOAD(dy, plane, h, w), (float8)(0.0f), ZOE_LOAD(y, plane, h, w) <= 0.0f);
        if (add) value += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, value);
    }
}
