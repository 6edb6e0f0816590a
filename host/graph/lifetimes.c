/* SPDX-License-Identifier: Apache-2.0
 *
 * Who needs what, and for how long. Time is counted in slots: node i runs forward in slot i and backward in slot
 * 2n-1-i. */
#include "graph/state.h"

#include <stdlib.h>

static int forward_slot(const zoe__node *node)
{
    return node->number;
}

static int backward_slot(const zoe_plan *plan, const zoe__node *node)
{
    return 2 * (int)zoe__graph_nodes(plan->graph) - 1 - node->number;
}

static int last_slot(const zoe_plan *plan)
{
    return 2 * (int)zoe__graph_nodes(plan->graph);
}

static bool integer_input(const zoe__node *node, int i)
{
    return node->op->integer_inputs >> i & 1;
}

/* A value can have a gradient: it depends on a trainable parameter, or on an input whose gradient is asked for. */
static zoe_status mark_possible(const zoe_plan *plan, bool *possible)
{
    for (size_t v = 0; v < zoe__graph_values(plan->graph); v++) {
        const zoe__value_spec *spec = zoe__graph_value(plan->graph, (zoe_value)v);
        possible[v] =
            spec->gradient || (spec->node == ZOE__INPUT && plan->options.input_gradients && spec->dtype == ZOE_F32);
        if (spec->node < 0) continue;
        const zoe__node *node = zoe__graph_node(plan->graph, (size_t)spec->node);
        for (int i = 0; i < node->inputs && !node->op->no_gradient; i++)
            possible[v] = possible[v] || (possible[node->input[i]] && !integer_input(node, i));
    }
    return ZOE_OK;
}

/* From the losses backwards: the nodes and values that take part; dx_add in the order in which backward runs. */
static void mark_backward(zoe_plan *plan, const bool *possible)
{
    for (size_t n = zoe__graph_nodes(plan->graph); n-- > 0;) {
        const zoe__node *node = zoe__graph_node(plan->graph, n);
        zoe__node_state *state = &plan->nodes[n];
        if (node->op->is_loss && possible[node->output]) plan->values[node->output].gradient = true;
        if (!plan->values[node->output].gradient || node->op->no_gradient) continue;
        state->backward = true;
        for (int i = 0; i < node->inputs; i++) {
            zoe__value_state *x = &plan->values[node->input[i]];
            if (integer_input(node, i) || !possible[node->input[i]]) continue;
            state->dx_wanted[i] = true;
            state->dx_add[i] = x->gradient;
            x->gradient = true;
        }
    }
}

/* A parameter's first gradient in backward order overwrites unless micro-batches add up. */
static zoe_status mark_weight_adds(zoe_plan *plan)
{
    bool *seen = NULL;
    ZOE_TRY(zoe__calloc(plan->context, &seen, zoe__graph_params(plan->graph) + 1, sizeof *seen));
    for (size_t n = zoe__graph_nodes(plan->graph); n-- > 0;) {
        const zoe__node *node = zoe__graph_node(plan->graph, n);
        if (!plan->nodes[n].backward) continue;
        for (int k = 0; k < node->params; k++) {
            plan->nodes[n].dweight_add[k] = seen[node->param[k]] || plan->options.micro_batches > 1;
            seen[node->param[k]] = true;
        }
    }
    free(seen);
    return ZOE_OK;
}

/* y takes x's memory where nobody else looks at x afterwards. */
static void mark_in_place(zoe_plan *plan)
{
    for (size_t n = 0; n < zoe__graph_nodes(plan->graph) && !plan->host; n++) {
        const zoe__node *node = zoe__graph_node(plan->graph, n);
        if (!node->op->in_place || plan->nodes[n].reference) continue;
        const zoe_value x = node->input[0];
        const zoe__value_spec *spec = zoe__graph_value(plan->graph, x);
        if (spec->node < 0 || spec->keep || plan->values[x].consumers != 1) continue;
        if (plan->nodes[n].backward && (node->op->needs & ZOE__NEEDS_X)) continue;
        const zoe__node *producer = zoe__graph_node(plan->graph, (size_t)spec->node);
        const zoe__node_state *producing = &plan->nodes[spec->node];
        if (producing->reference || (producing->backward && (producer->op->needs & ZOE__NEEDS_Y))) continue;
        plan->values[node->output].root = plan->values[x].root;
    }
}

