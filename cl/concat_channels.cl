/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels 0 .. C-1 of x are channels first .. first+C-1 of y. One launch for each input, in order.
 *   forward:  visits the `blocks` blocks of y that x reaches; channels before `first` keep what earlier launches
 *   wrote
 *   backward: dx (+)= the channels of dy, zero in padded channels */

__kernel void concat_channels_forward(ZOE_IN(x), ZOE_OUT(y), int first, int blocks, int planes, int rows)
{
    const int shift = first % 8;
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        const int n = plane / blocks, block = plane - n * blocks, to = n * y_C8 + first / 8 + block;
        if (shift == 0) {
            ZOE_STORE(y, to, h, w, ZOE_LOAD(x, n * x_C8 + block, h, w));
        } else {
            __global ZOE_STORED *out = ZOE_PLACE(y, to, h, w);
            for (int lane = 0; lane < 8; lane++) {
                const int c = block * 8 + lane - shift;
                if (c < 0) continue;
                const float value = c < x_C8 * 8 ? ZOE_GET_LANE(ZOE_PLACE(x, n * x_C8 + c / 8, h, w), c % 8) : 0.0f;
                ZOE_PUT_LANE(out, lane, value);
            }
        }
    }
}

/* Lanes shift .. shift+7 of a and b side by side. By halves, for an array that is indexed would not lie in registers. */
static inline float8 shifted(float8 a, float8 b, int shift)
{
    if (shift & 4) {
        a = (float8)(a.hi, b.lo);
        b = (float8)(b.hi, b.hi);
    }
    if (shift & 2) {
        a = (float8)(a.s23, a.s4567, b.s01);
        b = (float8)(b.s23, b.s4567, b.s67);
    }
    return shift & 1 ? (float8)(a.s1, a.s23, a.s4567, b.s0) : a;
}

__kernel void concat_channels_backward(ZOE_IN(dy), ZOE_OUT(dx), int first, int C, int add, int planes, int rows)
{
    const int shift = first % 8;
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        const int n = plane / dx_C8, block = plane - n * dx_C8, from = n * dy_C8 + first / 8 + block;
        float8 value = ZOE_LOAD(dy, from, h, w);
        if (shift != 0) {
            const float8 next = first / 8 + block + 1 < dy_C8 ? ZOE_LOAD(dy, from + 1, h, w) : (float8)(0.0f);
            value = shifted(value, next, shift);
        }
        value = select((float8)(0.0f), value, zoe_lanes(block, C));
        if (add) value += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, value);
    }
}
