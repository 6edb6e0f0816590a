/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/measure.h"

#include <stdlib.h>
#include <string.h>

#include "graph/state.h"
#include "selftest/probe.h"
#include "selftest/sample.h"

enum { ROUNDS = 9, LEAST_ROUNDS = 2, SAMPLES = 512 };
static const double ENOUGH_SECONDS = 0.25, SAMPLE_WORK = 2e7;

typedef struct bench {
    zoe_context *context;
    zoe_device *device;
    const zoe__measure_job *job;
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
    zoe_value x, y;
    float *data;     /* room for the largest tensor */
    double *seconds; /* of each launch */
} bench;

static bool forced(void *user, const char *op, zoe__direction direction, const zoe__conv2d *conv, zoe__choice *out)
{
    const zoe__measure_job *job = user;
    (void)op;
    (void)conv;
    *out = job->choice[direction];
    return out->algorithm != NULL;
}

static zoe_value add_node(const bench *b, zoe_value x)
{
    const zoe__conv2d *v = &b->job->conv;
    if (!strcmp(b->job->op, "linear")) {
        zoe_linear_options o = zoe_linear_options_default();
        o.outputs = v->k;
        o.bias = false;
        return zoe_linear(b->graph, "node", x, &o);
    }
    zoe_conv2d_options o = zoe_conv2d_options_default();
    o.filters = v->k;
    o.kernel_h = v->r;
    o.kernel_w = v->s;
    o.stride_h = v->stride_h;
    o.stride_w = v->stride_w;
    o.pad_h = v->pad_h;
    o.pad_w = v->pad_w;
    o.groups = v->groups;
    o.bias = false;
    return zoe_conv2d(b->graph, "node", x, &o);
}

static zoe_status make_plan(bench *b, bool dry)
{
    const zoe__conv2d *v = &b->job->conv;
    zoe_plan_options options = zoe_plan_options_default();
    options.loss_scale = 1; /* gradients are checked */
    options.training = true;
    options.input_gradients = b->job->data;
    options.exact = b->job->exact;
    options.dry = dry;
    ZOE_TRY(zoe_graph_new(&b->graph, b->context));
    ZOE_TRY(zoe_store_new(&b->store, b->context, b->device, 0));
    b->x = zoe_input(b->graph, "x", ZOE_F32, (zoe_shape){v->n, v->c, v->h, v->w});
    b->y = zoe_graph_keep(b->graph, add_node(b, b->x));
    zoe__probe_loss(b->graph, "loss", b->y, ZOE__STREAM_DY);
    ZOE_TRY(zoe_graph_status(b->graph));
    return zoe_plan_new(&b->plan, b->graph, b->store, &options);
}

static void clear(bench *b)
{
    zoe_plan_free(&b->plan);
    zoe_store_free(&b->store);
    zoe_graph_free(&b->graph);
    free(b->data);
    free(b->seconds);
}

static zoe_status fill(bench *b)
{
    size_t most = 0;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        const size_t values = zoe__sample_values(&b->job->conv, (zoe__direction)d);
        if (most < values) most = values;
    }
    ZOE_TRY(zoe__calloc(b->context, &b->data, most, sizeof *b->data));
    ZOE_TRY(zoe__calloc(b->context, &b->seconds, zoe_plan_launches(b->plan) + 1, sizeof *b->seconds));
    zoe__probe_fill(ZOE__STREAM_WEIGHT, b->data, zoe__sample_values(&b->job->conv, ZOE__TO_WEIGHTS));
    ZOE_TRY(zoe_store_set(b->store, 0, b->data));
    zoe__probe_fill(ZOE__STREAM_X, b->data, zoe__sample_values(&b->job->conv, ZOE__TO_DATA));
    ZOE_TRY(zoe_plan_write(b->plan, b->x, b->data));
    return zoe_plan_finish(b->plan); /* before data is used again */
}

/* One step; weights count as changed, so that turning them is part of it. */
static zoe_status run_once(bench *b, double seconds[ZOE__DIRECTIONS])
{
    for (int d = 0; d < ZOE__DIRECTIONS; d++) seconds[d] = 0;
    zoe__store_touch(b->store);
    ZOE_TRY(zoe_plan_accumulate(b->plan, 0, 0));
    ZOE_TRY(zoe_plan_finish(b->plan));
    ZOE_TRY(zoe_plan_profile(b->plan, b->seconds));
    size_t index = 0;
    for (int i = 0; i < ZOE__LISTS; i++) {
        const zoe__launch_list *list = &b->plan->lists[zoe__report_order[i]];
        for (size_t k = 0; k < list->count; k++, index++)
            if (list->items[k].direction < ZOE__DIRECTIONS) seconds[list->items[k].direction] += b->seconds[index];
    }
    return ZOE_OK;
}

