/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/half.h"
#include "device/ahead.h"
#include "graph/state.h"
#include "ops/conv2d.h"
#include "selftest/probe.h"
#include "tune/measure.h"

enum {
    SEED = 7,
    STREAM_LOSS = 20,
    STREAM_X = 30,
    STREAM_PARAM = 40,
    MOST_TENSORS = 16,
    EXECUTIONS = 3,
    CANDIDATES = 64
};
static const double MOST_ERROR = 1e-3, RATE = 0.05;
static const double MOST_ERROR_HALF = 2e-2; /* storage fp16 */

/* Which variant of the node a tensor judges. */
typedef enum judges { FORWARD, DATA, WEIGHTS, MASK, UPDATE, KINDS } judges;

typedef struct tensor {
    judges judges;
    size_t count;
    float *data;
} tensor;

typedef struct outcome {
    tensor tensor[MOST_TENSORS];
    int count;
} outcome;

struct zoe__expected {
    outcome outcome;
};

/* ---- a case compiled for a device ---- */

typedef struct bench {
    zoe_context *context;
    zoe_device *device;
    const zoe__case *test;
    bool half; /* inputs are what halves can hold */
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
    zoe_value x[ZOE__CASE_INPUTS], y;
    void *data[ZOE__CASE_INPUTS];
} bench;

static zoe_dtype dtype_of(zoe__fill fill)
{
    return fill == ZOE__FILL_NUMBERS ? ZOE_F32 : fill == ZOE__FILL_BYTES ? ZOE_U8 : ZOE_I32;
}

static zoe_status make_plan(bench *b, bool dry)
{
    const zoe__case *c = b->test;
    zoe_plan_options options = zoe_plan_options_default();
    options.training = options.poison = true;
    options.input_gradients = !c->optimizer && !c->first; /* of an optimiser only the update is judged */
    options.dry = dry;
    options.seed = SEED;
    options.loss_scale = 1;
    if (c->optimizer) options.optimizer.name = c->optimizer;
    ZOE_TRY(zoe_graph_new(&b->graph, b->context));
    ZOE_TRY(zoe_store_new(&b->store, b->context, b->device, SEED));
    for (int i = 0; i < zoe__case_inputs(c); i++) {
        char name[8];
        zoe__format(name, sizeof name, "x%d", i);
        b->x[i] = zoe_input(b->graph, name, dtype_of(c->fill[i]), c->x[i]);
    }
    b->y = zoe_graph_keep(b->graph, c->build(b->graph, b->x, c->number));
    ZOE_TRY(zoe_graph_status(b->graph));
    const zoe_shape y = zoe_graph_shape(b->graph, b->y);
    if (c->fill[1] != ZOE__FILL_LABELS || zoe_shape_count(y) != 1) /* the loss is one itself */
        zoe__probe_loss(b->graph, "loss", b->y,
                        STREAM_LOSS | (c->first ? ZOE__PROBE_PLANAR : 0) | (c->halo ? ZOE__PROBE_HALO : 0));
    ZOE_TRY(zoe_graph_status(b->graph));
    return zoe_plan_new(&b->plan, b->graph, b->store, &options);
}

static void clear(bench *b)
{
    zoe_plan_free(&b->plan);
    zoe_store_free(&b->store);
    zoe_graph_free(&b->graph);
    for (int i = 0; i < ZOE__CASE_INPUTS; i++) {
        free(b->data[i]);
        b->data[i] = NULL;
    }
}

static void fill_words(zoe__fill fill, int32_t *data, zoe_shape shape)
{
    static const int32_t rows[2][6] = {{3, 5, 1, 2, 70000, -900}, {0, 2, 0, 5, 40000, 2000}};
    for (int n = 0; n < shape.n; n++)
        for (int k = 0; k < shape.c; k++)
            data[n * shape.c + k] = fill == ZOE__FILL_LABELS  ? (n * 5) % 7
                                    : fill == ZOE__FILL_GAINS ? 40000 + 20000 * n
                                                              : rows[n % 2][k % 6];
}

