/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases "conv2d DIRECTION SHAPE", "linear DIRECTION SHAPE" and "gemm FORM MxNxK": one direction of a layer by the
 * algorithm that a training would take. A matrix product is a linear layer: C = A B^T (nt) its output, C = A B (nn)
 * the gradient of its input, C = A^T B (tn) that of its weights. Time is the host's, from the first launch of the
 * direction to the end of the last; weights count as changed, so that turning them is part of it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/case_id.h"
#include "bench/once.h"
#include "graph/state.h"
#include "selftest/probe.h"
#include "selftest/sample.h"
#include "tune/measure.h"

enum { PART_X = 1, PART_WEIGHT = 2 };

typedef struct layer {
    const zoe__once *once;
    zoe__layer_id id;
    zoe_device *device;
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
    zoe_value x, y;
    float *numbers[ZOE__DIRECTIONS]; /* dy, x, weights; by the direction that makes numbers of that place */
    float *result;
    size_t places;
} layer;

static zoe_value add_node(const layer *l, zoe_value x)
{
    const zoe__conv2d *v = &l->id.conv;
    if (!strcmp(l->id.op, "linear")) {
        zoe_linear_options o = zoe_linear_options_default();
        o.outputs = v->k;
        o.bias = false;
        return zoe_linear(l->graph, "node", x, &o);
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
    return zoe_conv2d(l->graph, "node", x, &o);
}

static zoe_status make_plan(layer *l, uint32_t stream)
{
    const zoe__conv2d *v = &l->id.conv;
    const zoe_options *o = l->once->options;
    zoe_plan_options options = zoe_plan_options_default();
    options.loss_scale = 1; /* gradients are checked */
    options.training = l->id.direction != ZOE__TO_OUTPUT;
    options.input_gradients = l->id.direction == ZOE__TO_DATA;
    options.exact = zoe_options_flag(o, "exact");
    options.conv = zoe_options_text(o, "conv");
    options.linear = l->id.clblast ? "clblast" : zoe_options_text(o, "linear");
    options.fuse = false;
    ZOE_TRY(zoe_graph_new(&l->graph, l->once->context));
    ZOE_TRY(zoe_store_new(&l->store, l->once->context, l->device, 0));
    l->x = zoe_input(l->graph, "x", ZOE_F32, (zoe_shape){v->n, v->c, v->h, v->w});
    l->y = zoe_graph_keep(l->graph, add_node(l, l->x));
    if (options.training) zoe__probe_loss(l->graph, "loss", l->y, stream);
    ZOE_TRY(zoe_graph_status(l->graph));
    return zoe_plan_new(&l->plan, l->graph, l->store, &options);
}

static zoe_status fill(layer *l, uint32_t stream)
{
    size_t count[ZOE__DIRECTIONS];
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        count[d] = zoe__sample_values(&l->id.conv, (zoe__direction)d);
        ZOE_TRY(zoe__calloc(l->once->context, &l->numbers[d], count[d], sizeof *l->numbers[d]));
    }
    ZOE_TRY(zoe__calloc(l->once->context, &l->result, count[l->id.direction], sizeof *l->result));
    zoe__probe_fill(stream, l->numbers[ZOE__TO_OUTPUT], count[ZOE__TO_OUTPUT]);
    zoe__once_fill(l->once, PART_X, l->numbers[ZOE__TO_DATA], count[ZOE__TO_DATA]);
    zoe__once_fill(l->once, PART_WEIGHT, l->numbers[ZOE__TO_WEIGHTS], count[ZOE__TO_WEIGHTS]);
    ZOE_TRY(zoe_store_set(l->store, 0, l->numbers[ZOE__TO_WEIGHTS]));
    ZOE_TRY(zoe_plan_write(l->plan, l->x, l->numbers[ZOE__TO_DATA]));
    /* One whole step: everything is compiled, and dy lies where it will stay. */
    if (l->id.direction == ZOE__TO_OUTPUT)
        ZOE_TRY(zoe_plan_forward(l->plan));
    else
        ZOE_TRY(zoe_plan_accumulate(l->plan, 0, 0));
    return zoe_plan_finish(l->plan);
}

/* ---- the work ---- */

/* The direction's own launches; of the definition (which has no directions) those of the node in the pass. */
static bool is_ours(const layer *l, const zoe__launch *launch, zoe__pass pass)
{
    if (launch->direction < ZOE__DIRECTIONS) return launch->direction == l->id.direction;
    const bool forward = l->id.direction == ZOE__TO_OUTPUT;
    return launch->call && !strcmp(launch->info.op, l->id.op) && pass == (forward ? ZOE__FORWARD : ZOE__BACKWARD);
}

