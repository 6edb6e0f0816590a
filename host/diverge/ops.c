/* SPDX-License-Identifier: Apache-2.0
 *
 * Each op of a network alone on two devices, with the same numbers in [-1, 1) for inputs and for the gradient of its
 * output. What the first side computes in one pass over memory (host/fusion/) counts as one op. */
#include "diverge/diverge.h"

#include <stdlib.h>
#include <string.h>

#include "graph/state.h"
#include "ops/conv2d.h"
#include "selftest/probe.h"
#include "selftest/trust.h"

enum { STREAM_LOSS = 50, STREAM_X = 60, MOST = ZOE__MAX_INPUTS + ZOE__MAX_PARAMS + 1, MOST_CHAIN = 16 };

typedef enum what { FORWARD, DATA, WEIGHTS, MASK, KINDS } what; /* the first three as zoe__direction */

typedef struct result {
    what kind;
    size_t count;
    float *data[2];
} result;

/* One op (or chain) as a graph of its own, on one side after the other. */
typedef struct alone {
    zoe__diverge_state *d;
    const zoe_graph *whole;             /* as it was built */
    const zoe__node *node;              /* of the graph as it is run: gives inputs and output */
    const zoe__node *chain[MOST_CHAIN]; /* nodes of `whole` that make it, in order */
    int links;
    zoe_graph *graph;
    zoe_value x[ZOE__MAX_INPUTS], y;
    void *data[ZOE__MAX_INPUTS];
    result results[MOST + ZOE__MAX_PARAMS];
    int count;
    char variant[KINDS][ZOE__VARIANT];
    bool moments; /* what a convolution leaves for the batch norm behind it: only the way forward is of interest */
} alone;

static bool is_input(const zoe__node *node, zoe_value value)
{
    for (int i = 0; i < node->inputs; i++)
        if (node->input[i] == value) return true;
    return false;
}

/* Node n of the whole graph and what it needs, up to the inputs. */
static zoe_status add_link(alone *a, int n)
{
    const zoe__node *node = zoe__graph_node_const(a->whole, (size_t)n);
    for (int i = 0; i < a->links; i++)
        if (a->chain[i] == node) return ZOE_OK;
    for (int i = 0; i < node->inputs; i++) {
        const zoe__value_spec *spec = zoe__graph_value(a->whole, node->input[i]);
        if (!is_input(a->node, node->input[i]) && spec->node >= 0) ZOE_TRY(add_link(a, spec->node));
    }
    ZOE_FAIL_IF(a->d->context, a->links == MOST_CHAIN, ZOE_UNSUPPORTED, "%s: a chain of more than %d ops",
                a->node->name, MOST_CHAIN);
    a->chain[a->links++] = node;
    return ZOE_OK;
}

static zoe_status copy_params(alone *a, zoe__node *node)
{
    for (int k = 0; k < node->params; k++) {
        const zoe__param_spec *spec = zoe__graph_param_spec(a->whole, node->param[k]);
        char name[ZOE__NAME];
        zoe__format(name, sizeof name, "%s", spec->name);
        char *dot = strrchr(name, '.');
        if (dot) *dot = '\0';
        node->param[k] =
            zoe__graph_param(a->graph, name, dot ? dot + 1 : "weight", spec->shape, spec->options, spec->trainable);
    }
    return zoe_graph_status(a->graph);
}