static void fill_numbers(const bench *b, uint32_t stream, float *data, size_t count)
{
    zoe__probe_fill(stream, data, count);
    for (size_t i = 0; b->half && i < count; i++) data[i] = zoe__half_value(zoe__half_of(data[i]));
}

static zoe_status fill_input(bench *b, int i)
{
    const zoe__fill fill = b->test->fill[i];
    const zoe_shape shape = b->test->x[i];
    const size_t count = zoe_shape_count(shape);
    ZOE_TRY(zoe__calloc(b->context, &b->data[i], count, sizeof(float)));
    if (fill == ZOE__FILL_NUMBERS)
        fill_numbers(b, STREAM_X + (uint32_t)i, b->data[i], count);
    else if (fill == ZOE__FILL_BYTES)
        for (size_t k = 0; k < count; k++) ((uint8_t *)b->data[i])[k] = (uint8_t)(k * 37 + k / 11);
    else
        fill_words(fill, b->data[i], shape);
    return zoe_plan_write(b->plan, b->x[i], b->data[i]);
}

static zoe_status fill_params(bench *b)
{
    for (size_t p = 0; p < zoe_store_params(b->store); p++) {
        const zoe_param param = zoe_store_param(b->store, p);
        const size_t count = zoe_shape_count(param.shape);
        float *data = NULL;
        ZOE_TRY(zoe__calloc(b->context, &data, count, sizeof *data));
        zoe__probe_fill(STREAM_PARAM + (uint32_t)p, data, count);
        for (size_t i = 0; strstr(param.name, "running_var") && i < count; i++) data[i] = fabsf(data[i]) + 0.5f;
        zoe_status status = zoe_store_set(b->store, p, data);
        for (size_t i = 0; i < count; i++) data[i] = 0;
        for (int k = 0; param.trainable && k < zoe_store_states(b->store) && status == ZOE_OK; k++)
            status = zoe_store_set_state(b->store, p, k, data);
        free(data);
        ZOE_TRY(status);
    }
    return ZOE_OK;
}

/* ---- what comes out ---- */

static void free_outcome(outcome *o)
{
    for (int i = 0; i < o->count; i++) free(o->tensor[i].data);
    o->count = 0;
}

static zoe_status add_tensor(bench *b, outcome *o, judges judged, size_t count, float **data)
{
    *data = NULL;
    ZOE_FAIL_IF(b->context, o->count == MOST_TENSORS, ZOE_UNSUPPORTED, "self-test '%s': too many tensors",
                b->test->name);
    tensor *t = &o->tensor[o->count];
    *t = (tensor){judged, count, NULL};
    ZOE_TRY(zoe__calloc(b->context, &t->data, count, sizeof *t->data));
    *data = t->data;
    o->count++;
    return ZOE_OK;
}

/* Places of a packed gradient that are no weight must be zero, or the optimiser moves what the kernels take for one:
 * the largest number there. */
static zoe_status padding_of(bench *b, size_t p, const float *gradient, float *largest)
{
    const zoe__layout *layout = zoe__store_layout(b->store, (int)p);
    const zoe_shape shape = zoe_store_param(b->store, p).shape;
    float *raw = NULL, *clean = NULL;
    zoe_status status = ZOE_OK;
    *largest = 0;
    if (zoe__device_is_host(b->device) || !strcmp(layout->name, "plain")) return ZOE_OK; /* no kernel writes its tail */
    ZOE_TRY_OUT(zoe__calloc(b->context, &raw, layout->floats, sizeof *raw));
    ZOE_TRY_OUT(zoe__calloc(b->context, &clean, layout->floats, sizeof *clean));
    ZOE_TRY_OUT(zoe__mem_read(zoe__store_gradient(b->store, (int)p), 0, raw, layout->floats * sizeof *raw));
    layout->pack(layout, shape, 0, shape.n, gradient, clean);
    for (size_t i = 0; i < layout->floats; i++) {
        const float off = isfinite(raw[i]) ? fabsf(raw[i] - clean[i]) : INFINITY;
        if (off > *largest) *largest = off;
    }
out:
    free(raw);
    free(clean);
    return status;
}

