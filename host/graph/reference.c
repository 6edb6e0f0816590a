/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a node by its plain-C definition. On the host device that is all there is, and tensors are plain doubles in
 * place. On another device the call waits, copies in, runs and copies out: slow, but it lets every op work everywhere.
 */
#include "graph/state.h"

#include <stdlib.h>
#include <string.h>

/* One tensor as the definition sees it. */
typedef struct operand {
    const zoe__view *view; /* NULL: not there */
    zoe_dtype dtype;
    double *values; /* the host device: the memory itself; else a copy */
} operand;

typedef struct reference_state {
    zoe_plan *plan;
    zoe__node *node;
    operand x[ZOE__MAX_INPUTS], y, dy, dx[ZOE__MAX_INPUTS];
    zoe__mem *weight_mem[ZOE__MAX_PARAMS], *dweight_mem[ZOE__MAX_PARAMS];
    size_t weight_count[ZOE__MAX_PARAMS]; /* floats of the plain tensor */
    bool copies;                          /* not on the host device */
    float *raw;                           /* room for the largest tensor in device layout */
    zoe__ref ref;
} reference_state;

void zoe__reference_free(void *state)
{
    reference_state *s = state;
    if (!s) return;
    if (s->copies) {
        for (int i = 0; i < ZOE__MAX_INPUTS; i++) {
            free(s->x[i].values);
            free(s->dx[i].values);
        }
        free(s->y.values);
        free(s->dy.values);
        for (int k = 0; k < ZOE__MAX_PARAMS; k++) {
            free(s->ref.weight[k]);
            free(s->ref.dweight[k]);
        }
        for (int k = 0; k < ZOE__MAX_AUX; k++) free(s->ref.aux[k]);
        free(s->raw);
    }
    free(s);
}

/* ---- set-up ---- */

static zoe_status set_operand(reference_state *s, operand *o, const zoe__view *view, zoe_dtype dtype)
{
    o->view = view;
    o->dtype = dtype;
    if (s->plan->options.dry) return ZOE_OK;
    if (!s->copies) {
        o->values = zoe__mem_host(view->mem);
        return ZOE_OK;
    }
    return zoe__calloc(s->plan->context, &o->values, zoe_shape_count(view->shape), sizeof(double));
}

static zoe_status set_weight(reference_state *s, int k)
{
    const zoe_plan *plan = s->plan;
    const zoe__param_spec *spec = zoe__graph_param_spec(plan->graph, s->node->param[k]);
    s->weight_count[k] = zoe_shape_count(spec->shape);
    s->weight_mem[k] = zoe__plan_weight(s->plan, s->node, k);
    s->dweight_mem[k] = spec->trainable ? zoe__plan_dweight(s->plan, s->node, k) : NULL;
    if (plan->options.dry) return ZOE_OK;
    if (!s->copies) {
        s->ref.weight[k] = zoe__mem_host(s->weight_mem[k]);
        s->ref.dweight[k] = s->dweight_mem[k] ? zoe__mem_host(s->dweight_mem[k]) : NULL;
        return ZOE_OK;
    }
    ZOE_TRY(zoe__calloc(plan->context, &s->ref.weight[k], s->weight_count[k], sizeof(float)));
    if (s->dweight_mem[k]) ZOE_TRY(zoe__calloc(plan->context, &s->ref.dweight[k], s->weight_count[k], sizeof(double)));
    return ZOE_OK;
}

static size_t largest_operand(const reference_state *s)
{
    size_t most = s->y.view->floats;
    for (int i = 0; i < s->node->inputs; i++)
        if (most < s->x[i].view->floats) most = s->x[i].view->floats;
    for (int i = 0; i < s->node->inputs; i++)
        if (s->dx[i].view && most < s->dx[i].view->floats) most = s->dx[i].view->floats;
    if (s->dy.view && most < s->dy.view->floats) most = s->dy.view->floats;
    for (int k = 0; k < s->node->params; k++)
        if (most < s->weight_count[k]) most = s->weight_count[k];
    return most;
}

