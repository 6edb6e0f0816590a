/* SPDX-License-Identifier: Apache-2.0
 *
 * slice_batch: y = images first .. first+count-1 of x. Kernels: cl/copy.cl, cl/slice_batch.cl. */
#include "ops/node.h"

#include <string.h>

typedef struct slice_options {
    int first, count;
} slice_options;

/* ---- definition ---- */

static void ref_forward(const zoe__ref *ref)
{
    const slice_options *o = ref->node->options;
    const size_t image = zoe_shape_count(ref->y_shape) / (size_t)ref->y_shape.n;
    memcpy(ref->y, ref->x[0] + (size_t)o->first * image, zoe_shape_count(ref->y_shape) * sizeof *ref->y);
}

static void ref_backward(const zoe__ref *ref)
{
    const slice_options *o = ref->node->options;
    const size_t count = zoe_shape_count(ref->y_shape), image = count / (size_t)ref->y_shape.n;
    for (size_t k = 0; ref->dx[0] && k < count; k++) ref->dx[0][(size_t)o->first * image + k] += ref->dy[k];
}

/* ---- device ---- */

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const slice_options *o = node->options;
    const zoe__view *x = zoe__plan_x(plan, node, 0), *y = zoe__plan_y(plan, node);
    return zoe__launch_copy(plan, node, x, o->first * x->c8, y, 0, o->count * y->c8, 0);
}

/* The first of several slices of x also clears the images that it does not cover. */
static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const slice_options *o = node->options;
    const zoe__view *dy = zoe__plan_dy(plan, node), *dx = zoe__plan_dx(plan, node, 0);
    if (!dx) return ZOE_OK;
    if (zoe__plan_dx_add(plan, node, 0))
        return zoe__launch_copy(plan, node, dy, 0, dx, o->first * dx->c8, o->count * dx->c8, 1);
    const int planes = dx->shape.n * dx->c8;
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "slice_batch", "slice_batch_backward", planes, dx->shape.h, dx->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vviiii", dy, dx, o->first * dx->c8, o->count * dx->c8, planes, rows);
}

extern const zoe__op zoe__op_slice_batch;

zoe_value zoe_slice_batch(zoe_graph *graph, const char *name, zoe_value x, int first, int count)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_slice_batch, name, &x, 1)) return ZOE_NO_VALUE;
    const zoe_shape s = zoe_graph_shape(graph, x);
    if (first < 0 || count < 1 || first > s.n - count)
        return zoe__graph_mistake(graph, ZOE_SHAPE,
                                  "%s (slice_batch): %d images from %d on are not within a batch of %d", name, count,
                                  first, s.n);
    slice_options options = {first, count};
    node.options = &options;
    node.options_bytes = sizeof options;
    return zoe__graph_add(graph, &node, (zoe_shape){count, s.c, s.h, s.w});
}

const zoe__op zoe__op_slice_batch = {
    .name = "slice_batch",
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .forward = forward,
    .backward = backward,
};
