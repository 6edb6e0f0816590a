/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm, relu, max_pool: the normalised picture is never in memory, nor is its gradient. Kept for backward: a byte
 * for each output, the tap that won, or 255 where ReLU let nothing through. Memory traffic in tensors of x's size, with
 * 2x2 windows: forward 2.3, backward 3.6; apart they would be 6.3 and 9.3. Kernels: cl/batch_norm_pool.cl. */
#include "fusion/fusion.h"
#include "ops/batch_norm.h"

#include <string.h>

typedef struct fused_options {
    zoe_batch_norm_options norm;
    zoe_pool_options pool;
} fused_options;

enum { MOST_KERNEL = 15 }; /* 225 taps, and one number to spare in a byte */

static zoe_status make_plan(zoe_plan *plan, zoe__node *node)
{
    const zoe_shape y = zoe__plan_shape(plan, node->output);
    const size_t pixels = (size_t)y.n * (size_t)((y.c + 7) / 8) * (size_t)y.h * (size_t)y.w;
    if (zoe__plan_training(plan)) zoe__plan_aux(plan, node, 1, pixels * 2);
    return zoe__batch_norm_plan(plan, node);
}

static bool build_options(char *text, size_t size, const zoe_pool_options *o, bool keep)
{
    return zoe__format(text, size, "-DKERNEL=%d -DSTRIDE=%d -DKEEP=%d", o->kernel, o->stride, keep);
}

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const fused_options *o = node->options;
    const zoe__view *x = zoe__plan_x(plan, node, 0), *y = zoe__plan_y(plan, node);
    const bool keep = zoe__plan_training(plan);
    const int planes = y->shape.n * y->c8;
    ZOE_TRY(zoe__batch_norm_figures(plan, node));
    bool bias;
    zoe__mem *bias_mem = zoe__batch_norm_bias(plan, node, &bias);
    int rows;
    char text[64];
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "batch_norm_pool", "batch_norm_pool_forward", planes, y->shape.h, y->shape.w, &rows);
    build_options(text, sizeof text, &o->pool, keep);
    spec.options = text;
    spec.bytes = zoe__view_bytes(x) + zoe__view_bytes(y) * (keep ? 1.25 : 1);
    return zoe__plan_launch(plan, node, &spec, "vvmmmiiiii", x, y, keep ? zoe__plan_aux_mem(plan, node, 1) : NULL,
                            zoe__plan_aux_mem(plan, node, 0), bias_mem, bias, zoe__plan_y_halo(plan, node), o->pool.pad,
                            planes, rows);
}

static zoe_status emit_dots(zoe_plan *plan, zoe__node *node, const char *text)
{
    const fused_options *o = node->options;
    const zoe__view *x = zoe__plan_x(plan, node, 0), *dy = zoe__plan_dy(plan, node);
    const zoe__batch_norm_chunks cut = zoe__batch_norm_cut(x->shape); /* as many as join_dots reads */
    const int rows = dy->shape.n * dy->shape.h, chunk_rows = (rows + cut.count - 1) / cut.count;
    zoe__launch_spec spec =
        zoe__spec_groups(plan, "batch_norm_pool", "batch_norm_pool_dots", (size_t)x->c8 * (size_t)cut.count);
    spec.options = text;
    spec.bytes = zoe__view_bytes(x) + zoe__view_bytes(dy) * 1.25;
    return zoe__plan_launch(plan, node, &spec, "vvmmmiiii", x, dy, zoe__plan_aux_mem(plan, node, 1),
                            zoe__plan_aux_mem(plan, node, 0), zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD),
                            o->pool.pad, rows, chunk_rows, cut.count);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const fused_options *o = node->options;
    const zoe__view *x = zoe__plan_x(plan, node, 0), *dy = zoe__plan_dy(plan, node), *dx = zoe__plan_dx(plan, node, 0);
    char text[64];
    build_options(text, sizeof text, &o->pool, true);
    ZOE_TRY(emit_dots(plan, node, text));
    ZOE_TRY(zoe__batch_norm_join_dots(plan, node));
    if (!dx) return ZOE_OK;
    const int planes = x->shape.n * x->c8, add = zoe__plan_dx_add(plan, node, 0);
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "batch_norm_pool", "batch_norm_pool_backward", planes, x->shape.h, x->shape.w, &rows);
    spec.options = text;
    spec.bytes = (2.0 + add) * zoe__view_bytes(x) + zoe__view_bytes(dy) * 1.25;
    return zoe__plan_launch(plan, node, &spec, "vvvmmmiiiiii", x, dy, dx, zoe__plan_aux_mem(plan, node, 1),
                            zoe__plan_aux_mem(plan, node, 0), zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD),
                            zoe__batch_norm_cut(x->shape).count, zoe__plan_dx_halo(plan, node), o->pool.pad, add,
                            planes, rows);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    const fused_options *o = node->options;
    return zoe__batch_norm_flops(graph, node) +
           (double)zoe_shape_count(zoe_graph_shape(graph, node->output)) * o->pool.kernel * o->pool.kernel;
}

static const zoe__op op = {.name = "batch_norm+relu+max_pool",
                           .needs = ZOE__NEEDS_X,
                           .zeroes_halos = true,
                           .plan = make_plan,
                           .forward = forward,
                           .backward = backward,
                           .flops = flops};

static bool match(const zoe__fusion_graph *graph, const zoe__node *last, zoe__fusion_match *match)
{
    const zoe_pool_options *pool = last->options;
    const zoe__node *relu = zoe__fusion_before(graph, last, 0, "relu");
    const zoe__node *norm = relu ? zoe__fusion_before(graph, relu, 0, "batch_norm") : NULL;
    if (!norm || pool->kernel > MOST_KERNEL) return false;
    const fused_options options = {.norm = *(const zoe_batch_norm_options *)norm->options, .pool = *pool};
    _Static_assert(sizeof options <= sizeof match->options, "room for the options");
    memcpy(match->options, &options, sizeof options);
    match->part[match->parts++] = norm;
    match->part[match->parts++] = relu;
    match->node = *norm;
    match->node.op = &op;
    match->node.options = match->options;
    match->node.options_bytes = sizeof options;
    return true;
}

extern const zoe__fusion zoe__fusion_batch_norm_relu_max_pool;

const zoe__fusion zoe__fusion_batch_norm_relu_max_pool = {
    .name = "batch_norm_relu_max_pool", .last = "max_pool", .match = match};