static zoe_status set_up(reference_state *s)
{
    zoe_plan *plan = s->plan;
    zoe__node *node = s->node;
    const zoe__node_state *state = &plan->nodes[node->number];
    s->copies = !plan->host;
    s->ref.node = node;
    for (int i = 0; i < node->inputs; i++) {
        const zoe__value_spec *spec = zoe__graph_value(plan->graph, node->input[i]);
        ZOE_TRY(set_operand(s, &s->x[i], zoe__plan_x(plan, node, i), spec->dtype));
        if (state->dx_wanted[i]) ZOE_TRY(set_operand(s, &s->dx[i], zoe__plan_dx(plan, node, i), ZOE_F32));
        s->ref.x[i] = s->x[i].values;
        s->ref.dx[i] = s->dx[i].values;
        s->ref.x_shape[i] = spec->shape;
    }
    ZOE_TRY(set_operand(s, &s->y, zoe__plan_y(plan, node), ZOE_F32));
    if (state->backward && !node->op->is_loss) ZOE_TRY(set_operand(s, &s->dy, zoe__plan_dy(plan, node), ZOE_F32));
    s->ref.y = s->y.values;
    s->ref.dy = s->dy.values;
    s->ref.y_shape = zoe_graph_shape(plan->graph, node->output);
    for (int k = 0; k < node->params; k++) ZOE_TRY(set_weight(s, k));
    for (int k = 0; k < ZOE__MAX_AUX; k++) {
        if (!node->aux_doubles[k] || plan->options.dry) continue;
        if (s->copies)
            ZOE_TRY(zoe__calloc(plan->context, &s->ref.aux[k], node->aux_doubles[k], sizeof(double)));
        else
            s->ref.aux[k] = zoe__mem_host(zoe__plan_aux_mem(plan, node, k));
    }
    s->ref.training = plan->options.training;
    s->ref.batch_statistics = zoe__plan_batch_statistics(plan);
    if (s->copies && !plan->options.dry)
        ZOE_TRY(zoe__calloc(plan->context, &s->raw, largest_operand(s), sizeof(float)));
    return ZOE_OK;
}

/* ---- copies (not on the host device) ---- */

static zoe_status fetch(reference_state *s, operand *o)
{
    if (!s->copies || !o->view) return ZOE_OK;
    const size_t count = zoe_shape_count(o->view->shape);
    if (o->dtype == ZOE_U8) return zoe__mem_read(o->view->mem, 0, o->values, count);
    if (o->dtype == ZOE_I32) return zoe__mem_read(o->view->mem, 0, o->values, count * sizeof(int32_t));
    ZOE_TRY(zoe__view_read(o->view, s->raw));
    const zoe_shape shape = o->view->shape;
    const int step = zoe__view_step(o->view);
    double *out = o->values;
    for (int n = 0; n < shape.n; n++)
        for (int c = 0; c < shape.c; c++)
            for (int h = 0; h < shape.h; h++) {
                const float *row = s->raw + zoe__view_offset(o->view, n, c, h, 0);
                for (int w = 0; w < shape.w; w++) *out++ = row[w * step];
            }
    return ZOE_OK;
}

static zoe_status put_back(reference_state *s, const operand *o)
{
    if (!s->copies || !o->view) return ZOE_OK;
    memset(s->raw, 0, o->view->floats * sizeof(float));
    const zoe_shape shape = o->view->shape;
    const int step = zoe__view_step(o->view);
    const double *in = o->values;
    for (int n = 0; n < shape.n; n++)
        for (int c = 0; c < shape.c; c++)
            for (int h = 0; h < shape.h; h++) {
                float *row = s->raw + zoe__view_offset(o->view, n, c, h, 0);
                for (int w = 0; w < shape.w; w++) row[w * step] = (float)*in++;
            }
    zoe__view_narrow(o->view, s->raw);
    return zoe__mem_write(o->view->mem, 0, s->raw, o->view->floats * o->view->number);
}

