/* SPDX-License-Identifier: Apache-2.0
 *
 * What ops say while they are compiled (pass 1) and the lists of launches that they emit (pass 2). */
#include "device/ahead.h"
#include "graph/state.h"
#include "ops/node.h"
#include "selftest/trust.h"

#include <stdlib.h>
#include <string.h>

zoe_context *zoe__plan_context(const zoe_plan *plan)
{
    return plan->context;
}

zoe_device *zoe__plan_device(const zoe_plan *plan)
{
    return plan->device;
}

zoe_graph *zoe__plan_graph(const zoe_plan *plan)
{
    return plan->graph;
}

const zoe_plan_options *zoe__plan_get_options(const zoe_plan *plan)
{
    return &plan->options;
}

bool zoe__plan_training(const zoe_plan *plan)
{
    return plan->options.training;
}

bool zoe__plan_batch_statistics(const zoe_plan *plan)
{
    return plan->options.training || plan->options.batch_statistics;
}

zoe_shape zoe__plan_shape(const zoe_plan *plan, zoe_value value)
{
    return zoe_graph_shape(plan->graph, value);
}

/* ---- pass 1 ---- */

void zoe__plan_halo(zoe_plan *plan, zoe_value value, int halo)
{
    if (plan->values[value].halo < halo) plan->values[value].halo = halo;
}

void zoe__plan_gradient_halo(zoe_plan *plan, zoe_value value, int halo)
{
    if (plan->values[value].gradient_halo < halo) plan->values[value].gradient_halo = halo;
}

void zoe__plan_planar(zoe_plan *plan, zoe_value value)
{
    plan->values[value].planar_wishes++;
}

void zoe__plan_aux(zoe_plan *plan, zoe__node *node, int k, size_t floats)
{
    plan->nodes[node->number].aux[k] = floats;
}

void zoe__plan_workspace(zoe_plan *plan, zoe__node *node, zoe__pass pass, size_t floats)
{
    size_t *most = &plan->nodes[node->number].workspace[pass];
    if (*most < floats) *most = floats;
}

size_t zoe__plan_workspace_limit(const zoe_plan *plan)
{
    return plan->workspace_limit;
}

void zoe__plan_derived(zoe_plan *plan, zoe__node *node, int k, size_t floats)
{
    plan->nodes[node->number].derived[k] = floats;
}

const zoe__node *zoe__plan_maker(const zoe_plan *plan, const zoe__node *node, int input)
{
    const int number = zoe__graph_value(plan->graph, node->input[input])->node;
    return number < 0 || plan->nodes[number].reference ? NULL : zoe__graph_node_const(plan->graph, (size_t)number);
}

void zoe__plan_moments(zoe_plan *plan, const zoe__node *maker, const zoe__node *reader, int most)
{
    zoe__node_state *state = &plan->nodes[maker->number];
    state->moments_most = most;
    if (state->moments_reader < reader->number) state->moments_reader = reader->number;
}

void zoe__plan_layout(zoe_plan *plan, zoe__node *node, int param, const zoe__layout *layout)
{
    plan->layouts[node->param[param]] = *layout;
}

void zoe__plan_algorithm(zoe_plan *plan, const zoe__node *node, const char *name)
{
    plan->nodes[node->number].algorithm = name;
}

zoe__choice *zoe__plan_choice(zoe_plan *plan, const zoe__node *node, zoe__direction direction)
{
    return &plan->nodes[node->number].choice[direction];
}

void zoe__plan_direction(zoe_plan *plan, const zoe__node *node, zoe__direction direction)
{
    plan->nodes[node->number].direction = direction;
}

/* ---- pass 2: where things lie ---- */

const zoe__view *zoe__plan_x(zoe_plan *plan, const zoe__node *node, int input)
{
    return &plan->values[node->input[input]].view;
}

const zoe__view *zoe__plan_y(zoe_plan *plan, const zoe__node *node)
{
    return &plan->values[node->output].view;
}

const zoe__view *zoe__plan_dy(zoe_plan *plan, const zoe__node *node)
{
    return node->op->is_loss ? NULL : &plan->values[node->output].gradient_view;
}

const zoe__view *zoe__plan_dx(zoe_plan *plan, const zoe__node *node, int input)
{
    return plan->nodes[node->number].dx_wanted[input] ? &plan->values[node->input[input]].gradient_view : NULL;
}

int zoe__plan_dx_add(zoe_plan *plan, const zoe__node *node, int input)
{
    return plan->nodes[node->number].dx_add[input];
}