/* What lies around y and past its channels must be zero, or the next convolution reads it: the largest number there. */
static zoe_status halo_of(bench *b, float *largest)
{
    const zoe__view *y = &b->plan->values[b->y].view;
    const zoe_shape s = y->shape;
    float *raw = NULL;
    *largest = 0;
    if (zoe__device_is_host(b->device)) return ZOE_OK;
    ZOE_FAIL_IF(b->context, !y->halo, ZOE_WRONG, "self-test '%s': its output has no halo", b->test->name);
    ZOE_TRY(zoe__calloc(b->context, &raw, y->floats, sizeof *raw));
    const zoe_status status = zoe__view_read(y, raw);
    for (int n = 0; n < s.n; n++)
        for (int c = 0; c < s.c; c++)
            for (int h = 0; h < s.h; h++)
                for (int w = 0; w < s.w; w++) raw[zoe__view_offset(y, n, c, h, w)] = 0;
    for (size_t i = 0; i < y->floats && status == ZOE_OK; i++) {
        const float off = isfinite(raw[i]) ? fabsf(raw[i]) : INFINITY;
        if (off > *largest) *largest = off;
    }
    free(raw);
    return status;
}

/* Whatever parameters say: gradients judge the way back, running figures the way forward, an update itself. */
static zoe_status collect_param(bench *b, outcome *o, size_t p, bool has_relu)
{
    const zoe_param param = zoe_store_param(b->store, p);
    const size_t count = zoe_shape_count(param.shape);
    float *data;
    if (b->test->optimizer) {
        ZOE_TRY(add_tensor(b, o, UPDATE, count, &data));
        return zoe_store_get(b->store, p, data);
    }
    if (!param.trainable) {
        ZOE_TRY(add_tensor(b, o, FORWARD, count, &data));
        return zoe_store_get(b->store, p, data);
    }
    float *padding;
    const judges judged = has_relu ? MASK : WEIGHTS;
    ZOE_TRY(add_tensor(b, o, judged, count, &data));
    ZOE_TRY(zoe_store_get_gradient(b->store, p, data));
    ZOE_TRY(add_tensor(b, o, judged, 2, &padding));
    padding[0] = 1; /* what an error is measured by */
    return padding_of(b, p, data, &padding[1]);
}

/* A convolution that leaves moments to the batch norm behind it: two nodes, and the moments are what is tested. */
static bool moments_of(const bench *b)
{
    const zoe_graph *graph = b->plan->graph;
    return zoe__graph_nodes(graph) == 3 && zoe__graph_node_const(graph, 0)->op->as_conv2d &&
           b->plan->nodes[0].moments_most && !b->plan->nodes[0].reference && !b->plan->nodes[1].reference;
}

static zoe_status execute(bench *b, outcome *o)
{
    const bool biased = zoe_store_find(b->store, "op.bias") >= 0 && zoe_store_find(b->store, "op.running_var") < 0;
    float *data;
    free_outcome(o);
    ZOE_TRY(zoe__plan_poison(b->plan));
    ZOE_TRY(fill_params(b));
    for (int i = 0; i < zoe__case_inputs(b->test); i++) {
        free(b->data[i]);
        b->data[i] = NULL;
        ZOE_TRY(fill_input(b, i));
    }
    ZOE_TRY(moments_of(b) ? zoe_plan_forward(b->plan) : zoe_plan_accumulate(b->plan, 3, 0)); /* what is judged */
    if (b->test->optimizer) ZOE_TRY(zoe_plan_update(b->plan, RATE));
    ZOE_TRY(zoe_plan_finish(b->plan));
    ZOE_TRY(add_tensor(b, o, FORWARD, zoe_shape_count(zoe_graph_shape(b->graph, b->y)), &data));
    ZOE_TRY(zoe_plan_read(b->plan, b->y, data));
    if (b->test->halo) {
        ZOE_TRY(add_tensor(b, o, FORWARD, 2, &data));
        data[0] = 1; /* what an error is measured by */
        ZOE_TRY(halo_of(b, &data[1]));
    }
    for (int i = 0; i < zoe__case_inputs(b->test); i++) {
        if (!b->plan->values[b->x[i]].gradient) continue;
        ZOE_TRY(add_tensor(b, o, biased ? MASK : DATA, zoe_shape_count(b->test->x[i]), &data));
        ZOE_TRY(zoe_plan_read_gradient(b->plan, b->x[i], data));
    }
    for (size_t p = 0; p < zoe_store_params(b->store); p++) ZOE_TRY(collect_param(b, o, p, biased));
    return ZOE_OK;
}

