/* SPDX-License-Identifier: Apache-2.0
 *
 * cell_dot: y[n,0,h,w] = sum over c of map[n,c,h,w] * vector[n,c]; dmap = dy * vector, dvector[n,c] = sum over cells of
 * dy * map. Kernels: cl/cell_dot.cl. */
#include "ops/node.h"

#include <string.h>

/* ---- definition ---- */

static void ref_forward(const zoe__ref *ref)
{
    const zoe_shape in = ref->x_shape[0];
    const size_t cells = (size_t)in.h * (size_t)in.w, channels = (size_t)in.c;
    memset(ref->y, 0, zoe_shape_count(ref->y_shape) * sizeof *ref->y);
    for (size_t n = 0; n < (size_t)in.n; n++)
        for (size_t c = 0; c < channels; c++)
            for (size_t i = 0; i < cells; i++)
                ref->y[n * cells + i] += ref->x[0][(n * channels + c) * cells + i] * ref->x[1][n * channels + c];
}

static void ref_backward(const zoe__ref *ref)
{
    const zoe_shape in = ref->x_shape[0];
    const size_t cells = (size_t)in.h * (size_t)in.w, channels = (size_t)in.c;
    for (size_t n = 0; n < (size_t)in.n; n++)
        for (size_t c = 0; c < channels; c++)
            for (size_t i = 0; i < cells; i++) {
                const size_t at = (n * channels + c) * cells + i;
                const double dy = ref->dy[n * cells + i];
                if (ref->dx[0]) ref->dx[0][at] += dy * ref->x[1][n * channels + c];
                if (ref->dx[1]) ref->dx[1][n * channels + c] += dy * ref->x[0][at];
            }
}

/* ---- device ---- */

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *y = zoe__plan_y(plan, node);
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "cell_dot", "cell_dot_forward", y->shape.n, y->shape.h, y->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vvvii", zoe__plan_x(plan, node, 0), zoe__plan_x(plan, node, 1), y,
                            y->shape.n, rows);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *map = zoe__plan_x(plan, node, 0), *vector = zoe__plan_x(plan, node, 1);
    const zoe__view *dy = zoe__plan_dy(plan, node);
    const zoe__view *dmap = zoe__plan_dx(plan, node, 0), *dvector = zoe__plan_dx(plan, node, 1);
    const int planes = map->shape.n * map->c8;
    if (dmap) {
        int rows;
        zoe__launch_spec spec =
            zoe__spec_pixels(plan, "cell_dot", "cell_dot_map", planes, map->shape.h, map->shape.w, &rows);
        ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vvviii", vector, dy, dmap, zoe__plan_dx_add(plan, node, 0), planes,
                                 rows));
    }
    if (!dvector) return ZOE_OK;
    zoe__launch_spec spec = zoe__spec_groups(plan, "cell_dot", "cell_dot_vector", (size_t)planes);
    return zoe__plan_launch(plan, node, &spec, "vvvii", map, dy, dvector, zoe__plan_dx_add(plan, node, 1), planes);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    return 2.0 * (double)zoe_shape_count(zoe_graph_shape(graph, node->input[0]));
}

extern const zoe__op zoe__op_cell_dot;

zoe_value zoe_cell_dot(zoe_graph *graph, const char *name, zoe_value map, zoe_value vector)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_cell_dot, name, (zoe_value[]){map, vector}, 2)) return ZOE_NO_VALUE;
    const zoe_shape m = zoe_graph_shape(graph, map), v = zoe_graph_shape(graph, vector);
    if (!zoe__shape_equal(v, (zoe_shape){m.n, m.c, 1, 1}))
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (cell_dot): map %dx%dx%dx%d and vector %dx%dx%dx%d", name, m.n,
                                  m.c, m.h, m.w, v.n, v.c, v.h, v.w);
    return zoe__graph_add(graph, &node, (zoe_shape){m.n, 1, m.h, m.w});
}

const zoe__op zoe__op_cell_dot = {
    .name = "cell_dot",
    .needs = ZOE__NEEDS_X,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
