/* SPDX-License-Identifier: Apache-2.0
 *
 * A graph compiled for a device, and its life: compile once, then write inputs, walk the lists, read results. */
#include "device/ahead.h"
#include "graph/state.h"
#include "selftest/trust.h"

#include "fusion/fusion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GROWTH_STEPS = 1000 };
static const float FIRST_SCALE = 8192, LEAST_SCALE = 1, MOST_SCALE = 1 << 24;

zoe_plan_options zoe_plan_options_default(void)
{
    return (zoe_plan_options){.training = false,
                              .micro_batches = 1,
                              .conv = "auto",
                              .linear = "auto",
                              .fuse = true,
                              .optimizer = zoe_optimizer_options_default()};
}

void zoe_plan_free(zoe_plan **plan)
{
    if (!plan || !*plan) return;
    zoe_plan *p = *plan;
    zoe__profile_free(p);
    for (int list = 0; list < ZOE__LISTS; list++) {
        for (size_t i = 0; i < p->lists[list].count; i++) {
            zoe__kernel_free(&p->lists[list].items[i].kernel);
            free(p->lists[list].items[i].user);
        }
        free(p->lists[list].items);
    }
    for (size_t n = 0; p->nodes && n < zoe__graph_nodes(p->graph); n++) {
        for (int k = 0; k < ZOE__MAX_DERIVED; k++) zoe__mem_free(&p->nodes[n].derived_mem[k]);
        zoe__reference_free(p->nodes[n].reference_state);
    }
    for (size_t v = 0; p->values && v < zoe__graph_values(p->graph); v++) {
        zoe__mem_free(&p->values[v].own);
        free(p->values[v].staging);
    }
    for (size_t b = 0; b < p->block_count; b++) zoe__mem_free(&p->blocks[b].mem);
    for (int s = 0; s < p->slab_count; s++) zoe__mem_free(&p->slabs[s]);
    zoe__mem_free(&p->scalars_mem);
    zoe_graph_free(&p->fused);
    free(p->scalars);
    free(p->values);
    free(p->nodes);
    free(p->layouts);
    free(p->numbers);
    free(p->blocks);
    free(p);
    *plan = NULL;
}

/* ---- compile ---- */

static zoe_status fill_nan(zoe_plan *plan, zoe__mem *mem, size_t bytes)
{
    uint8_t *nan = NULL;
    ZOE_TRY(zoe__calloc(plan->context, &nan, bytes, 1));
    memset(nan, 0xff, bytes); /* all ones is a NaN as half, float and double */
    const zoe_status status = zoe__mem_write(mem, 0, nan, bytes);
    free(nan);
    return status;
}

static zoe_status fill_all(zoe_plan *plan, zoe__mem *mem)
{
    return mem ? fill_nan(plan, mem, zoe__mem_bytes(mem)) : ZOE_OK;
}

/* What fills up a plain gradient past its last eight numbers nobody writes: it keeps the zeros it was born with. */
static zoe_status fill_gradient(zoe_plan *plan, int p)
{
    const zoe_shape shape = zoe__graph_param_spec(plan->graph, p)->shape;
    zoe__mem *mem = zoe__store_gradient(plan->store, plan->numbers[p]);
    if (!mem) return ZOE_OK;
    const zoe__layout plain = zoe__layout_plain(shape);
    return zoe__layout_same(&plan->layouts[p], &plain)
               ? fill_nan(plan, mem, zoe__round_up(zoe_shape_count(shape), 8) * sizeof(float))
               : fill_all(plan, mem);
}

zoe_status zoe__plan_poison(zoe_plan *plan)
{
    if (!plan->options.poison || plan->options.dry) return ZOE_OK;
    ZOE_TRY(zoe__device_finish(plan->device));
    for (int s = 0; s < plan->slab_count; s++) ZOE_TRY(fill_all(plan, plan->slabs[s]));
    plan->prepared = 0;            /* the prepare list runs again */
    if (plan->host) return ZOE_OK; /* definitions add to gradients */
    for (size_t n = 0; n < zoe__graph_nodes(plan->graph); n++)
        for (int k = 0; k < ZOE__MAX_DERIVED; k++) ZOE_TRY(fill_all(plan, plan->nodes[n].derived_mem[k]));
    for (size_t p = 0; plan->options.training && p < zoe__graph_params(plan->graph); p++)
        ZOE_TRY(fill_gradient(plan, (int)p));
    return ZOE_OK;
}

