/* SPDX-License-Identifier: Apache-2.0
 *
 * concat_batch: y = x0, x1, .. along N. Kernels: cl/copy.cl. */
#include "ops/node.h"

#include <string.h>

/* ---- definition ---- */

static void ref_forward(const zoe__ref *ref)
{
    double *y = ref->y;
    for (int i = 0; i < ref->node->inputs; i++) {
        const size_t count = zoe_shape_count(ref->x_shape[i]);
        memcpy(y, ref->x[i], count * sizeof *y);
        y += count;
    }
}

static void ref_backward(const zoe__ref *ref)
{
    const double *dy = ref->dy;
    for (int i = 0; i < ref->node->inputs; i++) {
        const size_t count = zoe_shape_count(ref->x_shape[i]);
        for (size_t k = 0; ref->dx[i] && k < count; k++) ref->dx[i][k] += dy[k];
        dy += count;
    }
}

/* ---- device ---- */

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *y = zoe__plan_y(plan, node);
    int first = 0;
    for (int i = 0; i < node->inputs; i++) {
        const zoe__view *x = zoe__plan_x(plan, node, i);
        const int planes = x->shape.n * x->c8;
        ZOE_TRY(zoe__launch_copy(plan, node, x, 0, y, first, planes, 0));
        first += planes;
    }
    return ZOE_OK;
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *dy = zoe__plan_dy(plan, node);
    int first = 0;
    for (int i = 0; i < node->inputs; i++) {
        const zoe__view *dx = zoe__plan_dx(plan, node, i);
        const int planes = zoe__plan_shape(plan, node->input[i]).n * dy->c8;
        if (dx) ZOE_TRY(zoe__launch_copy(plan, node, dy, first, dx, 0, planes, zoe__plan_dx_add(plan, node, i)));
        first += planes;
    }
    return ZOE_OK;
}

extern const zoe__op zoe__op_concat_batch;

zoe_value zoe_concat_batch(zoe_graph *graph, const char *name, const zoe_value *values, int count)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_concat_batch, name, values, count)) return ZOE_NO_VALUE;
    zoe_shape sum = zoe_graph_shape(graph, values[0]);
    for (int i = 1; i < count; i++) {
        const zoe_shape s = zoe_graph_shape(graph, values[i]);
        if (s.c != sum.c || s.h != sum.h || s.w != sum.w)
            return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (concat_batch): input %d is %dx%dx%dx%d, wanted ?x%dx%dx%d",
                                      name, i, s.n, s.c, s.h, s.w, sum.c, sum.h, sum.w);
        sum.n += s.n;
    }
    return zoe__graph_add(graph, &node, sum);
}

const zoe__op zoe__op_concat_batch = {
    .name = "concat_batch",
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .forward = forward,
    .backward = backward,
};
