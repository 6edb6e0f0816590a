/* SPDX-License-Identifier: Apache-2.0
 *
 * add: y = a + b. Kernels: cl/add.cl, cl/copy.cl. */
#include "ops/node.h"

/* ---- definition ---- */

static void ref_forward(const zoe__ref *ref)
{
    const size_t count = zoe_shape_count(ref->y_shape);
    for (size_t i = 0; i < count; i++) ref->y[i] = ref->x[0][i] + ref->x[1][i];
}

static void ref_backward(const zoe__ref *ref)
{
    const size_t count = zoe_shape_count(ref->y_shape);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; ref->dx[k] && i < count; i++) ref->dx[k][i] += ref->dy[i];
}

/* ---- device ---- */

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *y = zoe__plan_y(plan, node);
    const int planes = y->shape.n * y->c8;
    int rows;
    zoe__launch_spec spec = zoe__spec_pixels(plan, "add", "add_forward", planes, y->shape.h, y->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vvvii", zoe__plan_x(plan, node, 0), zoe__plan_x(plan, node, 1), y,
                            planes, rows);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *dy = zoe__plan_dy(plan, node);
    for (int i = 0; i < 2; i++) {
        const zoe__view *dx = zoe__plan_dx(plan, node, i);
        if (!dx) continue;
        ZOE_TRY(zoe__launch_copy(plan, node, dy, 0, dx, 0, dy->shape.n * dy->c8, zoe__plan_dx_add(plan, node, i)));
    }
    return ZOE_OK;
}

extern const zoe__op zoe__op_add;

zoe_value zoe_add(zoe_graph *graph, const char *name, zoe_value a, zoe_value b)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_add, name, (zoe_value[]){a, b}, 2)) return ZOE_NO_VALUE;
    const zoe_shape x = zoe_graph_shape(graph, a), y = zoe_graph_shape(graph, b);
    if (!zoe__shape_equal(x, y))
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (add): shapes %dx%dx%dx%d and %dx%dx%dx%d differ", name, x.n,
                                  x.c, x.h, x.w, y.n, y.c, y.h, y.w);
    return zoe__graph_add(graph, &node, x);
}

const zoe__op zoe__op_add = {
    .name = "add",
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .forward = forward,
    .backward = backward,
};