zoe_status zoe__plan_trace(zoe_plan *plan)
{
    const size_t values = zoe__graph_values(plan->graph);
    for (size_t v = 0; v < values; v++)
        plan->values[v] = (zoe__value_state){.root = (int)v, .block = -1, .gradient_block = -1};
    for (size_t n = 0; n < zoe__graph_nodes(plan->graph); n++) {
        const zoe__node *node = zoe__graph_node(plan->graph, n);
        for (int i = 0; i < node->inputs; i++) plan->values[node->input[i]].consumers++;
    }
    if (!plan->options.training) return ZOE_OK;
    bool *possible = NULL;
    ZOE_TRY(zoe__calloc(plan->context, &possible, values + 1, sizeof *possible));
    mark_possible(plan, possible);
    mark_backward(plan, possible);
    free(possible);
    return mark_weight_adds(plan);
}

/* ---- blocks ---- */

zoe_status zoe__plan_add_block(zoe_plan *plan, const char *what, const char *name, size_t bytes, int first, int last,
                               int *number)
{
    ZOE_TRY(
        zoe__grow(plan->context, &plan->blocks, &plan->block_capacity, plan->block_count + 1, sizeof *plan->blocks));
    const size_t align = zoe_device_get_info(plan->device)->base_align;
    const size_t guard = plan->options.poison ? 256 : 0; /* tests look whether it is still there */
    plan->blocks[plan->block_count] =
        (zoe__block){.bytes = zoe__round_up((bytes ? bytes : 1) + guard, align > 64 ? align : 64),
                     .first = first,
                     .last = last,
                     .what = what,
                     .name = name};
    *number = (int)plan->block_count++;
    return ZOE_OK;
}

static void extend(int *slot, int to, bool later)
{
    if (later ? *slot < to : *slot > to) *slot = to;
}

/* The last slot in which any value that shares root's memory is read. */
static int activation_end(const zoe_plan *plan, size_t root)
{
    int end = 0;
    for (size_t v = root; v < zoe__graph_values(plan->graph); v++) {
        if (plan->values[v].root != (int)root) continue;
        const zoe__value_spec *spec = zoe__graph_value(plan->graph, (zoe_value)v);
        if (spec->keep) return last_slot(plan);
        const zoe__node *producer = zoe__graph_node(plan->graph, (size_t)spec->node);
        extend(&end, forward_slot(producer), true);
        if (plan->nodes[producer->number].backward && (producer->op->needs & ZOE__NEEDS_Y))
            extend(&end, backward_slot(plan, producer), true);
    }
    for (size_t n = 0; n < zoe__graph_nodes(plan->graph); n++) {
        const zoe__node *node = zoe__graph_node(plan->graph, n);
        for (int i = 0; i < node->inputs; i++) {
            if (plan->values[node->input[i]].root != (int)root) continue;
            extend(&end, forward_slot(node), true);
            if (plan->nodes[n].backward && (node->op->needs & ZOE__NEEDS_X) && !(node->op->unread_inputs >> i & 1))
                extend(&end, backward_slot(plan, node), true);
        }
    }
    return end;
}

/* Gradients of all values that share root's memory live in one block too. */
static zoe_status add_gradient_block(zoe_plan *plan, size_t root, size_t bytes)
{
    int first = last_slot(plan), last = 0;
    bool any = false;
    for (size_t n = 0; n < zoe__graph_nodes(plan->graph); n++) {
        const zoe__node *node = zoe__graph_node(plan->graph, n);
        if (!plan->nodes[n].backward) continue;
        bool touches = plan->values[node->output].root == (int)root && !node->op->is_loss;
        for (int i = 0; i < node->inputs; i++)
            touches = touches || (plan->nodes[n].dx_wanted[i] && plan->values[node->input[i]].root == (int)root);
        if (!touches) continue;
        any = true;
        extend(&first, backward_slot(plan, node), false);
        extend(&last, backward_slot(plan, node), true);
    }
    if (!any) return ZOE_OK;
    if (zoe__graph_value(plan->graph, (zoe_value)root)->node < 0)
        last = last_slot(plan); /* an input's: readable after */
    return zoe__plan_add_block(plan, "gradient", zoe__graph_value(plan->graph, (zoe_value)root)->name, bytes, first,
                               last, &plan->values[root].gradient_block);
}

static void share_halos(zoe_plan *plan)
{
    for (size_t v = 0; v < zoe__graph_values(plan->graph); v++) {
        zoe__value_state *state = &plan->values[v], *root = &plan->values[state->root];
        if (root->halo < state->halo) root->halo = state->halo;
        if (root->gradient_halo < state->gradient_halo) root->gradient_halo = state->gradient_halo;
    }
    for (size_t v = 0; v < zoe__graph_values(plan->graph); v++) {
        zoe__value_state *state = &plan->values[v];
        state->halo = plan->values[state->root].halo;
        state->gradient_halo = plan->values[state->root].gradient_halo;
    }
}