zoe__mem *zoe__plan_weight(zoe_plan *plan, const zoe__node *node, int param)
{
    return zoe__store_weight(plan->store, plan->numbers[node->param[param]]);
}

/* A dry plan has no memory, but a gradient that is wanted must not look like one that is not: never followed. */
static const char no_memory;

zoe__mem *zoe__plan_dweight(zoe_plan *plan, const zoe__node *node, int param)
{
    const int number = plan->numbers[node->param[param]];
    if (!plan->nodes[node->number].backward || !zoe_store_param(plan->store, (size_t)number).trainable) return NULL;
    return plan->options.dry ? (zoe__mem *)&no_memory : zoe__store_gradient(plan->store, number);
}

int zoe__plan_dweight_add(zoe_plan *plan, const zoe__node *node, int param)
{
    return plan->nodes[node->number].dweight_add[param];
}

static zoe__mem *block_mem(const zoe_plan *plan, int block)
{
    return block >= 0 ? plan->blocks[block].mem : NULL;
}

zoe__mem *zoe__plan_aux_mem(zoe_plan *plan, const zoe__node *node, int k)
{
    return block_mem(plan, plan->nodes[node->number].aux_block[k]);
}

int zoe__plan_moments_asked(const zoe_plan *plan, const zoe__node *maker)
{
    return plan->nodes[maker->number].moments_most;
}

void zoe__plan_moments_place(zoe_plan *plan, const zoe__node *maker, int chunks)
{
    plan->nodes[maker->number].moments_chunks = chunks;
}

zoe__mem *zoe__plan_moments_mem(const zoe_plan *plan, const zoe__node *maker)
{
    return block_mem(plan, plan->nodes[maker->number].moments_block);
}

int zoe__plan_moments_chunks(const zoe_plan *plan, const zoe__node *maker)
{
    return plan->nodes[maker->number].moments_chunks;
}

zoe__mem *zoe__plan_workspace_mem(zoe_plan *plan, const zoe__node *node, zoe__pass pass)
{
    return block_mem(plan, plan->nodes[node->number].workspace_block[pass]);
}

zoe__mem *zoe__plan_derived_mem(zoe_plan *plan, const zoe__node *node, int k)
{
    return plan->nodes[node->number].derived_mem[k];
}

zoe__mem *zoe__plan_scalars(zoe_plan *plan)
{
    return plan->scalars_mem;
}

float zoe__plan_loss_scale(const zoe_plan *plan)
{
    return 1.0f / (float)plan->options.micro_batches;
}

/* ---- pass 2: launches ---- */

static const char *const pass_names[ZOE__LISTS] = {"forward", "backward", "prepare", "update"};

void zoe__plan_prepare_begin(zoe_plan *plan)
{
    plan->preparing = true;
}

void zoe__plan_prepare_end(zoe_plan *plan)
{
    plan->preparing = false;
}

static double node_bytes(const zoe_plan *plan, const zoe__node *node)
{
    const zoe__view *y = &plan->values[node->output].view;
    double bytes = (double)(y->floats * y->number);
    for (int i = 0; i < node->inputs; i++) {
        const zoe__view *x = &plan->values[node->input[i]].view;
        bytes += (double)(x->floats * x->number);
    }
    for (int k = 0; k < node->params; k++) bytes += (double)plan->layouts[node->param[k]].floats * 4;
    return bytes;
}

static zoe_status new_launch(zoe_plan *plan, const zoe__node *node, const char *kernel, double flops, double bytes,
                             zoe__launch **out)
{
    const zoe__pass pass = plan->preparing ? ZOE__PREPARE : plan->pass;
    zoe__launch_list *list = &plan->lists[pass];
    ZOE_TRY(zoe__grow(plan->context, &list->items, &list->capacity, list->count + 1, sizeof *list->items));
    zoe__launch *launch = &list->items[list->count++];
    *launch = (zoe__launch){.direction = node ? plan->nodes[node->number].direction : ZOE__DIRECTIONS};
    zoe__format(launch->kernel_name, sizeof launch->kernel_name, "%s", kernel);
    zoe__format(launch->label, sizeof launch->label, "%s", node ? node->name : "optimizer");
    launch->info =
        (zoe_launch_info){.pass = pass_names[pass],
                          .layer = node ? node->name : "",
                          .op = node ? node->op->name : plan->options.optimizer.name,
                          .algorithm = node ? plan->nodes[node->number].algorithm : "plain",
                          .shape = node ? zoe_graph_shape(plan->graph, node->output) : (zoe_shape){1, 1, 1, 1},
                          .flops = flops,
                          .bytes = bytes > 0 || !node ? bytes : node_bytes(plan, node)};
    *out = launch;
    return ZOE_OK;
}