static zoe_status build(alone *a)
{
    zoe_value map[MOST_CHAIN];
    ZOE_TRY(zoe_graph_new(&a->graph, a->d->context));
    for (int i = 0; i < a->node->inputs; i++) {
        const zoe__value_spec *spec = zoe__graph_value(a->whole, a->node->input[i]);
        char name[16];
        zoe__format(name, sizeof name, "x%d", i);
        a->x[i] = zoe_input(a->graph, name, spec->dtype, spec->shape);
    }
    for (int l = 0; l < a->links; l++) {
        zoe__node node = *a->chain[l];
        for (int i = 0; i < node.inputs; i++) {
            const zoe_value wanted = node.input[i];
            for (int k = 0; k < a->node->inputs; k++)
                if (a->node->input[k] == wanted) node.input[i] = a->x[k];
            for (int k = 0; k < l && !is_input(a->node, wanted); k++)
                if (a->chain[k]->output == wanted) node.input[i] = map[k];
        }
        ZOE_TRY(copy_params(a, &node));
        map[l] = zoe__graph_add(a->graph, &node, zoe_graph_shape(a->whole, a->chain[l]->output));
        ZOE_TRY(zoe_graph_status(a->graph));
    }
    a->y = zoe_graph_keep(a->graph, map[a->links - 1]);
    if (!a->chain[a->links - 1]->op->is_loss) zoe__probe_loss(a->graph, "probe", a->y, STREAM_LOSS);
    return zoe_graph_status(a->graph);
}

/* Labels 0 and 1, bytes of all kinds, corners of crops at 0; sound as loud as it is. */
static zoe_status make_data(alone *a, int i)
{
    const zoe__value_spec *spec = zoe__graph_value(a->graph, a->x[i]);
    const size_t count = zoe_shape_count(spec->shape);
    ZOE_TRY(zoe__calloc(a->d->context, &a->data[i], count, sizeof(float)));
    if (spec->dtype == ZOE_F32) {
        zoe__probe_fill(STREAM_X + (uint32_t)i, a->data[i], count);
    } else if (spec->dtype == ZOE_U8) {
        for (size_t k = 0; k < count; k++) ((uint8_t *)a->data[i])[k] = (uint8_t)(k * 37 + k / 11);
    } else if (a->chain[0]->op->is_loss) {
        for (size_t k = 0; k < count; k++) ((int32_t *)a->data[i])[k] = (int32_t)(k % 2);
    } else if (spec->shape.c == 1) {
        for (size_t k = 0; k < count; k++) ((int32_t *)a->data[i])[k] = 65536;
    }
    return ZOE_OK;
}

/* The names of what runs, as ZOE_BREAK and `zoe selftest --list` know them. */
static void name_variants(alone *a, const zoe_plan *plan)
{
    const zoe__node *node = zoe__graph_node_const(plan->graph, 0);
    const zoe__node_state *state = &plan->nodes[0];
    zoe__format(a->variant[FORWARD], ZOE__VARIANT, "%s.forward", a->node->op->name);
    zoe__format(a->variant[DATA], ZOE__VARIANT, "%s.backward", a->node->op->name);
    zoe__format(a->variant[WEIGHTS], ZOE__VARIANT, "%s.backward", a->node->op->name);
    zoe__format(a->variant[MASK], ZOE__VARIANT, "%s.backward", a->node->op->name);
    if (!node->op->as_conv2d || state->reference) return;
    if (a->moments)
        zoe__format(a->variant[FORWARD], ZOE__VARIANT, "%s.%s.moments", node->op->name, state->choice[0].algorithm);
    if (a->moments) return;
    zoe__conv2d conv;
    node->op->as_conv2d(plan->graph, node, &conv);
    zoe__conv2d_variant(a->variant[MASK], &conv, NULL, ZOE__TO_OUTPUT);
    for (int direction = 0; direction < ZOE__DIRECTIONS; direction++)
        zoe__conv2d_variant(a->variant[direction], &conv, state->choice[direction].algorithm,
                            (zoe__direction)direction);
}

static zoe_status take(alone *a, int side, what kind, size_t count, float **data)
{
    result *r = &a->results[a->count++];
    r->kind = kind;
    r->count = count;
    ZOE_TRY(zoe__calloc(a->d->context, &r->data[side], count, sizeof(float)));
    *data = r->data[side];
    return ZOE_OK;
}

