/* SPDX-License-Identifier: Apache-2.0
 *
 * y[n,c,p,q] = bytes[n, top+p, left+q', c'] * scale[c] + shift[c] with scale = 1 / (255 std), shift = -mean / std; q' = Q-1-q
 * where the table's flip is not 0, c' = order[2 - c] with bgr, else order[c]. bytes [N][H][W][3]; table rows: top, left,
 * flip, colours and, in rows of 6, saturation and brightness in units of 1 / 65536 (host/ops/picture.c).
 * A crop that would leave the picture is moved inside. */

/* Orders of colours, two bits a channel: RGB, RBG, GRB, GBR, BRG, BGR. */
__constant int orders[6] = {0x24, 0x18, 0x21, 0x09, 0x12, 0x06};

static inline float4 pixel(__global const uchar *bytes, __global const int *table, int columns, int n, int h, int w,
                           int H, int W, int P, int Q, int bgr, float4 scale, float4 shift)
{
    const int4 crop = vload4(0, table + n * columns);
    const int top = clamp(crop.x, 0, H - P), left = clamp(crop.y, 0, W - Q);
    const int column = left + (crop.z != 0 ? Q - 1 - w : w);
    __global const uchar *from = bytes + (((size_t)n * H + top + h) * W + column) * 3;
    const int order = orders[crop.w > 0 && crop.w < 6 ? crop.w : 0];
    float4 rgb = (float4)(from[order & 3], from[order >> 2 & 3], from[order >> 4], 0.0f);
    if (columns > 4) {
        const float grey = 0.299f * from[0] + 0.587f * from[1] + 0.114f * from[2];
        const float saturation = (float)table[n * columns + 4] * (1.0f / 65536.0f);
        const float brightness = (float)table[n * columns + 5] * (255.0f / 65536.0f);
        rgb = clamp(grey + (rgb - grey) * saturation + brightness, 0.0f, 255.0f);
    }
    return (bgr ? rgb.s2103 : rgb) * scale + shift;
}

#define ARGUMENTS                                                                                                      \
    int columns, int H, int W, int bgr, float scale0, float scale1, float scale2, float shift0, float shift1,          \
        float shift2, int planes, int rows
#define SCALE (float4)(scale0, scale1, scale2, 0.0f)
#define SHIFT (float4)(shift0, shift1, shift2, 0.0f)

__kernel void picture_blocked(__global const uchar *bytes, __global const int *table, ZOE_OUT(y), ARGUMENTS)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        const float4 value = pixel(bytes, table, columns, plane, h, w, H, W, y_H, y_W, bgr, SCALE, SHIFT);
        ZOE_STORE(y, plane, h, w, (float8)(value.xyz, 0.0f, (float4)(0.0f)));
    }
}

/* [N][3][P + 2 halo][Q + 2 halo] */
__kernel void picture_planar(__global const uchar *bytes, __global const int *table, ZOE_OUT_NUMBERS(y), ARGUMENTS)
{
    const size_t step = (size_t)(y_H + 2 * y_P) * (y_W + 2 * y_P);
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        const float4 value = pixel(bytes, table, columns, plane, h, w, H, W, y_H, y_W, bgr, SCALE, SHIFT);
        const size_t to = ZOE_INDEX(y, plane * 3, h, w);
        ZOE_PUT_LANE(y, to, value.x);
        ZOE_PUT_LANE(y, to + step, value.y);
        ZOE_PUT_LANE(y, to + 2 * step, value.z);
    }
}
