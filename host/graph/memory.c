/* SPDX-License-Identifier: Apache-2.0
 *
 * How a plan finds its place: what nodes need, laid out by lifetime; where the device has not that much room, the same
 * once more with smaller workspaces. */
#include "graph/state.h"
#include "selftest/trust.h"

#include <stdlib.h>
#include <string.h>

/* What other plans of the device do not hold. Our own parameters are counted with the plan. */
static size_t room(const zoe_plan *plan)
{
    const size_t all = (size_t)zoe_device_get_info(plan->device)->global_mem_bytes;
    const size_t held = zoe__device_get_counters(plan->device)->bytes, ours = zoe__store_bytes(plan->store);
    if (plan->options.dry || held < ours) return all;
    return held - ours < all ? all - (held - ours) : 0;
}

/* The driver's limit of a buffer, and the numbers that kernels count to: their indices are ints. */
static size_t largest_buffer(const zoe_plan *plan)
{
    const zoe_device_info *info = zoe_device_get_info(plan->device);
    const size_t counted = (size_t)INT32_MAX * (info->half ? 2 : 4), bytes = (size_t)info->max_alloc_bytes;
    return plan->host || bytes < counted ? bytes : counted;
}

static zoe_status too_big(zoe_plan *plan, size_t needed, const char *what)
{
    const zoe_device_info *info = zoe_device_get_info(plan->device);
    return zoe__fail(plan->context, ZOE_DEVICE_MEMORY,
                     "memory of %s: %s %zu bytes, available are %zu (largest buffer %llu); a smaller batch needs less",
                     info->id, what, needed, room(plan), (unsigned long long)largest_buffer(plan));
}

static const size_t HARMLESS = (size_t)1 << 32; /* bytes */

/* Before ops do sums with the sizes: what no device has room for must not become wrong numbers. */
static zoe_status check_sizes(zoe_plan *plan)
{
    size_t most = (size_t)zoe_device_get_info(plan->device)->global_mem_bytes;
    if (most < HARMLESS) most = HARMLESS;
    for (size_t v = 0; v < zoe__graph_values(plan->graph); v++) {
        const zoe__value_spec *spec = zoe__graph_value(plan->graph, (zoe_value)v);
        const size_t bytes = zoe_shape_count(spec->shape) * (spec->dtype == ZOE_U8 ? 1 : 4);
        if (bytes > most) return too_big(plan, bytes, "the largest tensor would need");
    }
    return ZOE_OK;
}

/* The self-test found a kernel of this op wrong: its definition takes its place, both ways. */
static bool is_wrong(const zoe_plan *plan, const zoe__node *node)
{
    char forward[ZOE__VARIANT], backward[ZOE__VARIANT];
    zoe__format(forward, sizeof forward, "%s.forward", node->op->name);
    zoe__format(backward, sizeof backward, "%s.backward", node->op->name);
    return zoe__trust_is_bad(plan->device, forward) || zoe__trust_is_bad(plan->device, backward);
}

/* What each node needs. A node without kernels, or one that refuses, falls to its reference. */
static zoe_status ask_needs(zoe_plan *plan)
{
    for (size_t p = 0; p < zoe__graph_params(plan->graph); p++)
        plan->layouts[p] = zoe__layout_plain(zoe__graph_param_spec(plan->graph, (int)p)->shape);
    for (size_t n = 0; n < zoe__graph_nodes(plan->graph); n++) {
        zoe__node *node = zoe__graph_node(plan->graph, n);
        zoe__node_state *state = &plan->nodes[n];
        state->algorithm = "plain";
        state->direction = ZOE__DIRECTIONS;
        state->reference = plan->host || !node->op->forward || (state->backward && !node->op->backward);
        if (!state->reference && !node->op->as_conv2d) state->reference = is_wrong(plan, node);
        if (!state->reference && node->op->plan) {
            const zoe_status status = node->op->plan(plan, node);
            if (status == ZOE_UNSUPPORTED && !zoe_context_error(plan->context)[0])
                state->reference = true;
            else
                ZOE_TRY(status);
        }
        if (state->reference) state->algorithm = "reference";
    }
    return ZOE_OK;
}

/* ---- one way to lay it all out ---- */