static zoe_status set_view(zoe__kernel *kernel, unsigned *index, const zoe__view *view)
{
    const int numbers[4] = {view->c8, view->shape.h, view->shape.w, view->halo};
    ZOE_TRY(zoe__kernel_arg(kernel, (*index)++, 'm', &view->mem));
    for (int i = 0; i < 4; i++) ZOE_TRY(zoe__kernel_arg(kernel, (*index)++, 'i', &numbers[i]));
    return ZOE_OK;
}

static zoe_status set_arguments(zoe__kernel *kernel, const char *types, va_list args)
{
    unsigned index = 0;
    for (; *types; types++) switch (*types) {
        case 'v': ZOE_TRY(set_view(kernel, &index, va_arg(args, const zoe__view *))); break;
        case 'm': {
            zoe__mem *const mem = va_arg(args, zoe__mem *);
            ZOE_TRY(zoe__kernel_arg(kernel, index++, 'm', &mem));
            break;
        }
        case 'f': {
            const float value = (float)va_arg(args, double);
            ZOE_TRY(zoe__kernel_arg(kernel, index++, 'f', &value));
            break;
        }
        case 'u': {
            const uint32_t value = va_arg(args, uint32_t);
            ZOE_TRY(zoe__kernel_arg(kernel, index++, 'u', &value));
            break;
        }
        case 'l': {
            const size_t value = va_arg(args, size_t);
            ZOE_TRY(zoe__kernel_arg(kernel, index++, 'l', &value));
            break;
        }
        default: {
            const int value = va_arg(args, int);
            ZOE_TRY(zoe__kernel_arg(kernel, index++, 'i', &value));
        }
        }
    return ZOE_OK;
}

/* The arguments in the words of device/ahead.h; false: they do not fit. */
static bool describe(char *text, size_t size, const char *types, va_list args)
{
    size_t used = 0;
    bool fits = true;
    for (; *types && fits; types++) {
        char *to = text + used;
        const size_t left = size - used;
        switch (*types) {
        case 'v': {
            const zoe__view *v = va_arg(args, const zoe__view *);
            fits = zoe__format(to, left, "m i%d i%d i%d i%d ", v->c8, v->shape.h, v->shape.w, v->halo);
            break;
        }
        case 'm':
            (void)va_arg(args, zoe__mem *);
            fits = zoe__format(to, left, "m ");
            break;
        case 'f': fits = zoe__format(to, left, "f%a ", va_arg(args, double)); break;
        case 'u': fits = zoe__format(to, left, "u%u ", (unsigned)va_arg(args, uint32_t)); break;
        case 'l': fits = zoe__format(to, left, "l%zu ", va_arg(args, size_t)); break;
        default: fits = zoe__format(to, left, "i%d ", va_arg(args, int));
        }
        used += strlen(to);
    }
    return fits;
}

/* Of a dry plan: what the launch will need compiled. */
static zoe_status foresee(const zoe_plan *plan, const zoe__launch_spec *spec, const zoe__launch *launch,
                          const char *types, va_list args)
{
    char arguments[1024] = "";
    if (!describe(arguments, sizeof arguments, types, args)) return ZOE_OK;
    const zoe__ahead_launch ahead = {.program = spec->program,
                                     .kernel = spec->kernel,
                                     .options = spec->options ? spec->options : "",
                                     .arguments = arguments,
                                     .dims = launch->dims,
                                     .global = launch->global,
                                     .local = launch->local,
                                     .bytes = plan->memory.peak_bytes};
    return zoe__ahead_note(plan->device, &ahead);
}

zoe_status zoe__plan_launch(zoe_plan *plan, const zoe__node *node, const zoe__launch_spec *spec, const char *types, ...)
{
    zoe__launch *launch;
    ZOE_TRY(new_launch(plan, node, spec->kernel, spec->flops, spec->bytes, &launch));
    launch->dims = spec->dims;
    memcpy(launch->global, spec->global, sizeof launch->global);
    memcpy(launch->local, spec->local, sizeof launch->local);
    launch->has_local = spec->local[0] != 0;
    if (!launch->has_local && zoe_device_get_info(plan->device)->family == ZOE_FAMILY_VECTOR) {
        /* What a driver chooses depends on the size, and PoCL compiles once more for each choice. */
        for (int i = 0; i < 3; i++) launch->local[i] = 1;
        launch->has_local = true;
    }
    va_list args;
    va_start(args, types);
    if (plan->options.dry) {
        const zoe_status noted = foresee(plan, spec, launch, types, args);
        va_end(args);
        return noted;
    }
    zoe_status status =
        zoe__kernel_new(&launch->kernel, plan->device, spec->program, spec->kernel, spec->options ? spec->options : "");
    if (status == ZOE_OK) status = set_arguments(launch->kernel, types, args);
    va_end(args);
    return status;
}

