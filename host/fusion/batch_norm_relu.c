/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm, relu: y = relu(t * weight + bias) in batch norm's own passes. */
#include "fusion/fusion.h"
#include "ops/batch_norm.h"

static const zoe__batch_norm_tail tail = {.relu = true};

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    return zoe__batch_norm_forward(plan, node, tail);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    return zoe__batch_norm_backward(plan, node, tail);
}

static const zoe__op op = {.name = "batch_norm+relu",
                           .needs = ZOE__NEEDS_X,
                           .zeroes_halos = true,
                           .plan = zoe__batch_norm_plan,
                           .forward = forward,
                           .backward = backward,
                           .flops = zoe__batch_norm_flops};

static bool match(const zoe__fusion_graph *graph, const zoe__node *last, zoe__fusion_match *match)
{
    const zoe__node *norm = zoe__fusion_before(graph, last, 0, "batch_norm");
    if (!norm) return false;
    match->part[match->parts++] = norm;
    match->node = *norm;
    match->node.op = &op;
    return true;
}

extern const zoe__fusion zoe__fusion_batch_norm_relu;

const zoe__fusion zoe__fusion_batch_norm_relu = {.name = "batch_norm_relu", .last = "relu", .match = match};