typedef struct layout {
    size_t slab_bytes[ZOE__MAX_SLABS];
    int slabs;     /* -1: a block is larger than the largest buffer */
    size_t needed; /* bytes of the device: arena, inputs, derived weights, parameters */
} layout;

static size_t largest_block(const zoe_plan *plan)
{
    size_t largest = 0;
    for (size_t b = 0; b < plan->block_count; b++)
        if (largest < plan->blocks[b].bytes) largest = plan->blocks[b].bytes;
    return largest;
}

static size_t derived_bytes(const zoe_plan *plan)
{
    size_t bytes = 0;
    for (size_t n = 0; n < zoe__graph_nodes(plan->graph); n++)
        for (int k = 0; k < ZOE__MAX_DERIVED; k++) bytes += plan->nodes[n].derived[k] * sizeof(float);
    return bytes;
}

static zoe_status lay_out(zoe_plan *plan, int states, layout *out)
{
    const zoe_device_info *info = zoe_device_get_info(plan->device);
    memset(plan->nodes, 0, zoe__graph_nodes(plan->graph) * sizeof *plan->nodes);
    plan->block_count = 0;
    plan->memory = (zoe_plan_memory){.input_bytes = sizeof *plan->scalars};
    ZOE_TRY(zoe__plan_trace(plan));
    ZOE_TRY(ask_needs(plan));
    ZOE_TRY(zoe__plan_lay_out(plan));
    ZOE_TRY(zoe__store_bind(plan->store, plan->graph, plan->layouts, states, plan->options.dry, plan->numbers));
    const size_t align = info->base_align > 64 ? info->base_align : 64;
    out->slabs =
        zoe__arena_place(plan->blocks, plan->block_count, align, largest_buffer(plan), out->slab_bytes, ZOE__MAX_SLABS);
    for (size_t b = 0; b < plan->block_count; b++) plan->memory.unshared_bytes += plan->blocks[b].bytes;
    for (int s = 0; s < out->slabs; s++) plan->memory.arena_bytes += out->slab_bytes[s];
    plan->memory.parameter_bytes = zoe__store_bytes(plan->store) + derived_bytes(plan);
    plan->memory.peak_bytes = plan->memory.arena_bytes + plan->memory.input_bytes + plan->memory.parameter_bytes;
    out->needed = plan->memory.peak_bytes;
    return ZOE_OK;
}

/* ---- the search ---- */

enum { LEAST_WORKSPACE = 1024 }; /* floats: to shrink what is smaller helps nobody */

static size_t largest_workspace(const zoe_plan *plan)
{
    size_t largest = 0;
    for (size_t n = 0; n < zoe__graph_nodes(plan->graph); n++)
        for (int pass = 0; pass < 2; pass++)
            if (largest < plan->nodes[n].workspace[pass]) largest = plan->nodes[n].workspace[pass];
    return largest;
}

/* Halves the workspaces until all fits. */
static zoe_status search(zoe_plan *plan, int states, layout *out)
{
    size_t fewest = SIZE_MAX;
    plan->workspace_limit = plan->options.workspace_bytes ? plan->options.workspace_bytes / sizeof(float) : SIZE_MAX;
    ZOE_TRY(lay_out(plan, states, out));
    size_t limit = largest_workspace(plan);
    if (limit > plan->workspace_limit) limit = plan->workspace_limit;
    for (limit /= 2;; limit /= 2) {
        if (out->slabs >= 0 && out->needed <= room(plan)) return ZOE_OK;
        if (out->slabs >= 0 && out->needed < fewest) fewest = out->needed;
        if (limit < LEAST_WORKSPACE) break;
        plan->workspace_limit = limit;
        ZOE_TRY(lay_out(plan, states, out));
    }
    if (fewest == SIZE_MAX) return too_big(plan, largest_block(plan), "the largest tensor would need");
    return too_big(plan, fewest, "activations, inputs and parameters need");
}

