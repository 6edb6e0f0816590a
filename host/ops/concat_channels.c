/* SPDX-License-Identifier: Apache-2.0
 *
 * concat_channels: y[n] = x0[n], x1[n], .. along C. Kernels: cl/concat_channels.cl. */
#include "ops/node.h"

#include <string.h>

/* ---- definition ---- */

static void ref_forward(const zoe__ref *ref)
{
    const size_t pixels = (size_t)ref->y_shape.h * (size_t)ref->y_shape.w;
    double *y = ref->y;
    for (int n = 0; n < ref->y_shape.n; n++)
        for (int i = 0; i < ref->node->inputs; i++) {
            const size_t count = (size_t)ref->x_shape[i].c * pixels;
            memcpy(y, ref->x[i] + (size_t)n * count, count * sizeof *y);
            y += count;
        }
}

static void ref_backward(const zoe__ref *ref)
{
    const size_t pixels = (size_t)ref->y_shape.h * (size_t)ref->y_shape.w;
    const double *dy = ref->dy;
    for (int n = 0; n < ref->y_shape.n; n++)
        for (int i = 0; i < ref->node->inputs; i++) {
            const size_t count = (size_t)ref->x_shape[i].c * pixels;
            for (size_t k = 0; ref->dx[i] && k < count; k++) ref->dx[i][(size_t)n * count + k] += dy[k];
            dy += count;
        }
}

/* ---- device: one launch for each input, in order (two inputs can meet within a block of 8 channels) ---- */

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *y = zoe__plan_y(plan, node);
    int first = 0;
    for (int i = 0; i < node->inputs; i++) {
        const zoe__view *x = zoe__plan_x(plan, node, i);
        const int blocks = (first + x->shape.c + 7) / 8 - first / 8, planes = y->shape.n * blocks;
        int rows;
        zoe__launch_spec spec =
            zoe__spec_pixels(plan, "concat_channels", "concat_channels_forward", planes, y->shape.h, y->shape.w, &rows);
        spec.bytes = 2 * zoe__view_bytes(x);
        ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vviiii", x, y, first, blocks, planes, rows));
        first += x->shape.c;
    }
    return ZOE_OK;
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *dy = zoe__plan_dy(plan, node);
    int first = 0;
    for (int i = 0; i < node->inputs; i++) {
        const zoe__view *dx = zoe__plan_dx(plan, node, i);
        if (dx) {
            const int planes = dx->shape.n * dx->c8;
            int rows;
            zoe__launch_spec spec = zoe__spec_pixels(plan, "concat_channels", "concat_channels_backward", planes,
                                                     dx->shape.h, dx->shape.w, &rows);
            spec.bytes = 2 * zoe__view_bytes(dx);
            ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vviiiii", dy, dx, first, dx->shape.c,
                                     zoe__plan_dx_add(plan, node, i), planes, rows));
        }
        first += zoe__plan_shape(plan, node->input[i]).c;
    }
    return ZOE_OK;
}

extern const zoe__op zoe__op_concat_channels;

zoe_value zoe_concat_channels(zoe_graph *graph, const char *name, const zoe_value *values, int count)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_concat_channels, name, values, count)) return ZOE_NO_VALUE;
    zoe_shape sum = zoe_graph_shape(graph, values[0]);
    for (int i = 1; i < count; i++) {
        const zoe_shape s = zoe_graph_shape(graph, values[i]);
        if (s.n != sum.n || s.h != sum.h || s.w != sum.w)
            return zoe__graph_mistake(graph, ZOE_SHAPE,
                                      "%s (concat_channels): input %d is %dx%dx%dx%d, wanted %dx?x%dx%d", name, i, s.n,
                                      s.c, s.h, s.w, sum.n, sum.h, sum.w);
        sum.c += s.c;
    }
    return zoe__graph_add(graph, &node, sum);
}

const zoe__op zoe__op_concat_channels = {
    .name = "concat_channels",
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .forward = forward,
    .backward = backward,
};
