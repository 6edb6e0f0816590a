/* SPDX-License-Identifier: Apache-2.0
 *
 * relu: y = max(0, x). Kernels: cl/relu.cl. */
#include "ops/node.h"

/* ---- definition ---- */

/* Written so that a NaN falls through. */
static void ref_forward(const zoe__ref *ref)
{
    const size_t count = zoe_shape_count(ref->y_shape);
    for (size_t i = 0; i < count; i++) ref->y[i] = ref->x[0][i] <= 0 ? 0 : ref->x[0][i];
}

static void ref_backward(const zoe__ref *ref)
{
    const size_t count = zoe_shape_count(ref->y_shape);
    for (size_t i = 0; ref->dx[0] && i < count; i++) ref->dx[0][i] += ref->y[i] <= 0 ? 0 : ref->dy[i];
}

/* ---- device ---- */

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *y = zoe__plan_y(plan, node);
    const int planes = y->shape.n * y->c8;
    int rows;
    zoe__launch_spec spec = zoe__spec_pixels(plan, "relu", "relu_forward", planes, y->shape.h, y->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vvii", zoe__plan_x(plan, node, 0), y, planes, rows);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *y = zoe__plan_y(plan, node), *dx = zoe__plan_dx(plan, node, 0);
    if (!dx) return ZOE_OK;
    const int planes = y->shape.n * y->c8;
    int rows;
    zoe__launch_spec spec = zoe__spec_pixels(plan, "relu", "relu_backward", planes, y->shape.h, y->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vvviii", y, zoe__plan_dy(plan, node), dx,
                            zoe__plan_dx_add(plan, node, 0), planes, rows);
}

extern const zoe__op zoe__op_relu;

zoe_value zoe_relu(zoe_graph *graph, const char *name, zoe_value x)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_relu, name, &x, 1)) return ZOE_NO_VALUE;
    return zoe__graph_add(graph, &node, zoe_graph_shape(graph, x));
}

const zoe__op zoe__op_relu = {
    .name = "relu",
    .needs = ZOE__NEEDS_Y,
    .in_place = true,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .forward = forward,
    .backward = backward,
};