zoe_status zoe__expected_new(zoe__expected **out, zoe_context *context, const zoe__case *test, bool half)
{
    zoe__expected *made = NULL;
    bench b = {.context = context, .test = test, .half = half};
    zoe_status status = ZOE_OK;
    *out = NULL;
    ZOE_TRY(zoe__calloc(context, &made, 1, sizeof *made));
    ZOE_TRY_OUT(zoe_device_open(&b.device, context, &(zoe_device_options){.name = "host"}));
    ZOE_TRY_OUT(make_plan(&b, false));
    status = execute(&b, &made->outcome);
out:
    clear(&b);
    zoe_device_free(&b.device);
    if (status != ZOE_OK) zoe__expected_free(&made);
    *out = made;
    return status;
}

void zoe__expected_free(zoe__expected **expected)
{
    if (!*expected) return;
    free_outcome(&(*expected)->outcome);
    free(*expected);
    *expected = NULL;
}

/* ---- judging ---- */

typedef struct errors {
    bool there[KINDS], other_bits[KINDS];
    double nmse[KINDS], most[KINDS];
} errors;

static void compare(errors *e, const outcome *wanted, const outcome *got, const outcome *first)
{
    for (int i = 0; i < wanted->count && i < got->count; i++) {
        const tensor *w = &wanted->tensor[i], *g = &got->tensor[i];
        double differences = 0, squares = 0, most = 0, largest = 0;
        for (size_t k = 0; k < w->count; k++) {
            const double a = (double)w->data[k], d = isfinite(g->data[k]) ? fabs(a - (double)g->data[k]) : INFINITY;
            differences += d * d;
            squares += a * a;
            most = fmax(most, d);
            largest = fmax(largest, fabs(a));
        }
        e->there[w->judges] = true;
        e->nmse[w->judges] = fmax(e->nmse[w->judges], differences / fmax(squares, 1e-20));
        e->most[w->judges] = fmax(e->most[w->judges], most / fmax(largest, 1e-10));
        if (memcmp(g->data, first->tensor[i].data, g->count * sizeof *g->data)) e->other_bits[w->judges] = true;
    }
}

static bool forced(void *user, const char *op, zoe__direction direction, const zoe__conv2d *conv, zoe__choice *out)
{
    const zoe__choice *choices = user;
    (void)op;
    (void)conv;
    *out = choices[direction];
    return out->algorithm != NULL;
}

/* The one node that is not the probe, nor left to its definition; NULL: none, or several. */
static const zoe__node *target_of(const bench *b)
{
    const zoe__node *target = NULL;
    if (moments_of(b)) return zoe__graph_node_const(b->plan->graph, 0);
    for (size_t n = 0; n < zoe__graph_nodes(b->plan->graph); n++) {
        const zoe__node *node = zoe__graph_node_const(b->plan->graph, n);
        if (!strcmp(node->op->name, "probe")) continue;
        if (target || b->plan->nodes[n].reference) return NULL;
        target = node;
    }
    return target;
}

