/* SPDX-License-Identifier: Apache-2.0
 *
 * distance: y[n] = sqrt(|a[n] - b[n]|^2 + eps); da = dy (a - b) / y, db = -da. Kernels: cl/distance.cl. */
#include "ops/node.h"

#include <math.h>

typedef struct distance_options {
    float eps;
} distance_options;

/* ---- definition ---- */

static void ref_forward(const zoe__ref *ref)
{
    const distance_options *o = ref->node->options;
    const size_t row = zoe_shape_count(ref->x_shape[0]) / (size_t)ref->x_shape[0].n;
    for (size_t n = 0; n < (size_t)ref->y_shape.n; n++) {
        double sum = (double)o->eps;
        for (size_t i = n * row; i < (n + 1) * row; i++)
            sum += (ref->x[0][i] - ref->x[1][i]) * (ref->x[0][i] - ref->x[1][i]);
        ref->y[n] = sqrt(sum);
    }
}

static void ref_backward(const zoe__ref *ref)
{
    const size_t row = zoe_shape_count(ref->x_shape[0]) / (size_t)ref->x_shape[0].n;
    for (size_t n = 0; n < (size_t)ref->y_shape.n; n++)
        for (size_t i = n * row; i < (n + 1) * row; i++) {
            const double slope = ref->dy[n] * (ref->x[0][i] - ref->x[1][i]) / ref->y[n];
            if (ref->dx[0]) ref->dx[0][i] += slope;
            if (ref->dx[1]) ref->dx[1][i] -= slope;
        }
}

/* ---- device ---- */

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const distance_options *o = node->options;
    const zoe__view *a = zoe__plan_x(plan, node, 0), *b = zoe__plan_x(plan, node, 1);
    zoe__launch_spec spec = zoe__spec_groups(plan, "distance", "distance_forward", (size_t)a->shape.n);
    return zoe__plan_launch(plan, node, &spec, "vvvfi", a, b, zoe__plan_y(plan, node), (double)o->eps, a->shape.n);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *x[2] = {zoe__plan_x(plan, node, 0), zoe__plan_x(plan, node, 1)};
    for (int i = 0; i < 2; i++) {
        const zoe__view *dx = zoe__plan_dx(plan, node, i);
        if (!dx) continue;
        const int planes = dx->shape.n * dx->c8;
        int rows;
        zoe__launch_spec spec =
            zoe__spec_pixels(plan, "distance", "distance_backward", planes, dx->shape.h, dx->shape.w, &rows);
        ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vvvvviii", x[i], x[1 - i], zoe__plan_y(plan, node),
                                 zoe__plan_dy(plan, node), dx, zoe__plan_dx_add(plan, node, i), planes, rows));
    }
    return ZOE_OK;
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    return 3.0 * (double)zoe_shape_count(zoe_graph_shape(graph, node->input[0]));
}

extern const zoe__op zoe__op_distance;

zoe_value zoe_distance(zoe_graph *graph, const char *name, zoe_value a, zoe_value b, float eps)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_distance, name, (zoe_value[]){a, b}, 2)) return ZOE_NO_VALUE;
    const zoe_shape s = zoe_graph_shape(graph, a), t = zoe_graph_shape(graph, b);
    if (!zoe__shape_equal(s, t))
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (distance): %dx%dx%dx%d and %dx%dx%dx%d", name, s.n, s.c, s.h,
                                  s.w, t.n, t.c, t.h, t.w);
    if (!(eps > 0))
        return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (distance): eps %g must be above 0", name, (double)eps);
    distance_options options = {eps};
    node.options = &options;
    node.options_bytes = sizeof options;
    return zoe__graph_add(graph, &node, (zoe_shape){s.n, 1, 1, 1});
}

const zoe__op zoe__op_distance = {
    .name = "distance",
    .needs = ZOE__NEEDS_X | ZOE__NEEDS_Y,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
