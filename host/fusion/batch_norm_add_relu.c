/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm, add, relu: the end of a residual block, y = relu(t * weight + bias + z). Backward reads off y what ReLU
 * let through and needs no z. */
#include "fusion/fusion.h"
#include "ops/batch_norm.h"

static const zoe__batch_norm_tail tail = {.add = true, .relu = true};

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    return zoe__batch_norm_forward(plan, node, tail);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    return zoe__batch_norm_backward(plan, node, tail);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    return zoe__batch_norm_flops(graph, node) + (double)zoe_shape_count(zoe_graph_shape(graph, node->output));
}

static const zoe__op op = {.name = "batch_norm+add+relu",
                           .needs = ZOE__NEEDS_X | ZOE__NEEDS_Y,
                           .unread_inputs = 1 << 1,
                           .zeroes_halos = true,
                           .plan = zoe__batch_norm_plan,
                           .forward = forward,
                           .backward = backward,
                           .flops = flops};

/* x + batch_norm(x) stays as it is: x would get its two gradients in the wrong order. */
static bool match(const zoe__fusion_graph *graph, const zoe__node *last, zoe__fusion_match *match)
{
    const zoe__node *add = zoe__fusion_before(graph, last, 0, "add");
    for (int i = 0; add && i < 2; i++) {
        const zoe__node *norm = zoe__fusion_before(graph, add, i, "batch_norm");
        if (!norm || add->input[1 - i] == norm->input[0]) continue;
        match->part[match->parts++] = norm;
        match->part[match->parts++] = add;
        match->node = *norm;
        match->node.op = &op;
        match->node.inputs = 2;
        match->node.input[1] = add->input[1 - i];
        return true;
    }
    return false;
}

extern const zoe__fusion zoe__fusion_batch_norm_add_relu;

const zoe__fusion zoe__fusion_batch_norm_add_relu = {.name = "batch_norm_add_relu", .last = "relu", .match = match};
