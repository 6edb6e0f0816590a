/* SPDX-License-Identifier: Apache-2.0
 *
 * The launches of batch norm with its tail: batch_norm.h says what they compute. Kernels: cl/batch_norm.cl
 * (statistics), cl/batch_norm_apply.cl (passes over all pixels). */
#include "ops/batch_norm.h"

enum { BIAS = 1, ADD = 2, RELU = 4, WRITE_GRADIENT = 8, ADD_GRADIENT = 16, HALO = 32 }; /* as in batch_norm_apply.cl */

/* Numbers of the parameters within the node. */
static int mean_param(const zoe__node *node)
{
    return ((const zoe_batch_norm_options *)node->options)->affine ? 2 : 0;
}

static int block_count(zoe_shape s)
{
    return (s.c + 7) / 8;
}

zoe__batch_norm_chunks zoe__batch_norm_cut(zoe_shape x)
{
    const int all = x.n * x.h, rows = 1024 / x.w > 1 ? 1024 / x.w : 1;
    return (zoe__batch_norm_chunks){rows < all ? rows : all, (all + rows - 1) / rows};
}

zoe__mem *zoe__batch_norm_bias(zoe_plan *plan, const zoe__node *node, bool *read)
{
    const zoe_batch_norm_options *o = node->options;
    *read = o->affine;
    return zoe__plan_weight(plan, node, o->affine ? 1 : mean_param(node));
}

double zoe__batch_norm_flops(const zoe_graph *graph, const zoe__node *node)
{
    return 6.0 * (double)zoe_shape_count(zoe_graph_shape(graph, node->input[0]));
}

zoe_status zoe__batch_norm_plan(zoe_plan *plan, zoe__node *node)
{
    const zoe_shape s = zoe__plan_shape(plan, node->input[0]);
    const size_t c8 = (size_t)block_count(s), chunks = (size_t)zoe__batch_norm_cut(s).count;
    zoe__plan_aux(plan, node, 0, c8 * 24);
    if (zoe__plan_training(plan)) zoe__plan_workspace(plan, node, ZOE__BACKWARD, c8 * 16 * (chunks + 1));
    if (!zoe__plan_batch_statistics(plan)) return ZOE_OK;
    const zoe__node *maker = zoe__plan_maker(plan, node, 0);
    const bool can = zoe__plan_get_options(plan)->fuse && maker && maker->op->moments;
    const int most = can ? maker->op->moments(plan, maker) : 0;
    if (most)
        zoe__plan_moments(plan, maker, node, most);
    else
        zoe__plan_workspace(plan, node, ZOE__FORWARD, c8 * 24 * chunks);
    return ZOE_OK;
}

/* ---- forward ---- */

zoe_status zoe__batch_norm_figures(zoe_plan *plan, zoe__node *node)
{
    const zoe_batch_norm_options *o = node->options;
    const zoe__view *x = zoe__plan_x(plan, node, 0);
    const zoe_shape s = x->shape;
    const zoe__batch_norm_chunks cut = zoe__batch_norm_cut(s);
    zoe__mem *aux = zoe__plan_aux_mem(plan, node, 0), *weight = o->affine ? zoe__plan_weight(plan, node, 0) : NULL;
    zoe__mem *mean = zoe__plan_weight(plan, node, mean_param(node));
    zoe__mem *var = zoe__plan_weight(plan, node, mean_param(node) + 1);
    const double small = sizeof(float) * 8.0 * x->c8;
    if (!zoe__plan_batch_statistics(plan)) {
        zoe__launch_spec spec = zoe__spec_items(plan, "batch_norm", "batch_norm_fold", (size_t)x->c8);
        spec.bytes = 6 * small;
        return zoe__plan_launch(plan, node, &spec, "mmmmiif", weight, mean, var, aux, s.c, x->c8, (double)o->eps);
    }
    const zoe__node *maker = zoe__plan_maker(plan, node, 0);
    const bool made = maker && zoe__plan_moments_asked(plan, maker);
    zoe__mem *partial = made ? zoe__plan_moments_mem(plan, maker) : zoe__plan_workspace_mem(plan, node, ZOE__FORWARD);
    const int count = made ? zoe__plan_moments_chunks(plan, maker) : cut.count;
    zoe__launch_spec spec;
    if (!made) {
        spec = zoe__spec_groups(plan, "batch_norm", "batch_norm_moments", (size_t)x->c8 * (size_t)cut.count);
        spec.bytes = zoe__view_bytes(x);
        ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vmiii", x, partial, s.n * s.h, cut.rows, cut.count));
    }
    spec = zoe__spec_groups(plan, "batch_norm", "batch_norm_join", (size_t)x->c8);
    spec.bytes = small * (3 * count + 8);
    return zoe__plan_launch(plan, node, &spec, "mmmmmififf", partial, weight, mean, var, aux, s.c,
                            (double)s.n * s.h * s.w, count, (double)o->eps, (double)o->momentum);
}

