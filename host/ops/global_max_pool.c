/* SPDX-License-Identifier: Apache-2.0
 *
 * global_max_pool: y[n,c] = max over H x W of x[n,c]. The first maximum in row order gets the gradient; a NaN counts as
 * larger than everything. Kernels: cl/global_max_pool.cl. */
#include "ops/node.h"

#include <math.h>

/* ---- definition ---- */

/* aux 0: the place h * W + w of each maximum. */
static void ref_forward(const zoe__ref *ref)
{
    const zoe_shape in = ref->x_shape[0];
    const size_t pixels = (size_t)in.h * (size_t)in.w, planes = (size_t)in.n * (size_t)in.c;
    for (size_t plane = 0; plane < planes; plane++) {
        const double *x = ref->x[0] + plane * pixels;
        size_t best = 0;
        for (size_t i = 1; i < pixels; i++)
            if (x[i] > x[best] || (isnan(x[i]) && !isnan(x[best]))) best = i;
        ref->y[plane] = x[best];
        ref->aux[0][plane] = (double)best;
    }
}

static void ref_backward(const zoe__ref *ref)
{
    const zoe_shape in = ref->x_shape[0];
    const size_t pixels = (size_t)in.h * (size_t)in.w, planes = (size_t)in.n * (size_t)in.c;
    if (!ref->dx[0]) return;
    for (size_t plane = 0; plane < planes; plane++)
        ref->dx[0][plane * pixels + (size_t)ref->aux[0][plane]] += ref->dy[plane];
}

/* ---- device: aux 0 holds the place as an int ---- */

static zoe_status make_plan(zoe_plan *plan, zoe__node *node)
{
    const zoe_shape y = zoe__plan_shape(plan, node->output);
    if (zoe__plan_training(plan)) zoe__plan_aux(plan, node, 0, (size_t)y.n * zoe__round_up((size_t)y.c, 8));
    return ZOE_OK;
}

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *x = zoe__plan_x(plan, node, 0), *y = zoe__plan_y(plan, node);
    const int planes = y->shape.n * y->c8;
    const bool keep = zoe__plan_training(plan);
    zoe__launch_spec spec = zoe__spec_groups(plan, "global_max_pool", "global_max_pool_forward", (size_t)planes);
    spec.options = keep ? "-DKEEP=1" : "-DKEEP=0";
    return zoe__plan_launch(plan, node, &spec, "vvmi", x, y, keep ? zoe__plan_aux_mem(plan, node, 0) : NULL, planes);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *dx = zoe__plan_dx(plan, node, 0);
    if (!dx) return ZOE_OK;
    const int planes = dx->shape.n * dx->c8;
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "global_max_pool", "global_max_pool_backward", planes, dx->shape.h, dx->shape.w, &rows);
    spec.options = "-DKEEP=1";
    return zoe__plan_launch(plan, node, &spec, "mvviii", zoe__plan_aux_mem(plan, node, 0), zoe__plan_dy(plan, node), dx,
                            zoe__plan_dx_add(plan, node, 0), planes, rows);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    return (double)zoe_shape_count(zoe_graph_shape(graph, node->input[0]));
}

extern const zoe__op zoe__op_global_max_pool;

zoe_value zoe_global_max_pool(zoe_graph *graph, const char *name, zoe_value x)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_global_max_pool, name, &x, 1)) return ZOE_NO_VALUE;
    const zoe_shape s = zoe_graph_shape(graph, x);
    node.aux_doubles[0] = (size_t)s.n * (size_t)s.c;
    return zoe__graph_add(graph, &node, (zoe_shape){s.n, s.c, 1, 1});
}

const zoe__op zoe__op_global_max_pool = {
    .name = "global_max_pool",
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .plan = make_plan,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
