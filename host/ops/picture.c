/* SPDX-License-Identifier: Apache-2.0
 *
 * picture: bytes to normalised crops. y[n,c,p,q] = (bytes[n, top+p, left+q', c'] / 255 - mean[c]) / std[c], saturation
 * and brightness changed before where the table says so. A crop that would leave the picture is moved inside, an order
 * of colours out of 0..5 is 0. H x W bytes, P x Q output. Kernels: cl/picture.cl. */
#include "ops/node.h"

/* ---- definition ---- */

static int clamp(int value, int high)
{
    return value < 0 ? 0 : value > high ? high : value;
}

/* Source channel c of order k: 0 RGB, 1 RBG, 2 GRB, 3 GBR, 4 BRG, 5 BGR. */
static size_t source_channel(int order, int c)
{
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    return orders[order >= 0 && order < 6 ? order : 0][c];
}

/* The colours of a pixel after saturation and brightness, 0..255: between its grey level and itself, or past that. */
static void colour(const uint8_t *rgb, const int32_t *row, double out[3])
{
    const double grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
    for (int c = 0; c < 3; c++) {
        const double value = grey + (rgb[c] - grey) * row[4] / 65536.0 + 255 * (row[5] / 65536.0);
        out[c] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
}

static void ref_forward(const zoe__ref *ref)
{
    const zoe_picture_options *o = ref->node->options;
    const zoe_shape in = ref->x_shape[0], out = ref->y_shape;
    const uint8_t *bytes = zoe__ref_u8(ref, 0);
    const int columns = ref->x_shape[1].c;
    const size_t plane = (size_t)out.h * (size_t)out.w;
    for (int n = 0; n < out.n; n++) {
        const int32_t *row = zoe__ref_i32(ref, 1) + n * columns;
        const int top = clamp(row[0], in.h - out.h), left = clamp(row[1], in.w - out.w);
        double *y = ref->y + (size_t)n * 3 * plane;
        for (int p = 0; p < out.h; p++)
            for (int q = 0; q < out.w; q++) {
                const size_t line = (size_t)n * (size_t)in.h + (size_t)(top + p);
                const uint8_t *rgb = bytes + 3 * (line * (size_t)in.w + (size_t)(left + (row[2] ? out.w - 1 - q : q)));
                double pixel[3] = {rgb[0], rgb[1], rgb[2]};
                if (columns > 4) colour(rgb, row, pixel);
                for (int c = 0; c < 3; c++)
                    y[(size_t)c * plane + (size_t)p * (size_t)out.w + (size_t)q] =
                        (pixel[source_channel(row[3], o->bgr ? 2 - c : c)] / 255 - (double)o->mean[c]) /
                        (double)o->std[c];
            }
    }
}

/* ---- device: y is planar or blocked, as its consumers like ---- */

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe_picture_options *o = node->options;
    const zoe_shape in = zoe__plan_shape(plan, node->input[0]);
    const zoe__view *y = zoe__plan_y(plan, node);
    double scale[3], shift[3];
    for (int c = 0; c < 3; c++) {
        scale[c] = 1 / (255 * (double)o->std[c]);
        shift[c] = -(double)o->mean[c] / (double)o->std[c];
    }
    int rows;
    zoe__launch_spec spec = zoe__spec_pixels(plan, "picture", y->planar ? "picture_planar" : "picture_blocked",
                                             y->shape.n, y->shape.h, y->shape.w, &rows);
    spec.bytes = 3.0 * (sizeof(float) + 1) * y->shape.n * y->shape.h * y->shape.w;
    return zoe__plan_launch(plan, node, &spec, "mmviiiiffffffii", zoe__plan_x(plan, node, 0)->mem,
                            zoe__plan_x(plan, node, 1)->mem, y, zoe__plan_shape(plan, node->input[1]).c, in.h, in.w,
                            (int)o->bgr, scale[0], scale[1], scale[2], shift[0], shift[1], shift[2], y->shape.n, rows);
}

zoe_picture_options zoe_picture_options_default(void)
{
    return (zoe_picture_options){.std = {1, 1, 1}};
}

extern const zoe__op zoe__op_picture;

zoe_value zoe_picture(zoe_graph *graph, const char *name, zoe_value bytes, zoe_value table,
                      const zoe_picture_options *options)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_picture, name, (zoe_value[]){bytes, table}, 2)) return ZOE_NO_VALUE;
    zoe_picture_options o = *options;
    const zoe_shape b = zoe_graph_shape(graph, bytes), t = zoe_graph_shape(graph, table);
    if (zoe__graph_value(graph, bytes)->dtype != ZOE_U8 || zoe__graph_value(graph, table)->dtype != ZOE_I32)
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (picture): bytes must be of type U8, the table of type I32",
                                  name);
    if (b.c != 3) return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (picture): %d channels, takes 3", name, b.c);
    if (t.n != b.n || (t.c != 4 && t.c != 6) || t.h != 1 || t.w != 1)
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (picture): table is %dx%dx%dx%d, wanted %dx4x1x1 or %dx6x1x1",
                                  name, t.n, t.c, t.h, t.w, b.n, b.n);
    if (o.height < 1 || o.width < 1 || o.height > b.h || o.width > b.w)
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (picture): crop %dx%d (height x width) is not within %dx%d",
                                  name, o.height, o.width, b.h, b.w);
    for (int c = 0; c < 3; c++)
        if (!(o.std[c] > 0))
            return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (picture): std[%d] = %g must be above 0", name, c,
                                      (double)o.std[c]);
    node.options = &o;
    node.options_bytes = sizeof o;
    return zoe__graph_add(graph, &node, (zoe_shape){b.n, 3, o.height, o.width});
}

const zoe__op zoe__op_picture = {
    .name = "picture",
    .no_gradient = true,
    .integer_inputs = 1 << 0 | 1 << 1,
    .ref_forward = ref_forward,
    .forward = forward,
};