zoe_status zoe__batch_norm_forward(zoe_plan *plan, zoe__node *node, zoe__batch_norm_tail tail)
{
    const zoe__view *x = zoe__plan_x(plan, node, 0), *y = zoe__plan_y(plan, node);
    const zoe__view *z = zoe__plan_x(plan, node, tail.add ? 1 : 0);
    ZOE_TRY(zoe__batch_norm_figures(plan, node));
    const int planes = y->shape.n * y->c8;
    bool bias;
    zoe__mem *bias_mem = zoe__batch_norm_bias(plan, node, &bias);
    const int flags =
        (bias ? BIAS : 0) | (tail.add ? ADD : 0) | (tail.relu ? RELU : 0) | (zoe__plan_y_halo(plan, node) ? HALO : 0);
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "batch_norm_apply", "batch_norm_apply", planes, y->shape.h, y->shape.w, &rows);
    spec.bytes = (2 + tail.add) * zoe__view_bytes(y);
    return zoe__plan_launch(plan, node, &spec, "vvvmmiii", x, z, y, zoe__plan_aux_mem(plan, node, 0), bias_mem, flags,
                            planes, rows);
}

/* ---- backward ---- */

/* What the second kernel does with a gradient of a parameter: 0 nothing, 1 write, 2 add. */
static int mode(zoe_plan *plan, const zoe__node *node, int param, zoe__mem **out)
{
    const zoe_batch_norm_options *o = node->options;
    *out = o->affine ? zoe__plan_dweight(plan, node, param) : NULL;
    return *out ? 1 + zoe__plan_dweight_add(plan, node, param) : 0;
}

zoe_status zoe__batch_norm_join_dots(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *x = zoe__plan_x(plan, node, 0);
    const zoe__batch_norm_chunks cut = zoe__batch_norm_cut(x->shape);
    zoe__mem *dweight, *dbias;
    const int dweight_mode = mode(plan, node, 0, &dweight), dbias_mode = mode(plan, node, 1, &dbias);
    zoe__launch_spec spec = zoe__spec_groups(plan, "batch_norm", "batch_norm_join_dots", (size_t)x->c8);
    spec.bytes = sizeof(float) * 8.0 * x->c8 * (2 * cut.count + 4);
    return zoe__plan_launch(plan, node, &spec, "mmmiiif", zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD), dweight,
                            dbias, dweight_mode, dbias_mode, cut.count,
                            1 / ((double)x->shape.n * x->shape.h * x->shape.w));
}

/* The first pass over memory: sums of g and g * t, g = dy where y was not cut off by ReLU. The gradient of z is g. */
static zoe_status emit_dots(zoe_plan *plan, zoe__node *node, int flags, const zoe__view *dz)
{
    const zoe__view *x = zoe__plan_x(plan, node, 0), *dy = zoe__plan_dy(plan, node);
    const zoe__batch_norm_chunks cut = zoe__batch_norm_cut(x->shape);
    bool bias;
    zoe__mem *bias_mem = zoe__batch_norm_bias(plan, node, &bias);
    if (dz) flags |= WRITE_GRADIENT | (zoe__plan_dx_add(plan, node, 1) ? ADD_GRADIENT : 0);
    zoe__launch_spec spec =
        zoe__spec_groups(plan, "batch_norm_apply", "batch_norm_dots", (size_t)x->c8 * (size_t)cut.count);
    spec.bytes = (2 + ((flags & ADD) != 0) + (dz != NULL) + ((flags & ADD_GRADIENT) != 0)) * zoe__view_bytes(x);
    return zoe__plan_launch(plan, node, &spec, "vvvvmmmiiii", x, dy, flags & ADD ? zoe__plan_y(plan, node) : x,
                            dz ? dz : dy, zoe__plan_aux_mem(plan, node, 0), bias_mem,
                            zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD), flags, x->shape.n * x->shape.h,
                            cut.rows, cut.count);
}

zoe_status zoe__batch_norm_backward(zoe_plan *plan, zoe__node *node, zoe__batch_norm_tail tail)
{
    const zoe__view *x = zoe__plan_x(plan, node, 0), *dy = zoe__plan_dy(plan, node), *dx = zoe__plan_dx(plan, node, 0);
    const zoe__view *dz = tail.add ? zoe__plan_dx(plan, node, 1) : NULL;
    const zoe_shape s = x->shape;
    bool bias;
    zoe__mem *bias_mem = zoe__batch_norm_bias(plan, node, &bias);
    int flags = (bias ? BIAS : 0) | (tail.relu ? RELU : 0) | (tail.add ? ADD : 0);
    ZOE_TRY(emit_dots(plan, node, flags, dz));
    ZOE_TRY(zoe__batch_norm_join_dots(plan, node));
    if (!dx) return ZOE_OK;
    if (dz && !zoe__plan_dx_add(plan, node, 1)) { /* g lies ready */
        dy = dz;
        flags &= ~(RELU | ADD);
    }
    if (zoe__plan_dx_add(plan, node, 0)) flags |= ADD_GRADIENT;
    if (zoe__plan_dx_halo(plan, node)) flags |= HALO;
    const int planes = s.n * x->c8;
    int rows;
    zoe__launch_spec spec = zoe__spec_pixels(plan, "batch_norm_apply", "batch_norm_backward", planes, s.h, s.w, &rows);
    spec.bytes = (3 + ((flags & ADD) != 0) + ((flags & ADD_GRADIENT) != 0)) * zoe__view_bytes(x);
    return zoe__plan_launch(plan, node, &spec, "vvvvmmmiiii", x, dy, flags & ADD ? zoe__plan_y(plan, node) : x, dx,
                            zoe__plan_aux_mem(plan, node, 0), bias_mem,
                            zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD), zoe__batch_norm_cut(s).count, flags,
                            planes, rows);
}
