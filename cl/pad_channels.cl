/* SPDX-License-Identifier: Apache-2.0
 *
 * y[c] (+)= x[c - shift] for channels c < y_C where 0 <= c - shift < x_C, else (+)= 0; padded lanes are written as
 * zeros. */

__kernel void pad_channels(ZOE_IN(x), ZOE_OUT(y), int x_C, int y_C, int shift, int add, int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        const int n = plane / y_C8, block = plane - n * y_C8;
        float lanes[8];
        for (int lane = 0; lane < 8; lane++) {
            const int to = block * 8 + lane, c = to - shift;
            const bool there = to < y_C && c >= 0 && c < x_C;
            lanes[lane] = there ? ZOE_GET_LANE(ZOE_PLACE(x, n * x_C8 + c / 8, h, w), c % 8) : 0.0f;
        }
        float8 value = vload8(0, lanes);
        if (add) value += ZOE_LOAD(y, plane, h, w);
        ZOE_STORE(y, plane, h, w, value);
    }
}