static zoe__view make_view(const zoe_plan *plan, size_t v, int halo, bool planar, zoe__mem *mem)
{
    const zoe__value_spec *spec = zoe__graph_value(plan->graph, (zoe_value)v);
    const bool raw = spec->dtype != ZOE_F32 || plan->host;
    return (zoe__view){.mem = mem,
                       .shape = spec->shape,
                       .c8 = raw || planar ? spec->shape.c : (spec->shape.c + 7) / 8,
                       .halo = raw ? 0 : halo,
                       .planar = planar || raw,
                       .floats = raw ? zoe_shape_count(spec->shape) : zoe__view_floats(spec->shape, halo, planar),
                       .number = zoe__plan_number_bytes(plan, v)};
}

/* Inputs get memory of their own, others their block; host copies where something will be written or read. */
static zoe_status make_views(zoe_plan *plan)
{
    for (size_t v = 0; v < zoe__graph_values(plan->graph); v++) {
        const zoe__value_spec *spec = zoe__graph_value(plan->graph, (zoe_value)v);
        zoe__value_state *state = &plan->values[v];
        const zoe__value_state *root = &plan->values[state->root];
        zoe__mem *mem = root->block >= 0 ? plan->blocks[root->block].mem : NULL;
        if (spec->node == ZOE__NOBODY) continue;
        if (spec->node < 0 && !plan->options.dry) {
            ZOE_TRY(zoe__mem_new(&state->own, plan->device, zoe__plan_value_bytes(plan, v), spec->name));
            mem = state->own;
        }
        state->view = make_view(plan, v, state->halo, state->planar, mem);
        zoe__mem *gradient = root->gradient_block >= 0 ? plan->blocks[root->gradient_block].mem : NULL;
        state->gradient_view = make_view(plan, v, state->gradient_halo, false, gradient);
        size_t floats = state->view.floats;
        if (floats < state->gradient_view.floats) floats = state->gradient_view.floats;
        if (!plan->options.dry && spec->dtype == ZOE_F32 && (spec->node < 0 || spec->keep))
            ZOE_TRY(zoe__calloc(plan->context, &state->staging, floats, plan->element));
    }
    return ZOE_OK;
}

static zoe_status compile(zoe_plan *plan)
{
    zoe_context *context = plan->context;
    const size_t params = zoe__graph_params(plan->graph);
    ZOE_TRY(zoe__calloc(context, &plan->values, zoe__graph_values(plan->graph) + 1, sizeof *plan->values));
    ZOE_TRY(zoe__calloc(context, &plan->nodes, zoe__graph_nodes(plan->graph) + 1, sizeof *plan->nodes));
    ZOE_TRY(zoe__calloc(context, &plan->layouts, params + 1, sizeof *plan->layouts));
    ZOE_TRY(zoe__calloc(context, &plan->numbers, params + 1, sizeof *plan->numbers));
    ZOE_TRY(zoe__calloc(context, &plan->scalars, (size_t)plan->options.micro_batches + 1, sizeof *plan->scalars));
    plan->current = plan->scalars;
    int states = -1;
    if (plan->options.training) {
        const zoe__optimizer *optimizer = zoe__optimizer_find(context, plan->options.optimizer.name);
        if (!optimizer) return ZOE_CONFIG;
        states = plan->options.gradients_only ? 0 : optimizer->states;
    }
    ZOE_TRY(zoe__plan_fit(plan, states));
    ZOE_TRY(zoe__plan_poison(plan));
    ZOE_TRY(make_views(plan));
    return zoe__plan_emit(plan);
}

/* Lists what the plan and its self-test would launch, and has it compiled by child processes. What goes wrong here will
 * go wrong again where it counts. */
static void compile_ahead(zoe_graph *graph, zoe_device *device, const zoe_plan_options *options)
{
    zoe_context *context = zoe__device_context(device);
    zoe_plan_options dry = *options;
    zoe_store *store = NULL;
    zoe_plan *plan = NULL;
    if (!zoe__ahead_begin(device)) return;
    dry.dry = true;
    zoe_status status = zoe_store_new(&store, context, device, 0);
    if (status == ZOE_OK) status = zoe_plan_new(&plan, graph, store, &dry);
    if (status == ZOE_OK) status = zoe__trust_foresee(device, graph, options);
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    if (status == ZOE_OK)
        zoe__ahead_compile(device);
    else
        zoe__ahead_drop(device);
    zoe_context_clear(context);
}

