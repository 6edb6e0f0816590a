/* SPDX-License-Identifier: Apache-2.0
 *
 * max_pool: y[n,c,p,q] = max of x over the window's pixels; padding takes no part. The first maximum in row order gets
 * the gradient; a NaN counts as larger than everything. H x W input, P x Q output. Kernels: cl/max_pool.cl. */
#include "ops/pool.h"

#include <math.h>

/* ---- definition ---- */

/* aux 0: the place h * W + w of each maximum. */
static void ref_forward(const zoe__ref *ref)
{
    const zoe_pool_options *o = ref->node->options;
    const zoe_shape in = ref->x_shape[0], out = ref->y_shape;
    size_t i = 0;
    for (int plane = 0; plane < in.n * in.c; plane++) {
        const double *x = ref->x[0] + (size_t)plane * (size_t)(in.h * in.w);
        for (int p = 0; p < out.h; p++) {
            const zoe__pool_window rows = zoe__pool_at(o, p, in.h);
            for (int q = 0; q < out.w; q++, i++) {
                const zoe__pool_window columns = zoe__pool_at(o, q, in.w);
                int best = rows.first * in.w + columns.first;
                for (int h = rows.first; h < rows.last; h++)
                    for (int w = columns.first; w < columns.last; w++) {
                        const double value = x[h * in.w + w];
                        if (value > x[best] || (isnan(value) && !isnan(x[best]))) best = h * in.w + w;
                    }
                ref->y[i] = x[best];
                ref->aux[0][i] = best;
            }
        }
    }
}

static void ref_backward(const zoe__ref *ref)
{
    const zoe_shape in = ref->x_shape[0], out = ref->y_shape;
    if (!ref->dx[0]) return;
    size_t i = 0;
    for (int plane = 0; plane < in.n * in.c; plane++) {
        double *dx = ref->dx[0] + (size_t)plane * (size_t)(in.h * in.w);
        for (int k = 0; k < out.h * out.w; k++, i++) dx[(size_t)ref->aux[0][i]] += ref->dy[i];
    }
}

/* ---- device: aux 0 holds one byte an element, the number of the tap that won ---- */

static zoe_status make_plan(zoe_plan *plan, zoe__node *node)
{
    const zoe_pool_options *o = node->options;
    if (o->kernel > 16) return ZOE_UNSUPPORTED; /* tap numbers beyond a byte */
    const zoe_shape y = zoe__plan_shape(plan, node->output);
    const size_t pixels = (size_t)y.n * (size_t)((y.c + 7) / 8) * (size_t)y.h * (size_t)y.w;
    if (zoe__plan_training(plan)) zoe__plan_aux(plan, node, 0, pixels * 2);
    return ZOE_OK;
}

static bool build_options(char *text, size_t size, const zoe_pool_options *o, bool keep)
{
    return zoe__format(text, size, "-DKERNEL=%d -DSTRIDE=%d -DKEEP=%d", o->kernel, o->stride, keep);
}

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe_pool_options *o = node->options;
    const zoe__view *y = zoe__plan_y(plan, node);
    const int planes = y->shape.n * y->c8;
    const bool keep = zoe__plan_training(plan);
    int rows;
    char text[64];
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "max_pool", "max_pool_forward", planes, y->shape.h, y->shape.w, &rows);
    build_options(text, sizeof text, o, keep);
    spec.options = text;
    return zoe__plan_launch(plan, node, &spec, "vvmiii", zoe__plan_x(plan, node, 0), y,
                            keep ? zoe__plan_aux_mem(plan, node, 0) : NULL, o->pad, planes, rows);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe_pool_options *o = node->options;
    const zoe__view *dx = zoe__plan_dx(plan, node, 0);
    if (!dx) return ZOE_OK;
    const int planes = dx->shape.n * dx->c8;
    int rows;
    char text[64];
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "max_pool", "max_pool_backward", planes, dx->shape.h, dx->shape.w, &rows);
    build_options(text, sizeof text, o, true);
    spec.options = text;
    return zoe__plan_launch(plan, node, &spec, "mvviiii", zoe__plan_aux_mem(plan, node, 0), zoe__plan_dy(plan, node),
                            dx, o->pad, zoe__plan_dx_add(plan, node, 0), planes, rows);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    const zoe_pool_options *o = node->options;
    return (double)zoe_shape_count(zoe_graph_shape(graph, node->output)) * o->kernel * o->kernel;
}

extern const zoe__op zoe__op_max_pool;

zoe_value zoe_max_pool(zoe_graph *graph, const char *name, zoe_value x, const zoe_pool_options *options)
{
    return zoe__pool_add(graph, &zoe__op_max_pool, name, x, options, 1);
}

const zoe__op zoe__op_max_pool = {
    .name = "max_pool",
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .plan = make_plan,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