static void choose_planar(zoe_plan *plan)
{
    for (size_t v = 0; v < zoe__graph_values(plan->graph); v++) {
        const zoe__value_spec *spec = zoe__graph_value(plan->graph, (zoe_value)v);
        zoe__value_state *state = &plan->values[v];
        const bool source = spec->node < 0 || zoe__graph_node(plan->graph, (size_t)spec->node)->op->no_gradient;
        state->planar = source && spec->dtype == ZOE_F32 && spec->shape.c < 8 && !state->gradient &&
                        state->consumers > 0 && state->planar_wishes >= state->consumers;
    }
}

/* With storage fp16 numbers that the device computes are halves, and what is put into the graph to try ops. Sound keeps
 * the digits that its quiet frequencies need, a loss those that its last steps need. */
size_t zoe__plan_number_bytes(const zoe_plan *plan, size_t value)
{
    const zoe__value_spec *spec = zoe__graph_value(plan->graph, (zoe_value)value);
    if (spec->dtype == ZOE_U8) return 1;
    if (spec->dtype == ZOE_I32) return sizeof(int32_t);
    if (!plan->half) return plan->element;
    if (spec->node >= 0 && zoe__graph_node(plan->graph, (size_t)spec->node)->op->is_loss) return sizeof(float);
    for (size_t n = 0; spec->node < 0 && n < zoe__graph_nodes(plan->graph); n++) {
        const zoe__node *node = zoe__graph_node(plan->graph, n);
        for (int i = 0; i < node->inputs; i++)
            if (node->input[i] == (zoe_value)value && node->op->float_inputs >> i & 1) return sizeof(float);
    }
    return sizeof(uint16_t);
}

/* In the layout of forward (halo, planar) or of the gradient. */
static size_t value_bytes(const zoe_plan *plan, size_t v, int halo, bool planar)
{
    const zoe__value_spec *spec = zoe__graph_value(plan->graph, (zoe_value)v);
    const bool raw = spec->dtype != ZOE_F32 || plan->host;
    return (raw ? zoe_shape_count(spec->shape) : zoe__view_floats(spec->shape, halo, planar)) *
           zoe__plan_number_bytes(plan, v);
}

size_t zoe__plan_value_bytes(const zoe_plan *plan, size_t value)
{
    return value_bytes(plan, value, plan->values[value].halo, plan->values[value].planar);
}

static zoe_status add_node_blocks(zoe_plan *plan, const zoe__node *node)
{
    zoe__node_state *state = &plan->nodes[node->number];
    const int forward = forward_slot(node), backward = backward_slot(plan, node);
    for (int k = 0; k < ZOE__MAX_AUX; k++) {
        const size_t count = plan->host ? node->aux_doubles[k] : state->aux[k];
        state->aux_block[k] = -1;
        if (count)
            ZOE_TRY(zoe__plan_add_block(plan, "kept for backward", node->name, count * plan->element, forward,
                                        state->backward ? backward : forward, &state->aux_block[k]));
    }
    state->moments_block = -1;
    if (state->moments_most) {
        const size_t c8 = ((size_t)zoe_graph_shape(plan->graph, node->output).c + 7) / 8;
        ZOE_TRY(zoe__plan_add_block(plan, "moments", node->name, c8 * 24 * (size_t)state->moments_most * sizeof(float),
                                    forward, state->moments_reader, &state->moments_block));
    }
    for (int pass = 0; pass < 2; pass++) {
        const int slot = pass == ZOE__FORWARD ? forward : backward;
        state->workspace_block[pass] = -1;
        if (state->workspace[pass] && (pass == ZOE__FORWARD || state->backward))
            ZOE_TRY(zoe__plan_add_block(plan, "workspace", node->name, state->workspace[pass] * sizeof(float), slot,
                                        slot, &state->workspace_block[pass]));
    }
    return ZOE_OK;
}

zoe_status zoe__plan_lay_out(zoe_plan *plan)
{
    mark_in_place(plan);
    share_halos(plan);
    choose_planar(plan);
    for (size_t v = 0; v < zoe__graph_values(plan->graph); v++) {
        const zoe__value_spec *spec = zoe__graph_value(plan->graph, (zoe_value)v);
        zoe__value_state *state = &plan->values[v];
        if (state->root != (int)v || spec->node == ZOE__NOBODY) continue;
        const size_t bytes = value_bytes(plan, v, state->halo, state->planar);
        if (spec->node < 0)
            plan->memory.input_bytes += bytes;
        else
            ZOE_TRY(zoe__plan_add_block(plan, "value", spec->name, bytes, spec->node, activation_end(plan, v),
                                        &state->block));
        if (plan->options.training)
            ZOE_TRY(add_gradient_block(plan, v, value_bytes(plan, v, state->gradient_halo, false)));
    }
    for (size_t n = 0; n < zoe__graph_nodes(plan->graph); n++)
        ZOE_TRY(add_node_blocks(plan, zoe__graph_node(plan->graph, n)));
    return ZOE_OK;
}
