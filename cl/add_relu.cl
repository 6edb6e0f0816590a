/* SPDX-License-Identifier: Apache-2.0
 *
 * y = max(0, a + b);  da (+)= g, db (+)= g,  g = dy where y > 0. A NaN stays a NaN. flags say which gradients are
 * wanted, and whether to add to what is there. */

enum { WRITE_A = 1, ADD_A = 2, WRITE_B = 4, ADD_B = 8 };

__kernel void add_relu_forward(ZOE_IN(a), ZOE_IN(b), ZOE_OUT(y), int planes, int rows)
{
    ZOE_FOR_ROWS(planes, y_H, y_W, rows) {
        __global const float8 *first = &ZOE_AT(a, plane, h, 0), *second = &ZOE_AT(b, plane, h, 0);
        __global float8 *out = &ZOE_AT(y, plane, h, 0);
        ZOE_FOR_COLUMNS(y_W) {
            const float8 value = first[w] + second[w];
            out[w] = select(value, (float8)(0.0f), value <= 0.0f);
        }
    }
}

__kernel void add_relu_backward(ZOE_IN(y), ZOE_IN(dy), ZOE_OUT(da), ZOE_OUT(db), int flags, int planes, int rows)
{
    ZOE_FOR_ROWS(planes, y_H, y_W, rows) {
        __global const float8 *out = &ZOE_AT(y, plane, h, 0), *gradient = &ZOE_AT(dy, plane, h, 0);
        __global float8 *first = &ZOE_AT(da, plane, h, 0), *second = &ZOE_AT(db, plane, h, 0);
        ZOE_FOR_COLUMNS(y_W) {
            const float8 g = select(gradient[w], (float8)(0.0f), out[w] <= 0.0f);
            if (flags & WRITE_A) first[w] = flags & ADD_A ? first[w] + g : g;
            if (flags & WRITE_B) second[w] = flags & ADD_B ? second[w] + g : g;
        }
    }
}