static void begin_verdict(const bench *b, zoe__verdict *v, const char *detail)
{
    const zoe_shape s = b->test->x[0];
    *v = (zoe__verdict){.good = true, .checked = true};
    zoe__format(v->parameters, sizeof v->parameters, "'%s' %dx%dx%dx%d%s%s, %u lanes", b->test->name, s.n, s.c, s.h,
                s.w, *detail ? ", " : "", detail, zoe_device_get_info(b->device)->lanes);
}

/* kind[i] is what judges verdict[i]. */
static size_t list_variants(const bench *b, const zoe__node *node, zoe__verdict *v, judges *kind)
{
    const zoe__node_state *state = &b->plan->nodes[node->number];
    size_t count = 0;
    if (b->test->optimizer) {
        begin_verdict(b, &v[0], "");
        zoe__format(v[0].variant, ZOE__VARIANT, "%s.update", b->test->optimizer);
        kind[0] = UPDATE;
        return 1;
    }
    if (moments_of(b)) {
        begin_verdict(b, &v[0], "");
        zoe__format(v[0].variant, ZOE__VARIANT, "%s.%s.moments", node->op->name, state->choice[0].algorithm);
        kind[0] = FORWARD;
        return 1;
    }
    if (node->op->as_conv2d) {
        static const judges by_direction[] = {FORWARD, DATA, WEIGHTS};
        zoe__conv2d conv;
        node->op->as_conv2d(b->plan->graph, node, &conv);
        const bool mask = conv.bias || conv.relu;
        for (int d = 0; d < (mask ? 1 : ZOE__DIRECTIONS); d++) {
            if (d == ZOE__TO_DATA && !state->dx_wanted[0]) continue;
            const int *p = state->choice[d].parameter;
            char detail[64];
            zoe__format(detail, sizeof detail, "%d,%d,%d,%d", p[0], p[1], p[2], p[3]);
            begin_verdict(b, &v[count], detail);
            kind[count] = by_direction[d];
            zoe__conv2d_variant(v[count++].variant, &conv, state->choice[d].algorithm, (zoe__direction)d);
        }
        if (!mask) return count;
        begin_verdict(b, &v[count], "");
        kind[count] = MASK;
        zoe__conv2d_variant(v[count++].variant, &conv, NULL, ZOE__TO_OUTPUT);
        return count;
    }
    begin_verdict(b, &v[count], "");
    kind[count] = FORWARD;
    zoe__format(v[count++].variant, ZOE__VARIANT, "%s.forward", node->op->name);
    if (!state->backward || node->op->no_gradient) return count;
    begin_verdict(b, &v[count], "");
    kind[count] = DATA;
    zoe__format(v[count++].variant, ZOE__VARIANT, "%s.backward", node->op->name);
    return count;
}

static void judge(zoe__verdict *v, const errors *e, judges kind, bool by_direction, bool half)
{
    const double most_nmse = zoe__most_nmse(half), most_error = half ? MOST_ERROR_HALF : MOST_ERROR;
    double nmse = e->nmse[kind], most = e->most[kind];
    bool there = e->there[kind], other_bits = e->other_bits[kind];
    if (kind == DATA && !by_direction) { /* backward of a whole op: its parameters' gradients too */
        nmse = fmax(nmse, e->nmse[WEIGHTS]);
        most = fmax(most, e->most[WEIGHTS]);
        there = there || e->there[WEIGHTS];
        other_bits = other_bits || e->other_bits[WEIGHTS];
    }
    v->checked = there;
    v->nmse = nmse;
    v->good = !there || (nmse <= most_nmse && most <= most_error && !other_bits);
    const size_t used = strlen(v->parameters);
    if (other_bits)
        zoe__format(v->parameters + used, sizeof v->parameters - used, ", other bits when repeated");
    else if (!v->good)
        zoe__format(v->parameters + used, sizeof v->parameters - used, ", largest error %.3g of the largest value",
                    most);
}