zoe_status zoe__plan_call(zoe_plan *plan, const zoe__node *node, const char *name, double flops, zoe__plan_function *fn,
                          void *user)
{
    zoe__launch *launch;
    const zoe_status status = new_launch(plan, node, name, flops, 0, &launch);
    if (status != ZOE_OK) {
        free(user);
        return status;
    }
    launch->call = fn;
    launch->user = user;
    return ZOE_OK;
}

/* Zeros around a tensor whose memory was somebody else's a moment ago; where it is nobody else's, the zeros that it was
 * born with stay (poisoned memory was born with NaN). */
static zoe_status emit_halo(zoe_plan *plan, const zoe__node *node, const zoe__view *view, int block)
{
    if (!view->halo || block < 0) return ZOE_OK;
    const char *kernel = view->planar ? "halo_zero_planar" : "halo_zero";
    if (!plan->blocks[block].shared && !plan->options.poison) {
        /* At another batch or size the memory may be shared: that must not compile anything then. */
        zoe__kernel *built = NULL;
        const zoe_status status =
            plan->options.dry ? ZOE_OK : zoe__kernel_new(&built, plan->device, "halo", kernel, "");
        zoe__kernel_free(&built);
        return status;
    }
    zoe__launch_spec spec = {.program = "halo",
                             .kernel = kernel,
                             .dims = 1,
                             .global = {(size_t)view->shape.n * (size_t)view->c8},
                             .bytes = 1};
    if (zoe_device_get_info(plan->device)->family == ZOE_FAMILY_SIMT) {
        enum { GROUP = 64 }; /* ZOE_GROUP of cl/common.cl */
        spec.global[0] *= GROUP;
        spec.local[0] = GROUP;
    }
    return zoe__plan_launch(plan, node, &spec, "v", view);
}

/* Whether emit_halo() has something to do. */
static bool halo_dirty(const zoe_plan *plan, const zoe__view *view, int block)
{
    return view->halo && block >= 0 && (plan->blocks[block].shared || plan->options.poison);
}

bool zoe__plan_y_halo(const zoe_plan *plan, const zoe__node *node)
{
    const zoe__value_state *y = &plan->values[node->output];
    return y->root == node->output && halo_dirty(plan, &y->view, y->block);
}

bool zoe__plan_dx_halo(const zoe_plan *plan, const zoe__node *node)
{
    const zoe__node_state *state = &plan->nodes[node->number];
    const zoe__value_state *x = &plan->values[node->input[0]];
    if (!state->dx_wanted[0] || state->dx_add[0] || plan->values[node->output].root == x->root) return false;
    return halo_dirty(plan, &x->gradient_view, plan->values[x->root].gradient_block);
}

/* For the tests of the self-test: ZOE_BREAK. conv2d and linear do it by direction. */
static zoe_status spoil(zoe_plan *plan, const zoe__node *node, const char *pass, const zoe__view *view)
{
    char variant[ZOE__VARIANT];
    if (node->op->as_conv2d) return ZOE_OK;
    zoe__format(variant, sizeof variant, "%s.%s", node->op->name, pass);
    return zoe__break(plan, node, variant, view->mem, view->floats, view->number);
}

static zoe_status emit_forward(zoe_plan *plan, zoe__node *node)
{
    zoe__value_state *y = &plan->values[node->output];
    const bool itself = node->op->zeroes_halos && !plan->nodes[node->number].reference;
    if (y->root == node->output && !itself) ZOE_TRY(emit_halo(plan, node, &y->view, y->block));
    if (plan->nodes[node->number].reference) return zoe__reference_emit(plan, node, ZOE__FORWARD);
    ZOE_TRY(node->op->forward(plan, node));
    return spoil(plan, node, "forward", &y->view);
}

