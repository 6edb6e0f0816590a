/* SPDX-License-Identifier: Apache-2.0
 *
 * average_pool: y[n,c,p,q] = sum of x over the window's pixels / count. count is the number of those pixels or, with
 * count_include_pad, of the window's places on pixels and padding (not those that ceil puts past it).
 * H x W input, P x Q output. Kernels: cl/average_pool.cl. */
#include "ops/pool.h"

/* ---- definition ---- */

static double share(const zoe_pool_options *o, const zoe__pool_window *rows, const zoe__pool_window *columns)
{
    return o->count_include_pad ? 1.0 / (rows->padded * columns->padded)
                                : 1.0 / ((rows->last - rows->first) * (columns->last - columns->first));
}

static void ref_forward(const zoe__ref *ref)
{
    const zoe_pool_options *o = ref->node->options;
    const zoe_shape in = ref->x_shape[0], out = ref->y_shape;
    double *y = ref->y;
    for (int plane = 0; plane < in.n * in.c; plane++) {
        const double *x = ref->x[0] + (size_t)plane * (size_t)(in.h * in.w);
        for (int p = 0; p < out.h; p++) {
            const zoe__pool_window rows = zoe__pool_at(o, p, in.h);
            for (int q = 0; q < out.w; q++) {
                const zoe__pool_window columns = zoe__pool_at(o, q, in.w);
                double sum = 0;
                for (int h = rows.first; h < rows.last; h++)
                    for (int w = columns.first; w < columns.last; w++) sum += x[h * in.w + w];
                *y++ = sum * share(o, &rows, &columns);
            }
        }
    }
}

static void ref_backward(const zoe__ref *ref)
{
    const zoe_pool_options *o = ref->node->options;
    const zoe_shape in = ref->x_shape[0], out = ref->y_shape;
    const double *dy = ref->dy;
    if (!ref->dx[0]) return;
    for (int plane = 0; plane < in.n * in.c; plane++) {
        double *dx = ref->dx[0] + (size_t)plane * (size_t)(in.h * in.w);
        for (int p = 0; p < out.h; p++) {
            const zoe__pool_window rows = zoe__pool_at(o, p, in.h);
            for (int q = 0; q < out.w; q++) {
                const zoe__pool_window columns = zoe__pool_at(o, q, in.w);
                const double value = *dy++ * share(o, &rows, &columns);
                for (int h = rows.first; h < rows.last; h++)
                    for (int w = columns.first; w < columns.last; w++) dx[h * in.w + w] += value;
            }
        }
    }
}

/* ---- device ---- */

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe_pool_options *o = node->options;
    const zoe__view *y = zoe__plan_y(plan, node);
    const int planes = y->shape.n * y->c8;
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "average_pool", "average_pool_forward", planes, y->shape.h, y->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vviiiiii", zoe__plan_x(plan, node, 0), y, o->kernel, o->stride, o->pad,
                            (int)o->count_include_pad, planes, rows);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe_pool_options *o = node->options;
    const zoe__view *dx = zoe__plan_dx(plan, node, 0);
    if (!dx) return ZOE_OK;
    const int planes = dx->shape.n * dx->c8;
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "average_pool", "average_pool_backward", planes, dx->shape.h, dx->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vviiiiiii", zoe__plan_dy(plan, node), dx, o->kernel, o->stride, o->pad,
                            (int)o->count_include_pad, zoe__plan_dx_add(plan, node, 0), planes, rows);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    const zoe_pool_options *o = node->options;
    return (double)zoe_shape_count(zoe_graph_shape(graph, node->output)) * o->kernel * o->kernel;
}

extern const zoe__op zoe__op_average_pool;

zoe_value zoe_average_pool(zoe_graph *graph, const char *name, zoe_value x, const zoe_pool_options *options)
{
    return zoe__pool_add(graph, &zoe__op_average_pool, name, x, options, 0);
}

const zoe__op zoe__op_average_pool = {
    .name = "average_pool",
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