static zoe_status fetch_weights(reference_state *s)
{
    for (int k = 0; s->copies && k < s->node->params; k++)
        ZOE_TRY(zoe__mem_read(s->weight_mem[k], 0, s->ref.weight[k], s->weight_count[k] * sizeof(float)));
    return ZOE_OK;
}

/* ---- the two passes ---- */

static zoe_status run_forward(zoe_device *device, void *user)
{
    (void)device;
    reference_state *s = *(reference_state **)user;
    s->ref.scalars = s->plan->current;
    ZOE_TRY(fetch_weights(s));
    for (int i = 0; i < s->node->inputs; i++) ZOE_TRY(fetch(s, &s->x[i]));
    s->node->op->ref_forward(&s->ref);
    for (int k = 0; s->copies && s->ref.batch_statistics && k < s->node->params; k++)
        if (!zoe__graph_param_spec(s->plan->graph, s->node->param[k])->trainable)
            ZOE_TRY(zoe__mem_write(s->weight_mem[k], 0, s->ref.weight[k], s->weight_count[k] * sizeof(float)));
    return put_back(s, &s->y);
}

/* Gradients that are overwritten start from zero, those that add start from what is there. */
static zoe_status start_gradients(reference_state *s)
{
    const zoe__node_state *state = &s->plan->nodes[s->node->number];
    for (int i = 0; i < s->node->inputs; i++) {
        if (!state->dx_wanted[i]) continue;
        if (state->dx_add[i])
            ZOE_TRY(fetch(s, &s->dx[i]));
        else
            memset(s->dx[i].values, 0, zoe_shape_count(s->dx[i].view->shape) * sizeof(double));
    }
    for (int k = 0; k < s->node->params; k++) {
        if (!s->ref.dweight[k]) continue;
        if (!state->dweight_add[k])
            memset(s->ref.dweight[k], 0, s->weight_count[k] * sizeof(double));
        else if (s->copies) {
            ZOE_TRY(zoe__mem_read(s->dweight_mem[k], 0, s->raw, s->weight_count[k] * sizeof(float)));
            for (size_t i = 0; i < s->weight_count[k]; i++) s->ref.dweight[k][i] = s->raw[i];
        }
    }
    return ZOE_OK;
}

static zoe_status run_backward(zoe_device *device, void *user)
{
    (void)device;
    reference_state *s = *(reference_state **)user;
    s->ref.scalars = s->plan->current;
    s->ref.loss_scale = (double)zoe__plan_loss_scale(s->plan) * (double)s->plan->current->scale;
    ZOE_TRY(fetch_weights(s));
    for (int i = 0; i < s->node->inputs; i++) ZOE_TRY(fetch(s, &s->x[i]));
    if (s->node->op->needs & ZOE__NEEDS_Y) ZOE_TRY(fetch(s, &s->y));
    ZOE_TRY(fetch(s, &s->dy));
    ZOE_TRY(start_gradients(s));
    s->node->op->ref_backward(&s->ref);
    if (!s->copies) return ZOE_OK;
    for (int i = 0; i < s->node->inputs; i++)
        if (s->dx[i].view) ZOE_TRY(put_back(s, &s->dx[i]));
    for (int k = 0; k < s->node->params; k++) {
        if (!s->ref.dweight[k]) continue;
        for (size_t i = 0; i < s->weight_count[k]; i++) s->raw[i] = (float)s->ref.dweight[k][i];
        ZOE_TRY(zoe__mem_write(s->dweight_mem[k], 0, s->raw, s->weight_count[k] * sizeof(float)));
    }
    return ZOE_OK;
}