static zoe_status emit_backward(zoe_plan *plan, zoe__node *node)
{
    zoe__node_state *state = &plan->nodes[node->number];
    if (!state->backward) return ZOE_OK;
    for (int i = 0; i < node->inputs; i++) {
        zoe__value_state *x = &plan->values[node->input[i]];
        const zoe__value_state *root = &plan->values[x->root];
        const bool first = state->dx_wanted[i] && !state->dx_add[i];
        const bool shares = plan->values[node->output].root == x->root; /* in place: dy had its zeros made already */
        if (node->op->zeroes_halos && !state->reference && i == 0) continue;
        if (first && !shares) ZOE_TRY(emit_halo(plan, node, &x->gradient_view, root->gradient_block));
    }
    if (state->reference) return zoe__reference_emit(plan, node, ZOE__BACKWARD);
    ZOE_TRY(node->op->backward(plan, node));
    for (int i = 0; i < node->inputs; i++) {
        const zoe__view *dx = zoe__plan_dx(plan, node, i);
        if (dx) return spoil(plan, node, "backward", dx);
    }
    return ZOE_OK;
}

static zoe_status emit_finite(zoe_plan *plan)
{
    for (size_t i = 0; i < zoe__store_segments(plan->store); i++) {
        const zoe__optimizer_segment segment = zoe__store_segment(plan->store, i);
        const int lines = (int)(segment.count / 16);
        int rows;
        zoe__launch_spec spec = zoe__spec_pixels(plan, "gradients_finite", "gradients_finite", 1, lines, 2, &rows);
        spec.bytes = (double)segment.count * sizeof(float);
        ZOE_TRY(zoe__plan_launch(plan, NULL, &spec, "mmii", segment.gradient, plan->scalars_mem, lines, rows));
    }
    return ZOE_OK;
}

static zoe_status emit_update(zoe_plan *plan)
{
    const zoe__optimizer *optimizer = zoe__optimizer_find(plan->context, plan->options.optimizer.name);
    char variant[ZOE__VARIANT];
    zoe__format(variant, sizeof variant, "%s.update", optimizer->name);
    if (plan->half) ZOE_TRY(emit_finite(plan));
    if (plan->host || zoe__trust_is_bad(plan->device, variant)) return zoe__reference_optimizer(plan, optimizer);
    for (size_t i = 0; i < zoe__store_segments(plan->store); i++) {
        const zoe__optimizer_segment segment = zoe__store_segment(plan->store, i);
        ZOE_TRY(optimizer->emit(plan, &plan->options.optimizer, &segment));
        ZOE_TRY(zoe__break(plan, NULL, variant, segment.weight, segment.count, sizeof(float)));
    }
    return ZOE_OK;
}

zoe_status zoe__plan_emit(zoe_plan *plan)
{
    const size_t count = zoe__graph_nodes(plan->graph);
    plan->pass = ZOE__FORWARD;
    for (size_t n = 0; n < count; n++) ZOE_TRY(emit_forward(plan, zoe__graph_node(plan->graph, n)));
    if (!plan->options.training) return ZOE_OK;
    plan->pass = ZOE__BACKWARD;
    for (size_t n = count; n-- > 0;) ZOE_TRY(emit_backward(plan, zoe__graph_node(plan->graph, n)));
    plan->pass = ZOE__UPDATE;
    return plan->options.gradients_only ? ZOE_OK : emit_update(plan);
}

/* ---- walking a list: what a step consists of ---- */

zoe_status zoe__plan_run_list(zoe_plan *plan, zoe__pass pass)
{
    zoe__launch_list *list = &plan->lists[pass];
    if (zoe__device_profiles(plan->device)) return zoe__profile_run_list(plan, list);
    for (size_t i = 0; i < list->count; i++) {
        const zoe__launch *launch = &list->items[i];
        if (launch->call)
            ZOE_TRY(launch->call(plan->device, launch->user));
        else
            ZOE_TRY(zoe__kernel_run(launch->kernel, launch->dims, launch->global,
                                    launch->has_local ? launch->local : NULL, launch->label));
    }
    return ZOE_OK;
}

/* ---- reports ---- */

/* In the order in which a step runs them. */
const zoe__pass zoe__report_order[ZOE__LISTS] = {ZOE__PREPARE, ZOE__FORWARD, ZOE__BACKWARD, ZOE__UPDATE};

size_t zoe_plan_launches(const zoe_plan *plan)
{
    size_t count = 0;
    for (int list = 0; list < ZOE__LISTS; list++) count += plan->lists[list].count;
    return count;
}

zoe_launch_info zoe_plan_launch(const zoe_plan *plan, size_t index)
{
    for (int i = 0; i < ZOE__LISTS; i++) {
        const zoe__launch_list *list = &plan->lists[zoe__report_order[i]];
        if (index < list->count) {
            zoe_launch_info info = list->items[index].info;
            info.kernel = list->items[index].kernel_name;
            return info;
        }
        index -= list->count;
    }
    return (zoe_launch_info){.pass = ""};
}