static zoe_status collect(alone *a, int side, zoe_plan *plan, zoe_store *store)
{
    float *data;
    a->count = 0;
    ZOE_TRY(take(a, side, FORWARD, zoe_shape_count(zoe_graph_shape(a->graph, a->y)), &data));
    ZOE_TRY(zoe_plan_read(plan, a->y, data));
    for (size_t p = zoe__graph_params(a->graph); p-- > 0;) { /* biases first: their gradient is made first */
        const zoe__param_spec *spec = zoe__graph_param_spec(a->graph, (int)p);
        const size_t number = (size_t)zoe_store_find(store, spec->name);
        const size_t length = strlen(spec->name);
        const bool bias = length > 5 && !strcmp(spec->name + length - 5, ".bias");
        const what kind = !spec->trainable ? FORWARD : bias ? MASK : WEIGHTS;
        ZOE_TRY(take(a, side, kind, zoe_shape_count(spec->shape), &data));
        ZOE_TRY(spec->trainable && plan->nodes[0].backward ? zoe_store_get_gradient(store, number, data)
                                                           : zoe_store_get(store, number, data));
    }
    for (int i = 0; i < a->node->inputs; i++) {
        if (!plan->values[a->x[i]].gradient) continue;
        ZOE_TRY(take(a, side, DATA, zoe_shape_count(zoe_graph_shape(a->graph, a->x[i])), &data));
        ZOE_TRY(zoe_plan_read_gradient(plan, a->x[i], data));
    }
    return ZOE_OK;
}

static zoe_status run_side(alone *a, int side)
{
    zoe_store *store = NULL;
    zoe_plan *plan = NULL;
    zoe_status status = ZOE_OK;
    zoe_plan_options options = zoe__diverge_plan(a->d, side);
    options.input_gradients = true;
    ZOE_TRY_OUT(zoe_store_new(&store, a->d->context, a->d->device[side], options.seed));
    ZOE_TRY_OUT(zoe_plan_new(&plan, a->graph, store, &options));
    if (side == 0 || zoe__device_is_host(a->d->device[0])) name_variants(a, plan);
    for (int i = 0; i < a->node->inputs; i++) ZOE_TRY_OUT(zoe_plan_write(plan, a->x[i], a->data[i]));
    ZOE_TRY_OUT(zoe_plan_accumulate(plan, 0, 0));
    ZOE_TRY_OUT(zoe_plan_finish(plan));
    status = collect(a, side, plan, store);
out:
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    return status;
}

static void clear(alone *a)
{
    zoe_graph_free(&a->graph);
    for (int i = 0; i < ZOE__MAX_INPUTS; i++) free(a->data[i]);
    for (size_t i = 0; i < sizeof a->results / sizeof a->results[0]; i++)
        for (int side = 0; side < 2; side++) free(a->results[i].data[side]);
}

/* Forward results go to the list at once, those of the way back into `back`, which is in reverse. */
static zoe_status compare(alone *a, json_t *back)
{
    zoe__diverge_state *d = a->d;
    json_t *mine = json_array();
    zoe_status status = ZOE_OK;
    for (int i = 0; i < a->count && status == ZOE_OK; i++) {
        const result *r = &a->results[i];
        if (a->moments && r->kind != FORWARD) continue;
        json_t *list = r->kind == FORWARD ? d->ops : mine;
        status =
            zoe__diverge_note(d, list, "op", a->variant[r->kind], a->chain[0]->name, r->data[0], r->data[1], r->count);
    }
    for (size_t i = json_array_size(mine); i-- > 0;) json_array_insert(back, 0, json_array_get(mine, i));
    json_decref(mine);
    return status;
}

static zoe_status one_op(zoe__diverge_state *d, const zoe_graph *whole, const zoe__node *node, bool moments,
                         json_t *back)
{
    alone a = {.d = d, .whole = whole, .node = node, .moments = moments};
    zoe_status status = ZOE_OK;
    const zoe__value_spec *output = zoe__graph_value(whole, node->output);
    ZOE_TRY_OUT(add_link(&a, output->node));
    ZOE_TRY_OUT(build(&a));
    for (int i = 0; i < node->inputs; i++) ZOE_TRY_OUT(make_data(&a, i));
    for (int side = 0; side < 2; side++) ZOE_TRY_OUT(run_side(&a, side));
    status = compare(&a, back);
out:
    clear(&a);
    return status;
}