zoe_status zoe_plan_new(zoe_plan **out, zoe_graph *graph, zoe_store *store, const zoe_plan_options *options)
{
    zoe_context *context = zoe__store_context(store);
    *out = NULL;
    ZOE_TRY(zoe_graph_status(graph));
    ZOE_FAIL_IF(context, options->micro_batches < 1 || options->micro_batches > 65536, ZOE_CONFIG,
                "micro batches: %d, must be 1 to 65536", options->micro_batches);
    if (!options->dry) compile_ahead(graph, zoe__store_device(store), options);
    if (!options->dry) ZOE_TRY(zoe__trust_graph(zoe__store_device(store), graph, options));
    zoe_plan *plan = NULL;
    ZOE_TRY(zoe__calloc(context, &plan, 1, sizeof *plan));
    plan->context = context;
    plan->device = zoe__store_device(store);
    plan->graph = graph;
    plan->store = store;
    plan->options = *options;
    plan->host = zoe__device_is_host(plan->device);
    plan->half = zoe_device_get_info(plan->device)->half;
    plan->loss_scale.scale = !plan->half ? 1.0f : options->loss_scale > 0 ? options->loss_scale : FIRST_SCALE;
    plan->element = plan->host ? sizeof(double) : sizeof(float);
    zoe_status status = ZOE_OK;
    if (!plan->host && options->fuse) {
        status = zoe__fuse(&plan->fused, graph, plan->device);
        if (plan->fused) plan->graph = plan->fused;
    }
    if (status == ZOE_OK) status = compile(plan);
    if (status == ZOE_OK)
        *out = plan;
    else
        zoe_plan_free(&plan);
    return status;
}

/* ---- the loss scale ---- */

zoe_loss_scale zoe_plan_get_loss_scale(const zoe_plan *plan)
{
    return plan->loss_scale;
}

void zoe_plan_set_loss_scale(zoe_plan *plan, zoe_loss_scale scale)
{
    if (plan->half) plan->loss_scale = scale;
}

/* After an update: half as much where gradients were not finite, twice as much where they long were. Waits. */
static zoe_status adapt_scale(zoe_plan *plan)
{
    zoe_loss_scale *s = &plan->loss_scale;
    zoe__scalars after;
    ZOE_TRY(zoe__mem_read(plan->scalars_mem, 0, &after, sizeof after));
    if (after.scale == 0.0f) {
        s->scale = fmaxf(s->scale / 2, LEAST_SCALE);
        s->steps = 0;
        s->skipped++;
    } else if (++s->steps == GROWTH_STEPS) {
        s->scale = fminf(s->scale * 2, MOST_SCALE);
        s->steps = 0;
    }
    return ZOE_OK;
}

/* ---- life ---- */

static zoe_status find_value(zoe_plan *plan, zoe_value value, const char *what, zoe__value_state **out)
{
    ZOE_FAIL_IF(plan->context, !zoe__graph_value(plan->graph, value), ZOE_CONFIG, "%s: no value number %d in the graph",
                what, value);
    ZOE_FAIL_IF(plan->context, plan->options.dry, ZOE_CONFIG, "%s: the plan was made dry", what);
    *out = &plan->values[value];
    return ZOE_OK;
}

/* A single micro-batch goes by the upload queue (the host has waited for the last step); several are in order with the
 * work that still reads the ones before. */
static zoe_status send(zoe_plan *plan, zoe__mem *mem, const void *data, size_t bytes)
{
    return plan->options.micro_batches > 1 ? zoe__mem_write_later(mem, 0, data, bytes)
                                           : zoe__mem_upload(mem, 0, data, bytes);
}

zoe_status zoe_plan_write(zoe_plan *plan, zoe_value input, const void *data)
{
    zoe__value_state *state = NULL;
    ZOE_TRY(find_value(plan, input, "write", &state));
    const zoe__value_spec *spec = zoe__graph_value(plan->graph, input);
    ZOE_FAIL_IF(plan->context, spec->node >= 0, ZOE_CONFIG, "write: %s is not an input", spec->name);
    if (spec->dtype != ZOE_F32) return send(plan, state->own, data, zoe__mem_bytes(state->own));
    /* The staging copy is used again: whatever still reads it must be done. */
    if (plan->options.micro_batches > 1) ZOE_TRY(zoe__device_finish(plan->device));
    if (plan->host) {
        double *wide = zoe__mem_host(state->own);
        for (size_t i = 0; i < state->view.floats; i++) wide[i] = ((const float *)data)[i];
        return ZOE_OK;
    }
    zoe__view_pack(&state->view, data, state->staging);
    zoe__view_narrow(&state->view, state->staging);
    return send(plan, state->own, state->staging, state->view.floats * state->view.number);
}

/* Scalars travel on the work queue: a kernel of the micro-batch before may still read the old ones. */
static zoe_status set_scalars(zoe_plan *plan, int slot, zoe__scalars scalars)
{
    scalars.seed[0] = (uint32_t)plan->options.seed;
    scalars.seed[1] = (uint32_t)(plan->options.seed >> 32);
    plan->scalars[slot] = scalars;
    plan->current = &plan->scalars[slot];
    return zoe__mem_write_later(plan->scalars_mem, 0, plan->current, sizeof *plan->current);
}