static zoe_status make_memory(zoe_plan *plan, const layout *found)
{
    ZOE_TRY(zoe__mem_new(&plan->scalars_mem, plan->device, sizeof *plan->scalars, "scalars"));
    for (; plan->slab_count < found->slabs; plan->slab_count++)
        ZOE_TRY(zoe__mem_new(&plan->slabs[plan->slab_count], plan->device, found->slab_bytes[plan->slab_count],
                             "activations"));
    for (size_t b = 0; b < plan->block_count; b++)
        ZOE_TRY(zoe__mem_part(&plan->blocks[b].mem, plan->slabs[plan->blocks[b].slab], plan->blocks[b].offset,
                              plan->blocks[b].bytes));
    for (size_t n = 0; n < zoe__graph_nodes(plan->graph); n++)
        for (int k = 0; k < ZOE__MAX_DERIVED; k++)
            if (plan->nodes[n].derived[k])
                ZOE_TRY(zoe__mem_new(&plan->nodes[n].derived_mem[k], plan->device,
                                     plan->nodes[n].derived[k] * sizeof(float), zoe__graph_node(plan->graph, n)->name));
    return ZOE_OK;
}

zoe_status zoe__plan_fit(zoe_plan *plan, int states)
{
    layout found;
    ZOE_TRY(check_sizes(plan));
    ZOE_TRY(search(plan, states, &found));
    return plan->options.dry ? ZOE_OK : make_memory(plan, &found);
}

/* ---- what holds it ---- */

/* The slot of the step in which blocks hold most, and how much. */
static int fullest_slot(const zoe_plan *plan, size_t *bytes)
{
    int slot = 0;
    *bytes = 0;
    for (size_t b = 0; b < plan->block_count; b++) { /* the peak begins where some block begins */
        const int at = plan->blocks[b].first;
        size_t held = 0;
        for (size_t i = 0; i < plan->block_count; i++)
            if (plan->blocks[i].first <= at && at <= plan->blocks[i].last) held += plan->blocks[i].bytes;
        if (held > *bytes) {
            *bytes = held;
            slot = at;
        }
    }
    return slot;
}

static int by_bytes(const void *a, const void *b)
{
    const zoe_plan_holder *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    const int order = strcmp(x->what, y->what);
    return order ? order : strcmp(x->name, y->name);
}

zoe_status zoe_plan_peak(const zoe_plan *plan, zoe_plan_holder **out, size_t *count)
{
    const size_t values = zoe__graph_values(plan->graph), nodes = zoe__graph_nodes(plan->graph);
    size_t n = 0, held;
    *out = NULL;
    *count = 0;
    ZOE_TRY(zoe__calloc(plan->context, out, plan->block_count + values + nodes * ZOE__MAX_DERIVED + 5, sizeof **out));
    zoe_plan_holder *list = *out;
    const int slot = fullest_slot(plan, &held);
    for (size_t b = 0; b < plan->block_count; b++) {
        const zoe__block *block = &plan->blocks[b];
        if (block->first <= slot && slot <= block->last)
            list[n++] = (zoe_plan_holder){block->what, block->name, block->bytes};
    }
    list[n++] = (zoe_plan_holder){"unused", "", plan->memory.arena_bytes - held};
    for (size_t v = 0; v < values; v++) {
        const zoe__value_spec *spec = zoe__graph_value(plan->graph, (zoe_value)v);
        if (spec->node < 0 && spec->node != ZOE__NOBODY)
            list[n++] = (zoe_plan_holder){"input", spec->name, zoe__plan_value_bytes(plan, v)};
    }
    for (size_t i = 0; i < nodes; i++)
        for (int k = 0; k < ZOE__MAX_DERIVED; k++)
            list[n++] = (zoe_plan_holder){"derived weights", zoe__graph_node(plan->graph, i)->name,
                                          plan->nodes[i].derived[k] * sizeof(float)};
    list[n++] = (zoe_plan_holder){"input", "numbers of the step", sizeof *plan->scalars};
    const zoe__store_share share = zoe__store_get_share(plan->store);
    list[n++] = (zoe_plan_holder){"weights", "", share.weights};
    list[n++] = (zoe_plan_holder){"weight gradients", "", share.gradients};
    list[n++] = (zoe_plan_holder){"optimiser state", "", share.states};
    qsort(list, n, sizeof *list, by_bytes);
    while (n && !list[n - 1].bytes) n--;
    *count = n;
    return ZOE_OK;
}