zoe_status zoe__reference_emit(zoe_plan *plan, zoe__node *node, zoe__pass pass)
{
    zoe__node_state *state = &plan->nodes[node->number];
    if (!state->reference_state) {
        reference_state *made = NULL;
        ZOE_TRY(zoe__calloc(plan->context, &made, 1, sizeof *made));
        made->plan = plan;
        made->node = node;
        state->reference_state = made;
        ZOE_TRY(set_up(made));
    }
    /* The list frees its user pointer, the plan the state: so the list gets a pointer to it. */
    reference_state **user = NULL;
    ZOE_TRY(zoe__calloc(plan->context, &user, 1, sizeof *user));
    *user = state->reference_state;
    const double once = node->op->flops ? node->op->flops(plan->graph, node)
                                        : (double)zoe_shape_count(zoe_graph_shape(plan->graph, node->output));
    const bool forward = pass == ZOE__FORWARD;
    return zoe__plan_call(plan, node, forward ? "reference_forward" : "reference_backward", forward ? once : 2 * once,
                          forward ? run_forward : run_backward, user);
}

/* ---- optimisers: in place on the host device; elsewhere, where the kernel is in quarantine, with copies ---- */

typedef struct host_update {
    zoe_plan *plan;
    const zoe__optimizer *optimizer;
    zoe__optimizer_segment segment;
} host_update;

static void update(const host_update *u, float *weight, const double *gradient, float *const state[2])
{
    const zoe__optimizer_segment *p = &u->segment;
    u->optimizer->reference(&u->plan->options.optimizer, u->plan->current, p->lr_mult, p->decay_mult, p->count, weight,
                            gradient, state);
}

static zoe_status update_copies(const host_update *u)
{
    const zoe__optimizer_segment *p = &u->segment;
    zoe__mem *const mem[3] = {p->weight, p->state[0], p->state[1]};
    float *copy[3] = {NULL}, *gradient = NULL;
    double *wide = NULL;
    zoe__scalars scalars;
    const size_t bytes = p->count * sizeof(float);
    zoe_status status = ZOE_OK;
    for (int i = 0; i < 3; i++) {
        if (!mem[i]) continue;
        ZOE_TRY_OUT(zoe__calloc(u->plan->context, &copy[i], p->count, sizeof(float)));
        ZOE_TRY_OUT(zoe__mem_read(mem[i], 0, copy[i], bytes));
    }
    ZOE_TRY_OUT(zoe__calloc(u->plan->context, &gradient, p->count, sizeof(float)));
    ZOE_TRY_OUT(zoe__calloc(u->plan->context, &wide, p->count, sizeof(double)));
    ZOE_TRY_OUT(zoe__mem_read(p->gradient, 0, gradient, bytes));
    ZOE_TRY_OUT(zoe__mem_read(u->plan->scalars_mem, 0, &scalars, sizeof scalars));
    if (scalars.scale == 0.0f) goto out;
    for (size_t i = 0; i < p->count; i++) wide[i] = (double)gradient[i] * (double)scalars.scale;
    update(u, copy[0], wide, copy + 1);
    for (int i = 0; i < 3; i++)
        if (mem[i]) ZOE_TRY_OUT(zoe__mem_write(mem[i], 0, copy[i], bytes));
out:
    for (int i = 0; i < 3; i++) free(copy[i]);
    free(gradient);
    free(wide);
    return status;
}

static zoe_status run_update(zoe_device *device, void *user)
{
    const host_update *u = user;
    const zoe__optimizer_segment *p = &u->segment;
    float *state[2];
    if (!zoe__device_is_host(device)) return update_copies(u);
    for (int k = 0; k < 2; k++) state[k] = p->state[k] ? zoe__mem_host(p->state[k]) : NULL;
    update(u, zoe__mem_host(p->weight), zoe__mem_host(p->gradient), state);
    return ZOE_OK;
}

zoe_status zoe__reference_optimizer(zoe_plan *plan, const zoe__optimizer *optimizer)
{
    for (size_t i = 0; i < zoe__store_segments(plan->store); i++) {
        host_update *user = NULL;
        ZOE_TRY(zoe__calloc(plan->context, &user, 1, sizeof *user));
        *user = (host_update){.plan = plan, .optimizer = optimizer, .segment = zoe__store_segment(plan->store, i)};
        ZOE_TRY(zoe__plan_call(plan, NULL, "reference_update", 6.0 * (double)user->segment.count, run_update, user));
    }
    return ZOE_OK;
}