static zoe_status run(void *user, int times)
{
    layer *l = user;
    for (int t = 0; t < times; t++)
        for (int i = 0; i < ZOE__LISTS; i++) {
            const zoe__launch_list *list = &l->plan->lists[zoe__report_order[i]];
            for (size_t k = 0; k < list->count; k++) {
                const zoe__launch *launch = &list->items[k];
                if (!is_ours(l, launch, zoe__report_order[i])) continue;
                if (launch->call)
                    ZOE_TRY(launch->call(l->device, launch->user));
                else
                    ZOE_TRY(zoe__kernel_run(launch->kernel, launch->dims, launch->global,
                                            launch->has_local ? launch->local : NULL, launch->label));
            }
        }
    return zoe__device_finish(l->device);
}

static zoe__mem *result_memory(const layer *l)
{
    if (l->id.direction == ZOE__TO_OUTPUT) return l->plan->values[l->y].view.mem;
    if (l->id.direction == ZOE__TO_DATA) return l->plan->values[l->x].gradient_view.mem;
    return zoe__store_gradient(l->store, 0);
}

/* NaN all over the result, but for the zeros around it where a kernel counts on them: none reads them here. */
static zoe_status spoil(void *user)
{
    layer *l = user;
    zoe__mem *mem = result_memory(l);
    uint8_t *nan = NULL;
    const size_t bytes = zoe__mem_bytes(mem);
    ZOE_TRY(zoe__calloc(l->once->context, &nan, bytes, 1));
    memset(nan, 0xff, bytes);
    const zoe_status status = zoe__mem_write(mem, 0, nan, bytes);
    free(nan);
    return status;
}

static zoe_status check(void *user, bool numbers, char hash[65], double *nmse, double *most)
{
    layer *l = user;
    const zoe__direction d = l->id.direction;
    if (d == ZOE__TO_OUTPUT)
        ZOE_TRY(zoe_plan_read(l->plan, l->y, l->result));
    else if (d == ZOE__TO_DATA)
        ZOE_TRY(zoe_plan_read_gradient(l->plan, l->x, l->result));
    else
        ZOE_TRY(zoe_store_get_gradient(l->store, 0, l->result));
    zoe__once_hash(l->result, zoe__sample_values(&l->id.conv, d) * sizeof *l->result, hash);
    if (!numbers) return ZOE_OK;
    const zoe__sample_numbers given = {
        .x = l->numbers[ZOE__TO_DATA], .weight = l->numbers[ZOE__TO_WEIGHTS], .dy = l->numbers[ZOE__TO_OUTPUT]};
    const zoe__sampled s = zoe__sample_check_given(&l->id.conv, d, l->result, l->places, INFINITY, &given);
    *nmse = s.nmse;
    *most = s.most;
    return ZOE_OK;
}

/* ---- what is told of it ---- */

/* The device's own time of the direction's launches, ns; the least of three runs, of slow ones of one. */
static zoe_status device_time(layer *l, double *ns)
{
    *ns = 0;
    for (int round = 0; round < 3; round++) {
        double sum = 0;
        for (int i = 0; i < ZOE__LISTS; i++) {
            const zoe__launch_list *list = &l->plan->lists[zoe__report_order[i]];
            for (size_t k = 0; k < list->count; k++) {
                const zoe__launch *launch = &list->items[k];
                double seconds = 0;
                void *event = NULL;
                if (!is_ours(l, launch, zoe__report_order[i])) continue;
                if (launch->call) return ZOE_OK; /* its time is not the device's to tell */
                ZOE_TRY(zoe__kernel_run_event(launch->kernel, launch->dims, launch->global,
                                              launch->has_local ? launch->local : NULL, launch->label, &event));
                ZOE_TRY(zoe__event_take(l->device, &event, &seconds));
                sum += seconds;
            }
        }
        if (round == 0 || sum * 1e9 < *ns) *ns = sum * 1e9;
        if (sum > ZOE__ONCE_SLOW) break;
    }
    return ZOE_OK;
}

