/* SPDX-License-Identifier: Apache-2.0
 *
 * add, relu: y = relu(a + b); da (+)= g and db (+)= g in one pass, g = dy where y was let through. Kernels:
 * cl/add_relu.cl. */
#include "fusion/fusion.h"
#include "ops/node.h"

enum { WRITE_A = 1, ADD_A = 2, WRITE_B = 4, ADD_B = 8 }; /* as in add_relu.cl */

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *y = zoe__plan_y(plan, node);
    const int planes = y->shape.n * y->c8;
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "add_relu", "add_relu_forward", planes, y->shape.h, y->shape.w, &rows);
    spec.bytes = 3 * zoe__view_bytes(y);
    return zoe__plan_launch(plan, node, &spec, "vvvii", zoe__plan_x(plan, node, 0), zoe__plan_x(plan, node, 1), y,
                            planes, rows);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *y = zoe__plan_y(plan, node), *dy = zoe__plan_dy(plan, node);
    const zoe__view *da = zoe__plan_dx(plan, node, 0), *db = zoe__plan_dx(plan, node, 1);
    if (!da && !db) return ZOE_OK;
    const int add_a = da && zoe__plan_dx_add(plan, node, 0), add_b = db && zoe__plan_dx_add(plan, node, 1);
    const int flags = (da ? WRITE_A : 0) | (add_a ? ADD_A : 0) | (db ? WRITE_B : 0) | (add_b ? ADD_B : 0);
    const int planes = y->shape.n * y->c8;
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "add_relu", "add_relu_backward", planes, y->shape.h, y->shape.w, &rows);
    spec.bytes = (2.0 + (da != NULL) + (db != NULL) + add_a + add_b) * zoe__view_bytes(y);
    return zoe__plan_launch(plan, node, &spec, "vvvviii", y, dy, da ? da : db, db ? db : da, flags, planes, rows);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    return 2.0 * (double)zoe_shape_count(zoe_graph_shape(graph, node->output));
}

static const zoe__op op = {
    .name = "add+relu", .needs = ZOE__NEEDS_Y, .forward = forward, .backward = backward, .flops = flops};

/* A sum of a value with itself stays as it is: its two gradients would be written over each other. */
static bool match(const zoe__fusion_graph *graph, const zoe__node *last, zoe__fusion_match *match)
{
    const zoe__node *add = zoe__fusion_before(graph, last, 0, "add");
    if (!add || add->input[0] == add->input[1]) return false;
    match->part[match->parts++] = add;
    match->node = *add;
    match->node.op = &op;
    return true;
}

extern const zoe__fusion zoe__fusion_add_relu;

const zoe__fusion zoe__fusion_add_relu = {.name = "add_relu", .last = "relu", .match = match};
