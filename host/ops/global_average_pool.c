/* SPDX-License-Identifier: Apache-2.0
 *
 * global_average_pool: y[n,c] = mean over H x W of x[n,c]. Kernels: cl/global_average_pool.cl. */
#include "ops/node.h"

/* ---- definition ---- */

static void ref_forward(const zoe__ref *ref)
{
    const zoe_shape in = ref->x_shape[0];
    const size_t pixels = (size_t)in.h * (size_t)in.w, planes = (size_t)in.n * (size_t)in.c;
    for (size_t plane = 0; plane < planes; plane++) {
        double sum = 0;
        for (size_t i = 0; i < pixels; i++) sum += ref->x[0][plane * pixels + i];
        ref->y[plane] = sum / (double)pixels;
    }
}

static void ref_backward(const zoe__ref *ref)
{
    const zoe_shape in = ref->x_shape[0];
    const size_t pixels = (size_t)in.h * (size_t)in.w, planes = (size_t)in.n * (size_t)in.c;
    if (!ref->dx[0]) return;
    for (size_t plane = 0; plane < planes; plane++)
        for (size_t i = 0; i < pixels; i++) ref->dx[0][plane * pixels + i] += ref->dy[plane] / (double)pixels;
}

/* ---- device ---- */

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *x = zoe__plan_x(plan, node, 0), *y = zoe__plan_y(plan, node);
    const int planes = y->shape.n * y->c8;
    zoe__launch_spec spec =
        zoe__spec_groups(plan, "global_average_pool", "global_average_pool_forward", (size_t)planes);
    return zoe__plan_launch(plan, node, &spec, "vvi", x, y, planes);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *dx = zoe__plan_dx(plan, node, 0);
    if (!dx) return ZOE_OK;
    const int planes = dx->shape.n * dx->c8;
    int rows;
    zoe__launch_spec spec = zoe__spec_pixels(plan, "global_average_pool", "global_average_pool_backward", planes,
                                             dx->shape.h, dx->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vviii", zoe__plan_dy(plan, node), dx, zoe__plan_dx_add(plan, node, 0),
                            planes, rows);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    return (double)zoe_shape_count(zoe_graph_shape(graph, node->input[0]));
}

extern const zoe__op zoe__op_global_average_pool;

zoe_value zoe_global_average_pool(zoe_graph *graph, const char *name, zoe_value x)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_global_average_pool, name, &x, 1)) return ZOE_NO_VALUE;
    const zoe_shape s = zoe_graph_shape(graph, x);
    return zoe__graph_add(graph, &node, (zoe_shape){s.n, s.c, 1, 1});
}

const zoe__op zoe__op_global_average_pool = {
    .name = "global_average_pool",
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