static zoe_status run_case(bench *b, const zoe__expected *expected, errors *e)
{
    outcome first = {.count = 0}, again = {.count = 0};
    zoe_status status = execute(b, &first);
    if (status == ZOE_OK) compare(e, &expected->outcome, &first, &first);
    for (int i = 1; i < EXECUTIONS && status == ZOE_OK; i++) {
        status = execute(b, &again);
        if (status == ZOE_OK) compare(e, &expected->outcome, &again, &first);
    }
    free_outcome(&first);
    free_outcome(&again);
    return status;
}

/* The choices of a round: candidate number `round` of each direction; without full those with parameters do not count.
 * false: no direction has so many. */
static bool choose(const bench *b, const zoe__node *node, size_t round, bool full, zoe__choice choices[ZOE__DIRECTIONS])
{
    static const int none[ZOE__CHOICE_PARAMETERS];
    bool any = false;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        zoe__choice list[CANDIDATES];
        size_t count = node->op->candidates(b->plan, node, d, list, CANDIDATES), kept = 0;
        for (size_t i = 0; i < count; i++)
            if (full || !memcmp(list[i].parameter, none, sizeof none)) list[kept++] = list[i];
        choices[d] = round < kept ? list[round] : kept ? list[0] : (zoe__choice){.algorithm = NULL};
        any = any || round < kept;
    }
    return any;
}

/* With the tuning of the round hung on the device. */
static zoe_status do_round(bench *b, bool run, const zoe__expected *expected, zoe__verdict *verdict, size_t *count)
{
    judges kind[ZOE__VERDICTS];
    errors e = {.there = {false}};
    ZOE_TRY(make_plan(b, !run));
    const zoe__node *node = target_of(b);
    if (!node) return ZOE_OK;
    *count = list_variants(b, node, verdict, kind);
    if (!run) return ZOE_OK;
    ZOE_TRY(run_case(b, expected, &e));
    for (size_t i = 0; i < *count; i++) {
        judge(&verdict[i], &e, kind[i], node->op->as_conv2d != NULL, b->half);
        const bool forward_wrong = i > 0 && !verdict[0].good;
        if (forward_wrong && (!node->op->as_conv2d || kind[i] == MASK)) /* backward starts from what forward left */
            verdict[i].good = !(verdict[i].checked = false);
    }
    return ZOE_OK;
}

zoe_status zoe__selftest_case(zoe_device *device, const zoe__case *test, size_t round, bool full, bool run,
                              const zoe__expected *expected, zoe__verdict verdict[ZOE__VERDICTS], size_t *count,
                              bool *last)
{
    const zoe__tuning *before = zoe__device_get_tuning(device);
    const bool tests = zoe__trust_tests(device);
    bench b = {.context = zoe__device_context(device),
               .device = device,
               .test = test,
               .half = zoe_device_get_info(device)->half};
    zoe__choice choices[ZOE__DIRECTIONS];
    const zoe__tuning tuning = {.find = forced, .user = choices};
    zoe_status status = ZOE_OK;
    const size_t ahead = zoe__ahead_count(device);
    *count = 0;
    *last = true;
    zoe__trust_set_testing(device, false);
    zoe__device_set_tuning(device, NULL);
    ZOE_TRY_OUT(make_plan(&b, true));
    const zoe__node *node = target_of(&b);
    if (!node || (!node->op->as_conv2d && round)) goto out;
    if (node->op->as_conv2d && !test->optimizer) {
        zoe__choice next[ZOE__DIRECTIONS];
        if (!choose(&b, node, round, full, choices)) goto out;
        *last = !choose(&b, node, round + 1, full, next);
        zoe__device_set_tuning(device, &tuning);
    }
    clear(&b);
    zoe__ahead_cut(device, ahead); /* what was only looked at */
    status = do_round(&b, run, expected, verdict, count);
out:
    clear(&b);
    zoe__device_set_tuning(device, before);
    zoe__trust_set_testing(device, tests);
    return status;
}