static bool is_tuned(const layer *l, const zoe__choice *choice)
{
    const zoe__tuning *tuning = zoe__device_get_tuning(l->device);
    const char *wish = zoe_options_text(l->once->options, !strcmp(l->id.op, "linear") ? "linear" : "conv");
    if (l->id.clblast) wish = "auto"; /* of the table's rows only those of CLBlast are taken then */
    zoe__choice known = {.algorithm = NULL};
    return !strcmp(wish, "auto") && tuning &&
           tuning->find(tuning->user, l->id.op, l->id.direction, &l->id.conv, &known) && choice->algorithm &&
           !strcmp(known.algorithm, choice->algorithm) &&
           !memcmp(known.parameter, choice->parameter, sizeof known.parameter);
}

static zoe_status describe(layer *l)
{
    const zoe__choice *choice = &l->plan->nodes[0].choice[l->id.direction];
    const char *algorithm = l->plan->nodes[0].reference ? "reference" : choice->algorithm;
    const bool effective = algorithm && !strncmp(algorithm, "winograd", 8);
    const double flops = zoe__conv2d_flops(&l->id.conv);
    double bytes = 0;
    json_t *out = l->once->out;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) bytes += 4 * (double)zoe__sample_values(&l->id.conv, (zoe__direction)d);
    json_object_set_new(out, "flops", json_real(flops));
    json_object_set_new(out, "done_flops", json_real(effective ? flops / ZOE__WINOGRAD_SAVES : flops));
    json_object_set_new(out, "bytes", json_real(bytes));
    json_object_set_new(out, "effective", json_boolean(effective));
    json_object_set_new(out, "algorithm", algorithm ? json_string(algorithm) : json_null());
    json_object_set_new(out, "tuned", json_boolean(is_tuned(l, choice)));
    return ZOE_OK;
}

/* By CLBlast, and tuned where that was asked. */
static zoe_status is_what_was_asked(const layer *l)
{
    const char *algorithm = json_string_value(json_object_get(l->once->out, "algorithm"));
    if (!l->id.clblast) return ZOE_OK;
    ZOE_FAIL_IF(l->once->context, !algorithm || strcmp(algorithm, "clblast"), ZOE_CONFIG,
                "built without CLBlast, or it was found wrong here");
    ZOE_FAIL_IF(l->once->context, l->id.tuned && !json_is_true(json_object_get(l->once->out, "tuned")), ZOE_CONFIG,
                "no parameters of CLBlast were measured for this shape (`zoe tune`)");
    return ZOE_OK;
}

static void close_layer(layer *l)
{
    zoe_plan_free(&l->plan);
    zoe_store_free(&l->store);
    zoe_graph_free(&l->graph);
    zoe_device_free(&l->device);
    for (int d = 0; d < ZOE__DIRECTIONS; d++) free(l->numbers[d]);
    free(l->result);
}

zoe_status zoe__once_layer(const zoe__once *once, bool *known)
{
    layer l = {.once = once, .places = (size_t)zoe_options_int(once->options, "places")};
    const uint32_t flags = ZOE__PROBE_PLANAR | ZOE__PROBE_HALO; /* a layer alone: nobody asks its output to lie so */
    const uint32_t stream = (uint32_t)zoe__once_seed(once->id) & ~flags;
    double device_ns = 0;
    zoe_status status = ZOE_OK;
    *known = zoe__layer_id_read(&l.id, once->id);
    if (!*known) return ZOE_OK;
    const double start = zoe__seconds();
    ZOE_TRY_OUT(zoe__once_open(once, l.id.clblast && !l.id.tuned, &l.device));
    ZOE_TRY_OUT(make_plan(&l, stream));
    ZOE_TRY_OUT(fill(&l, stream));
    json_object_set_new(once->out, "setup_s", json_real(zoe__seconds() - start));
    ZOE_TRY_OUT(describe(&l));
    ZOE_TRY_OUT(is_what_was_asked(&l));
    const zoe__once_work work = {.user = &l,
                                 .run = run,
                                 .spoil = spoil,
                                 .check = check,
                                 .limits = zoe__bench_limits(zoe_device_get_info(l.device)->half),
                                 .on_cpu = zoe_device_get_info(l.device)->is_cpu};
    ZOE_TRY_OUT(zoe__once_measure(once, &work));
    ZOE_TRY_OUT(device_time(&l, &device_ns));
    json_object_set_new(once->out, "device_ns", device_ns > 0 ? json_real(device_ns) : json_null());
    const zoe__device_counters *counters = zoe__device_get_counters(l.device);
    json_object_set_new(once->out, "compile_s", json_real(counters->compile_seconds));
    json_object_set_new(once->out, "compiled", json_integer((json_int_t)counters->programs_compiled));
out:
    close_layer(&l);
    return status;
}