static bool hopeless(const zoe__measure_job *job, const zoe__measured *measured)
{
    for (int d = 0; d < ZOE__DIRECTIONS; d++)
        if (measured[d].there && (job->best[d] <= 0 || measured[d].seconds < 2 * job->best[d])) return false;
    return true;
}

static zoe_status time_it(bench *b, zoe__measured *measured)
{
    const int rounds = b->job->rounds ? b->job->rounds : ROUNDS;
    const double enough = b->job->enough > 0 ? b->job->enough : ENOUGH_SECONDS;
    double total = 0;
    for (int round = 0; round < rounds && (round < LEAST_ROUNDS || total < enough); round++) {
        double seconds[ZOE__DIRECTIONS];
        ZOE_TRY(run_once(b, seconds));
        if (b->job->ran) b->job->ran(b->job->user, seconds);
        for (int d = 0; d < ZOE__DIRECTIONS; d++) {
            total += seconds[d];
            if (!round || seconds[d] < measured[d].seconds) measured[d].seconds = seconds[d];
        }
        if (hopeless(b->job, measured)) break;
    }
    return ZOE_OK;
}

static zoe_status check(bench *b, zoe__direction direction, zoe__measured *measured)
{
    if (direction == ZOE__TO_OUTPUT)
        ZOE_TRY(zoe_plan_read(b->plan, b->y, b->data));
    else if (direction == ZOE__TO_DATA)
        ZOE_TRY(zoe_plan_read_gradient(b->plan, b->x, b->data));
    else
        ZOE_TRY(zoe_store_get_gradient(b->store, 0, b->data));
    const size_t places = b->job->places ? (size_t)b->job->places : SAMPLES;
    const zoe__sampled s = zoe__sample_check(&b->job->conv, direction, b->data, places, SAMPLE_WORK);
    measured->nmse = s.nmse;
    measured->most = s.most;
    return ZOE_OK;
}

static bool took_it(const zoe__choice *wanted, const zoe__choice *taken)
{
    return !wanted->algorithm || (!strcmp(wanted->algorithm, taken->algorithm) &&
                                  !memcmp(wanted->parameter, taken->parameter, sizeof wanted->parameter));
}

static zoe_status measure(bench *b, zoe__measured *measured)
{
    double warm_up[ZOE__DIRECTIONS];
    bool any = false;
    ZOE_TRY(make_plan(b, b->job->dry));
    if (b->job->dry) return ZOE_OK;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        measured[d].choice = b->plan->nodes[0].choice[d];
        measured[d].there = (d != ZOE__TO_DATA || b->job->data) && took_it(&b->job->choice[d], &measured[d].choice);
        any = any || measured[d].there;
    }
    if (!any) return ZOE_OK;
    ZOE_TRY(fill(b));
    ZOE_TRY(run_once(b, warm_up));
    for (int d = 0; d < ZOE__DIRECTIONS; d++)
        if (measured[d].there) ZOE_TRY(check(b, (zoe__direction)d, &measured[d]));
    return b->job->check_only ? ZOE_OK : time_it(b, measured);
}

zoe_status zoe__measure(zoe_device *device, const zoe__measure_job *job, zoe__measured measured[ZOE__DIRECTIONS])
{
    const zoe__tuning *before = zoe__device_get_tuning(device);
    const zoe__tuning tuning = {.find = forced, .user = (void *)job};
    bench b = {.context = zoe__device_context(device), .device = device, .job = job};
    memset(measured, 0, ZOE__DIRECTIONS * sizeof *measured);
    zoe__device_set_tuning(device, &tuning);
    const zoe_status status = measure(&b, measured);
    clear(&b);
    zoe__device_set_tuning(device, before);
    return status;
}

zoe_status zoe__measure_candidates(zoe_device *device, const zoe__measure_job *job, zoe__direction direction,
                                   zoe__choice *out, size_t room, size_t *count)
{
    bench b = {.context = zoe__device_context(device), .device = device, .job = job};
    const zoe__tuning *before = zoe__device_get_tuning(device);
    *count = 0;
    zoe__device_set_tuning(device, NULL);
    const zoe_status status = make_plan(&b, true);
    if (status == ZOE_OK) {
        const zoe__node *node = zoe__graph_node_const(b.graph, 0);
        *count = node->op->candidates(b.plan, node, direction, out, room);
    }
    clear(&b);
    zoe__device_set_tuning(device, before);
    return status;
}
