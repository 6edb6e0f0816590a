/* SPDX-License-Identifier: Apache-2.0
 *
 * pad_channels: channels of zeros before and behind those of x. Kernels: cl/pad_channels.cl. */
#include "ops/node.h"

#include <string.h>

typedef struct pad_options {
    int before;
} pad_options;

/* ---- definition ---- */

static void ref_forward(const zoe__ref *ref)
{
    const pad_options *o = ref->node->options;
    const zoe_shape in = ref->x_shape[0], out = ref->y_shape;
    const size_t cells = (size_t)in.h * (size_t)in.w, image = (size_t)in.c * cells;
    memset(ref->y, 0, zoe_shape_count(out) * sizeof *ref->y);
    for (size_t n = 0; n < (size_t)in.n; n++)
        memcpy(ref->y + (n * (size_t)out.c + (size_t)o->before) * cells, ref->x[0] + n * image, image * sizeof *ref->y);
}

static void ref_backward(const zoe__ref *ref)
{
    const pad_options *o = ref->node->options;
    const zoe_shape in = ref->x_shape[0], out = ref->y_shape;
    const size_t cells = (size_t)in.h * (size_t)in.w, image = (size_t)in.c * cells;
    for (size_t n = 0; ref->dx[0] && n < (size_t)in.n; n++)
        for (size_t i = 0; i < image; i++)
            ref->dx[0][n * image + i] += ref->dy[(n * (size_t)out.c + (size_t)o->before) * cells + i];
}

/* ---- device: one kernel, channel c of its output is channel c - shift of its input where there is one ---- */

static zoe_status launch(zoe_plan *plan, zoe__node *node, const zoe__view *x, const zoe__view *y, int shift, int add)
{
    const int planes = y->shape.n * y->c8;
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "pad_channels", "pad_channels", planes, y->shape.h, y->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vviiiiii", x, y, x->shape.c, y->shape.c, shift, add, planes, rows);
}

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const pad_options *o = node->options;
    return launch(plan, node, zoe__plan_x(plan, node, 0), zoe__plan_y(plan, node), o->before, 0);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const pad_options *o = node->options;
    const zoe__view *dx = zoe__plan_dx(plan, node, 0);
    if (!dx) return ZOE_OK;
    return launch(plan, node, zoe__plan_dy(plan, node), dx, -o->before, zoe__plan_dx_add(plan, node, 0));
}

extern const zoe__op zoe__op_pad_channels;

zoe_value zoe_pad_channels(zoe_graph *graph, const char *name, zoe_value x, int before, int after)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_pad_channels, name, &x, 1)) return ZOE_NO_VALUE;
    zoe_shape shape = zoe_graph_shape(graph, x);
    if (before < 0 || after < 0 || before > 65536 || after > 65536)
        return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (pad_channels): %d and %d channels: 0 to 65536", name, before,
                                  after);
    pad_options options = {before};
    node.options = &options;
    node.options_bytes = sizeof options;
    shape.c += before + after;
    return zoe__graph_add(graph, &node, shape);
}

const zoe__op zoe__op_pad_channels = {
    .name = "pad_channels",
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .forward = forward,
    .backward = backward,
};