/* The prepare list runs when the weights have changed since the last time. */
static zoe_status start_pass(zoe_plan *plan)
{
    ZOE_FAIL_IF(plan->context, plan->options.dry, ZOE_CONFIG, "the plan was made dry: it cannot run");
    ZOE_TRY(zoe__device_fence(plan->device));
    if (plan->prepared == zoe__store_version(plan->store)) return ZOE_OK;
    plan->prepared = zoe__store_version(plan->store);
    return zoe__plan_run_list(plan, ZOE__PREPARE);
}

zoe_status zoe_plan_forward(zoe_plan *plan)
{
    ZOE_TRY(start_pass(plan));
    ZOE_TRY(set_scalars(plan, 0, (zoe__scalars){.scale = 1}));
    return zoe__plan_run_list(plan, ZOE__FORWARD);
}

zoe_status zoe_plan_accumulate(zoe_plan *plan, int64_t step, int micro)
{
    ZOE_FAIL_IF(plan->context, !plan->options.training, ZOE_CONFIG, "accumulate: the plan does not train");
    ZOE_FAIL_IF(plan->context, micro < 0 || micro >= plan->options.micro_batches, ZOE_CONFIG,
                "accumulate: micro-batch %d of %d", micro, plan->options.micro_batches);
    ZOE_TRY(start_pass(plan));
    ZOE_TRY(
        set_scalars(plan, micro,
                    (zoe__scalars){.step = (uint32_t)step, .micro = (uint32_t)micro, .scale = plan->loss_scale.scale}));
    if (plan->options.micro_batches > 1 && micro == 0) ZOE_TRY(zoe__store_zero_gradients(plan->store));
    plan->updates = step;
    ZOE_TRY(zoe__plan_run_list(plan, ZOE__FORWARD));
    return zoe__plan_run_list(plan, ZOE__BACKWARD);
}

zoe_status zoe_plan_update(zoe_plan *plan, double lr)
{
    ZOE_FAIL_IF(plan->context, !plan->options.training || plan->options.gradients_only, ZOE_CONFIG,
                "update: the plan does not train, or has gradients only");
    const zoe_optimizer_options *options = &plan->options.optimizer;
    const double t = (double)plan->updates + 1;
    ZOE_TRY(set_scalars(plan, plan->options.micro_batches,
                        (zoe__scalars){.lr = (float)lr,
                                       .step = (uint32_t)plan->updates,
                                       .correction1 = (float)(1.0 / (1.0 - pow(options->beta1, t))),
                                       .correction2 = (float)(1.0 / (1.0 - pow(options->beta2, t))),
                                       .scale = 1 / plan->loss_scale.scale}));
    ZOE_TRY(zoe__plan_run_list(plan, ZOE__UPDATE));
    if (plan->half) ZOE_TRY(adapt_scale(plan));
    zoe__store_touch(plan->store);
    return ZOE_OK;
}

zoe_status zoe_plan_finish(zoe_plan *plan)
{
    return zoe__device_finish(plan->device);
}

static zoe_status read_view(zoe_plan *plan, const zoe__view *view, void *staging, float *plain)
{
    if (plan->host) {
        const double *wide = zoe__mem_host(view->mem);
        for (size_t i = 0; i < view->floats; i++) plain[i] = (float)wide[i];
        return ZOE_OK;
    }
    ZOE_TRY(zoe__view_read(view, staging));
    zoe__view_unpack(view, staging, plain);
    return ZOE_OK;
}

zoe_status zoe_plan_read(zoe_plan *plan, zoe_value value, float *plain)
{
    zoe__value_state *state = NULL;
    ZOE_TRY(find_value(plan, value, "read", &state));
    const zoe__value_spec *spec = zoe__graph_value(plan->graph, value);
    ZOE_FAIL_IF(plan->context, !state->staging || !state->view.mem, ZOE_CONFIG,
                "read: %s is not kept; call zoe_graph_keep() before compiling", spec->name);
    return read_view(plan, &state->view, state->staging, plain);
}

zoe_status zoe_plan_read_gradient(zoe_plan *plan, zoe_value input, float *plain)
{
    zoe__value_state *state = NULL;
    ZOE_TRY(find_value(plan, input, "read gradient", &state));
    ZOE_FAIL_IF(plan->context, !state->staging || !state->gradient_view.mem, ZOE_CONFIG,
                "read gradient: %s has none; it must be an input, and options.input_gradients set",
                zoe__graph_value(plan->graph, input)->name);
    return read_view(plan, &state->gradient_view, state->staging, plain);
}

zoe_plan_memory zoe_plan_get_memory(const zoe_plan *plan)
{
    return plan->memory;
}