/* Two updates of 128 weights by a gradient that every device gets exactly: products of two numbers. */
static zoe_status update_side(zoe__diverge_state *d, int side, float *weights)
{
    enum { INPUTS = 8, OUTPUTS = 16 };
    float x[INPUTS];
    zoe_graph *graph = NULL;
    zoe_store *store = NULL;
    zoe_plan *plan = NULL;
    zoe_status status = ZOE_OK;
    zoe_linear_options linear = zoe_linear_options_default();
    const zoe_plan_options options = zoe__diverge_plan(d, side);
    linear.outputs = OUTPUTS;
    linear.bias = false;
    ZOE_TRY_OUT(zoe_graph_new(&graph, d->context));
    const zoe_value in = zoe_input(graph, "x", ZOE_F32, (zoe_shape){1, INPUTS, 1, 1});
    zoe__probe_loss(graph, "probe", zoe_linear(graph, "update", in, &linear), STREAM_LOSS);
    ZOE_TRY_OUT(zoe_graph_status(graph));
    ZOE_TRY_OUT(zoe_store_new(&store, d->context, d->device[side], options.seed));
    ZOE_TRY_OUT(zoe_plan_new(&plan, graph, store, &options));
    zoe__probe_fill(STREAM_X, x, INPUTS);
    for (int step = 0; step < 2; step++) {
        ZOE_TRY_OUT(zoe_plan_write(plan, in, x));
        ZOE_TRY_OUT(zoe_plan_accumulate(plan, step, 0));
        ZOE_TRY_OUT(zoe_plan_update(plan, 0.01));
        ZOE_TRY_OUT(zoe_plan_finish(plan));
    }
    status = zoe_store_get(store, 0, weights);
out:
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    zoe_graph_free(&graph);
    return status;
}

static zoe_status update(zoe__diverge_state *d)
{
    float weights[2][128];
    char name[ZOE__VARIANT];
    for (int side = 0; side < 2; side++) ZOE_TRY(update_side(d, side, weights[side]));
    zoe__format(name, sizeof name, "%s.update", zoe__diverge_plan(d, 0).optimizer.name);
    return zoe__diverge_note(d, d->ops, "op", name, "", weights[0], weights[1], 128);
}

zoe_status zoe__diverge_ops(zoe__diverge_state *d, zoe_graph *graph)
{
    zoe_plan_options options = zoe__diverge_plan(d, 0);
    zoe_store *store = NULL;
    zoe_plan *plan = NULL;
    zoe_status status = ZOE_OK;
    json_t *back = json_array();
    options.dry = true;
    ZOE_TRY_OUT(zoe_store_new(&store, d->context, d->device[0], options.seed));
    ZOE_TRY_OUT(zoe_plan_new(&plan, graph, store, &options));
    const size_t nodes = zoe__graph_nodes(plan->graph);
    for (size_t n = 0; n < nodes; n++) {
        ZOE_FAIL_IF_OUT(d->context, d->options->stop && d->options->stop(d->options->user), ZOE_STOPPED, "stopped");
        if (d->options->progress) d->options->progress("ops", n, nodes, d->options->user);
        const zoe__node *node = zoe__graph_node_const(plan->graph, n);
        ZOE_TRY_OUT(one_op(d, graph, node, false, back));
        const zoe__node *maker = zoe__plan_maker(plan, node, 0);
        if (!maker || !plan->nodes[maker->number].moments_most || plan->nodes[maker->number].moments_reader != (int)n)
            continue;
        zoe__node both = *node;
        both.input[0] = maker->input[0];
        ZOE_TRY_OUT(one_op(d, graph, &both, true, back));
    }
    json_array_extend(d->ops, back);
    status = update(d);
out:
    json_decref(back);
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    return status;
}
