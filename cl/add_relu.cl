/* SPDX-License-Identifier: Apache-2.0
 *
 * y = max(0, a + b);  da (+)= g, db (+)= g,  g = dy where y > 0. A NaN stays a NaN. flags say which gradients are
 * wanted, and whether to add to what is there. */

enum { WRITE_A = 1, ADD_A = 2, WRITE_B = 4, ADD_B = 8 };

__kernel void add_relu_forward(ZOE_IN(a), ZOE_IN(b), ZOE_OUT(y), int planes, int rows)
{
    ZOE_FOR_ROWS(planes, y_H, y_W, rows) {
        __global const ZOE_STORED *first = ZOE_PLACE(a, plane, h, 0), *second = ZOE_PLACE(b, plane, h, 0);
        __global ZOE_STORED *out = ZOE_PLACE(y, plane, h, 0);
        ZOE_FOR_COLUMNS(y_W) {
            const float8 value = ZOE_GET(first, w) + ZOE_GET(second, w);
            ZOE_PUT(out, w, select(value, (float8)(0.0f), value <= 0.0f));
        }
    }
}

__kernel void add_relu_backward(ZOE_IN(y), ZOE_IN(dy), ZOE_OUT(da), ZOE_OUT(db), int flags, int planes, int rows)
{
    ZOE_FOR_ROWS(planes, y_H, y_W, rows) {
        __global const ZOE_STORED *out = ZOE_PLACE(y, plane, h, 0), *gradient = ZOE_PLACE(dy, plane, h, 0);
        __global ZOE_STORED *first = ZOE_PLACE(da, plane, h, 0), *second = ZOE_PLACE(db, plane, h, 0);
        ZOE_FOR_COLUMNS(y_W) {
            const float8 g = select(ZOE_GET(gradient, w), (float8)(0.0f), ZOE_GET(out, w) <= 0.0f);
            if (flags & WRITE_A) ZOE_PUT(first, w, flags & ADD_A ? ZOE_GET(first, w) + g : g);
            if (flags & WRITE_B) ZOE_PUT(second, w, flags & ADD_B ? ZOE_GET(second, w) + g : g);
        }
    }
}
