/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench train`: whole training steps of a network: forward, loss, backward and SGD with momentum, float32, on numbers
 * that lie on the device already. What media and sampler cost is `bench data`'s. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zoe/backbone.h>
#include <zoe/op.h>
#include <zoe/plan.h>

#include "bench/bench.h"
#include "bench/learn.h"
#include "bench/once.h"
#include "bench/run.h"
#include "bench/save.h"
#include "core/child.h"
#include "graph/state.h"

enum { WARM_STEPS = 2, LEAST_STEPS = 3, MOST_STEPS = 100000, PROFILED_STEPS = 3, CHECKED_STEPS = 4 };

/* ---- one process ---- */

typedef struct subject {
    zoe_context *context;
    const zoe_options *options;
    const zoe_backbone *net;
    zoe_shape shape; /* of the input */
    zoe_device *device;
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
    zoe_value x, labels, loss;
    double flops;      /* forward, of the definition */
    double done_flops; /* of a step */
    char id[128];      /* as case_id.h has it */
    int64_t step;
    float losses[CHECKED_STEPS];
} subject;

static zoe_status open_device(subject *s)
{
    const zoe_options *o = s->options;
    zoe_device_options options = zoe_device_options_default();
    options.name = zoe_options_text(o, "device");
    options.family = zoe_options_text(o, "family");
    options.storage = zoe_options_text(o, "storage");
    options.max_memory = (uint64_t)zoe_options_float(o, "max-memory");
    options.tuning = zoe_options_flag(o, "no-tuning") ? "off" : NULL;
    options.profile = zoe_options_flag(o, "ops");
    options.selftest = true; /* as a training does: no speed of what is wrong */
    return zoe_device_open(&s->device, s->context, &options);
}

/* Input, labels and their data: uniform in [-1, 1), classes in turn. */
static zoe_status feed(subject *s)
{
    const zoe_shape shape = s->shape;
    const int classes = (int)zoe_options_int(s->options, "classes");
    float *picture = NULL;
    int32_t *label = NULL;
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(zoe__calloc(s->context, &picture, zoe_shape_count(shape), sizeof *picture));
    ZOE_TRY_OUT(zoe__calloc(s->context, &label, (size_t)shape.n, sizeof *label));
    uint32_t state = 1;
    for (size_t i = 0; i < zoe_shape_count(shape); i++) {
        state = state * 1664525u + 1013904223u;
        picture[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
    }
    for (int n = 0; n < shape.n; n++) label[n] = n % classes;
    ZOE_TRY_OUT(zoe_plan_write(s->plan, s->x, picture));
    ZOE_TRY_OUT(zoe_plan_write(s->plan, s->labels, label));
    ZOE_TRY_OUT(zoe_plan_finish(s->plan));
out:
    free(picture);
    free(label);
    return status;
}

/* Graph, store and plan for s->shape, which the caller frees. dry: only what they would take. */
static zoe_status make_plan(subject *s, bool dry)
{
    const zoe_options *o = s->options;
    const int classes = (int)zoe_options_int(o, "classes");
    ZOE_TRY(zoe_graph_new(&s->graph, s->context));
    s->x = zoe_input(s->graph, "x", ZOE_F32, s->shape);
    s->labels = zoe_input(s->graph, "labels", ZOE_I32, (zoe_shape){s->shape.n, 1, 1, 1});
    const zoe_value logits = zoe_backbone_classify(s->net, s->graph, s->net->build(s->graph, s->x, 0), classes);
    s->loss = zoe_graph_keep(s->graph, zoe_softmax_cross_entropy(s->graph, "loss", logits, s->labels));
    ZOE_TRY(zoe_graph_status(s->graph));
    zoe_plan_options options = zoe_plan_options_default();
    options.training = true;
    options.dry = dry;
    options.conv = zoe_options_text(o, "conv");
    options.linear = zoe_options_text(o, "linear");
    options.exact = zoe_options_flag(o, "exact");
    options.optimizer.name = "sgd";
    options.optimizer.momentum = 0.9f;
    options.optimizer.weight_decay = 1e-4f;
    ZOE_TRY(zoe_store_new(&s->store, s->context, s->device, 1));
    return zoe_plan_new(&s->plan, s->graph, s->store, &options);
}

static void free_plan(subject *s)
{
    zoe_plan_free(&s->plan);
    zoe_store_free(&s->store);
    zoe_graph_free(&s->graph);
}

static zoe_status bytes_of_batch(void *user, int batch, uint64_t *bytes)
{
    subject *s = user;
    s->shape.n = batch;
    const zoe_status status = make_plan(s, true);
    if (status == ZOE_OK) *bytes = zoe_plan_get_memory(s->plan).peak_bytes;
    free_plan(s);
    return status;
}

/* Of the definition, and what the algorithms of the three directions multiply. */
static void count_flops(subject *s)
{
    const zoe_graph *fused = zoe__plan_graph(s->plan);
    for (size_t n = 0; n < zoe__graph_nodes(s->graph); n++) {
        const zoe__node *node = zoe__graph_node(s->graph, n);
        if (node->op->flops) s->flops += node->op->flops(s->graph, node);
    }
    s->done_flops = ZOE__DIRECTIONS * s->flops;
    for (size_t n = 0; n < zoe__graph_nodes(fused); n++) {
        const zoe__node *node = zoe__graph_node_const(fused, n);
        for (int d = 0; node->op->as_conv2d && node->op->flops && d < ZOE__DIRECTIONS; d++) {
            const char *algorithm = s->plan->nodes[n].choice[d].algorithm;
            if (!algorithm || strncmp(algorithm, "winograd", 8)) continue;
            s->done_flops -= node->op->flops(fused, node) * (1 - 1 / ZOE__WINOGRAD_SAVES);
        }
    }
}

static zoe_status make_subject(subject *s)
{
    const zoe_options *o = s->options;
    int batch = (int)zoe_options_int(o, "batch");
    s->net = zoe_backbone_find(s->context, zoe_options_text(o, "net"));
    if (!s->net) return ZOE_CONFIG;
    s->shape = zoe_backbone_input(s->net, batch ? batch : 1);
    if (zoe_options_given(o, "size")) zoe_options_size(o, "size", &s->shape.w, &s->shape.h);
    ZOE_TRY(open_device(s));
    if (!batch) ZOE_TRY(zoe__train_largest(s->context, zoe_device_get_info(s->device), bytes_of_batch, s, &batch));
    s->shape.n = batch;
    zoe__format(s->id, sizeof s->id, "train %s %dx%dx%d batch %d", s->net->name, s->shape.c, s->shape.h, s->shape.w,
                batch);
    ZOE_TRY(make_plan(s, false));
    count_flops(s);
    return feed(s);
}

static zoe_status step(subject *s)
{
    ZOE_TRY(zoe_plan_accumulate(s->plan, s->step, 0));
    ZOE_TRY(zoe_plan_update(s->plan, 1e-3));
    if (s->step < CHECKED_STEPS)
        ZOE_TRY(zoe_plan_read(s->plan, s->loss, &s->losses[s->step]));
    else
        ZOE_TRY(zoe_plan_finish(s->plan));
    s->step++;
    return ZOE_OK;
}

/* {id, samples_ns, first_step_s, losses, peak_bytes, plan_bytes, flops, roof, device, energy_J, ..} */
static zoe_status measure(subject *s, json_t **out)
{
    const zoe_options *o = s->options;
    const double started = zoe__seconds();
    json_t *samples = json_array(), *losses = json_array();
    double first = 0, last = 0;
    zoe_status status = make_subject(s);
    for (int i = 0; status == ZOE_OK && i < CHECKED_STEPS + WARM_STEPS; i++) {
        if (i >= CHECKED_STEPS && last > ZOE__ONCE_SLOW) break; /* nothing warms up in so long a step */
        const double begin = zoe__seconds();
        status = step(s);
        last = zoe__seconds() - begin;
        if (i == 0) first = zoe__seconds() - started;
    }
    zoe__energy energy;
    zoe__energy_start(&energy, s->device && zoe_device_get_info(s->device)->is_cpu, zoe_options_float(o, "seconds"));
    const double end = zoe__seconds() + zoe_options_float(o, "seconds");
    for (int i = 0; status == ZOE_OK && i < MOST_STEPS && (i < LEAST_STEPS || zoe__seconds() < end); i++) {
        const double begin = zoe__seconds();
        status = step(s);
        json_array_append_new(samples, json_real((zoe__seconds() - begin) * 1e9));
    }
    json_t *used = json_object();
    zoe__energy_end(&energy, (double)json_array_size(samples), used);
    double roof = 0;
    if (status == ZOE_OK) status = zoe__roof_fma(s->device, &roof);
    if (status != ZOE_OK) {
        json_decref(samples);
        json_decref(losses);
        json_decref(used);
        return status;
    }
    for (int i = 0; i < CHECKED_STEPS; i++) json_array_append_new(losses, json_real((double)s->losses[i]));
    *out = json_pack("{s:o, s:f, s:o, s:I, s:I, s:f, s:f, s:o}", "samples_ns", samples, "first_step_s", first, "losses",
                     losses, "peak_bytes", (json_int_t)zoe__peak_resident(), "plan_bytes",
                     (json_int_t)zoe_plan_get_memory(s->plan).peak_bytes, "flops", s->flops, "roof", roof, "device",
                     zoe__bench_device(s->device));
    json_object_set_new(*out, "id", json_string(s->id));
    json_object_set_new(*out, "batch", json_integer(s->shape.n));
    json_object_set_new(*out, "done_flops", json_real(s->done_flops));
    json_object_update(*out, used);
    json_decref(used);
    return ZOE_OK;
}

/* {ops: [{name, share}], device_busy}: of the device's time in some steps, the largest first, and what share of the
 * host's that was. */
static zoe_status profile(subject *s, json_t **out)
{
    double *seconds = NULL, all = 0;
    json_t *sums = json_object(), *ops = json_array();
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(make_subject(s));
    for (int i = 0; i < WARM_STEPS; i++) ZOE_TRY_OUT(step(s));
    ZOE_TRY_OUT(zoe_plan_profile(s->plan, NULL));
    const double start = zoe__seconds();
    for (int i = 0; i < PROFILED_STEPS; i++) ZOE_TRY_OUT(step(s));
    const double took = zoe__seconds() - start;
    const size_t launches = zoe_plan_launches(s->plan);
    ZOE_TRY_OUT(zoe__calloc(s->context, &seconds, launches + 1, sizeof *seconds));
    ZOE_TRY_OUT(zoe_plan_profile(s->plan, seconds));
    for (size_t i = 0; i < launches; i++) {
        const zoe_launch_info info = zoe_plan_launch(s->plan, i);
        char name[128];
        const bool update = !strcmp(info.pass, "update");
        zoe__format(name, sizeof name, "%s", update ? "optimizer" : info.op);
        if (!update && strcmp(info.pass, "forward") && strlen(name) < 96)
            zoe__format(name, sizeof name, "%s %s", info.op, info.pass);
        json_object_set_new(sums, name, json_real(json_real_value(json_object_get(sums, name)) + seconds[i]));
        all += seconds[i];
    }
    while (json_object_size(sums)) {
        const char *key, *most = NULL;
        json_t *value;
        double share = -1;
        json_object_foreach(sums, key, value) if (json_real_value(value) > share)
        {
            share = json_real_value(value);
            most = key;
        }
        json_array_append_new(ops, json_pack("{s:s, s:f}", "name", most, "share", all > 0 ? share / all : 0.0));
        json_object_del(sums, most);
    }
    *out = json_pack("{s:O, s:f}", "ops", ops, "device_busy", took > 0 ? all / took : 0.0);
out:
    free(seconds);
    json_decref(sums);
    json_decref(ops);
    return status;
}

zoe_status zoe__train_here(zoe_context *context, const zoe_options *options, json_t **out)
{
    subject s = {.context = context, .options = options};
    const zoe_status status = zoe_options_flag(options, "ops") ? profile(&s, out) : measure(&s, out);
    free_plan(&s);
    zoe_device_free(&s.device);
    return status;
}

/* ---- all processes ---- */

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* The first steps' losses are numbers and the same in every process. */
static bool losses_agree(json_t *const *processes, size_t count)
{
    const json_t *first = json_object_get(processes[0], "losses");
    for (size_t i = 0; i < json_array_size(first); i++)
        if (!isfinite(json_number_value(json_array_get(first, i)))) return false;
    for (size_t p = 1; p < count; p++)
        if (!json_equal(first, json_object_get(processes[p], "losses"))) return false;
    return true;
}

static zoe_status sum_up(zoe_context *context, const zoe_options *o, json_t *const *processes, size_t count,
                         const json_t *profiled, json_t **out)
{
    zoe__samples samples = {0};
    zoe__median_ci t = {0};
    zoe_status status = ZOE_OK;
    double peak = 0, plan = 0, first = 0, roof = 0;
    ZOE_TRY_OUT(zoe__bench_samples(context, processes, count, "samples_ns", &samples));
    ZOE_TRY_OUT(zoe__median_interval(context, &samples, &t));
    for (size_t p = 0; p < count; p++) {
        peak = fmax(peak, number(processes[p], "peak_bytes"));
        plan = fmax(plan, number(processes[p], "plan_bytes"));
        first = fmax(first, number(processes[p], "first_step_s"));
        roof = fmax(roof, number(processes[p], "roof"));
    }
    const int batch = (int)json_integer_value(json_object_get(processes[0], "batch"));
    const double images = batch * 1e9, gflops = 3 * number(processes[0], "flops") / t.median;
    const bool ok = losses_agree(processes, count);
    *out = json_pack("{s:s, s:i, s:s, s:s}", "suite", "train", "schema", 1, "net", zoe_options_text(o, "net"), "size",
                     zoe_options_given(o, "size") ? zoe_options_text(o, "size") : "the network's");
    json_object_set_new(*out, "batch", json_integer(batch));
    json_object_set_new(*out, "check", json_string(ok ? "ok" : "WRONG"));
    if (ok) {
        json_object_set_new(*out, "images_per_s", json_real(images / t.median));
        json_object_set_new(*out, "ci95", json_pack("[f, f]", images / t.high, images / t.low));
        json_object_set_new(*out, "best_images_per_s", json_real(images / t.least));
        json_object_set_new(*out, "effective_gflops", json_real(gflops));
        json_object_set_new(*out, "roof_gflops", json_real(roof / 1e9));
        json_object_set_new(*out, "roof_share", roof > 0 ? json_real(gflops * 1e9 / roof) : json_null());
    }
    json_object_set_new(*out, "peak_bytes", json_integer((json_int_t)peak));
    json_object_set_new(*out, "plan_bytes", json_integer((json_int_t)plan));
    json_object_set_new(*out, "first_step_s", json_real(first));
    json_object_set_new(*out, "steps", json_integer((json_int_t)samples.first[count]));
    json_object_set(*out, "losses", json_object_get(processes[0], "losses"));
    json_object_set(*out, "ops", json_object_get(profiled, "ops"));
    json_object_set(*out, "device_busy", json_object_get(profiled, "device_busy"));
    static const char *const energy[] = {"energy_J", "energy_net_J", "energy_source"};
    for (size_t i = 0; i < sizeof energy / sizeof *energy; i++)
        json_object_set(*out, energy[i], json_object_get(processes[0], energy[i]));
    json_object_set(*out, "device", json_object_get(processes[0], "device"));
    json_object_set_new(*out, "host", zoe__bench_host());
    if (!ok)
        status = zoe__fail(context, ZOE_WRONG, "%s: losses are not the same in %zu processes, or no numbers",
                           zoe_options_text(o, "net"), count);
out:
    free(samples.values);
    free(samples.first);
    return status;
}

static zoe_status write_text(zoe_context *context, const json_t *v, char **out)
{
    size_t size, i;
    json_t *op;
    FILE *text = open_memstream(out, &size);
    ZOE_FAIL_IF(context, !text, ZOE_MEMORY, "no memory for the report");
    const json_t *device = json_object_get(v, "device"), *ci = json_object_get(v, "ci95");
    fprintf(text, "%s, batch %.0f, on %s (%s)\n", json_string_value(json_object_get(v, "net")), number(v, "batch"),
            json_string_value(json_object_get(device, "id")), json_string_value(json_object_get(device, "name")));
    if (ci)
        fprintf(text,
                "%.2f images/s (95 %% interval %.2f to %.2f, best %.2f); %.1f GFLOP/s counted directly, %.2f of the "
                "%.0f that registers do\n",
                number(v, "images_per_s"), json_number_value(json_array_get(ci, 0)),
                json_number_value(json_array_get(ci, 1)), number(v, "best_images_per_s"), number(v, "effective_gflops"),
                number(v, "roof_share"), number(v, "roof_gflops"));
    else
        fputs("WRONG\n", text);
    fprintf(text, "peak memory %.0f MiB (of the plan %.0f MiB); first step after %.2f s; device busy %.1f %%\n",
            number(v, "peak_bytes") / 1048576, number(v, "plan_bytes") / 1048576, number(v, "first_step_s"),
            100 * number(v, "device_busy"));
    json_array_foreach(json_object_get(v, "ops"), i, op) if (number(op, "share") >= 0.005)
        fprintf(text, "%6.1f %%  %s\n", 100 * number(op, "share"), json_string_value(json_object_get(op, "name")));
    ZOE_FAIL_IF(context, fclose(text) != 0, ZOE_MEMORY, "no memory for the report");
    return ZOE_OK;
}

/* One row, as the suites of cases have it. */
static zoe_status save(zoe__saver *saver, json_t *const *processes, size_t count, bool complete)
{
    json_t *found[ZOE__MOST_PROCESSES] = {NULL}, *row = NULL, *rows = NULL, *devices = NULL;
    const json_t *device = json_object_get(processes[0], "device");
    zoe__roof roof = {.fma = 0};
    bool ok;
    if (!saver->path) return ZOE_OK;
    for (size_t p = 0; p < count; p++) {
        found[p] = json_object();
        roof.fma = fmax(roof.fma, number(processes[p], "roof"));
        json_object_set(found[p], "id", json_object_get(processes[p], "id"));
        zoe__train_found(found[p], processes[p]);
    }
    zoe_status status = zoe__bench_row(saver->context, found, count, json_string_value(json_object_get(device, "id")),
                                       &roof, &row, &ok);
    for (size_t p = 0; p < count; p++) json_decref(found[p]);
    if (status != ZOE_OK) return status;
    rows = json_pack("[o]", row);
    devices = json_pack("[O]", device);
    status = zoe__saver_write(saver, devices, rows, complete);
    json_decref(rows);
    json_decref(devices);
    return status;
}

static zoe_status run_processes(zoe_context *context, const zoe_bench_call *call, json_t **out)
{
    char batch[32] = "";
    const char *const settled[] = {batch, NULL}, *const with_ops[] = {"--ops", batch, NULL};
    json_t *processes[ZOE__MOST_PROCESSES] = {NULL}, *profiled = NULL;
    const zoe_options *o = call->options;
    zoe__saver saver;
    const size_t count = (size_t)zoe_options_int(o, "processes");
    const double limit = zoe_options_float(o, "limit");
    char suite_id[48] = "train-1";
    if (zoe_options_given(o, "classes"))
        zoe__format(suite_id, sizeof suite_id, "train-1, %d classes", (int)zoe_options_int(o, "classes"));
    zoe_status status = zoe__saver_start(&saver, context, o, "train", suite_id);
    if (status != ZOE_OK) goto out;
    for (size_t p = 0; p < count; p++) {
        ZOE_TRY_OUT(zoe__bench_child(context, "train", call, p ? settled : NULL, limit, &processes[p]));
        zoe__format(batch, sizeof batch, "--batch=%.0f", number(processes[0], "batch")); /* --batch max is settled */
        ZOE_TRY_OUT(save(&saver, processes, p + 1, p + 1 == count));
    }
    ZOE_TRY_OUT(zoe__bench_child(context, "train", call, with_ops, limit, &profiled));
    status = sum_up(context, o, processes, count, profiled, out);
out:
    for (size_t p = 0; p < count; p++) json_decref(processes[p]);
    json_decref(profiled);
    zoe__saver_free(&saver);
    return status;
}

/* Words that only one of the two ways knows. */
static zoe_status check_words(zoe_context *context, const zoe_options *o)
{
    static const char *const of_files[] = {"clips", "cache", "workers"}, *const of_classes[] = {"size", "classes"};
    const bool files = zoe_options_given(o, "task");
    for (size_t i = 0; i < sizeof of_files / sizeof *of_files; i++)
        ZOE_FAIL_IF(context, !files && zoe_options_given(o, of_files[i]), ZOE_USAGE, "bench train: --%s needs --task",
                    of_files[i]);
    for (size_t i = 0; i < sizeof of_classes / sizeof *of_classes; i++)
        ZOE_FAIL_IF(context, files && zoe_options_given(o, of_classes[i]), ZOE_USAGE,
                    "bench train: --%s and --task do not go together: the task has its own", of_classes[i]);
    return ZOE_OK;
}

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    json_t *value = NULL;
    const bool here = zoe_options_flag(call->options, "here");
    const bool files = zoe_options_given(call->options, "task");
    ZOE_FAIL_IF(context, call->arg_count > (files && here), ZOE_USAGE, "bench train: '%s' is one word too many",
                call->args[0]);
    if (!zoe_backbone_find(context, zoe_options_text(call->options, "net"))) return ZOE_CONFIG;
    if (here) zoe__bench_end_with_parent();
    ZOE_TRY(check_words(context, call->options));
    if (files) return zoe__train_files(context, call, out);
    const zoe_status status =
        here ? zoe__train_here(context, call->options, &value) : run_processes(context, call, &value);
    if (!value) return status;
    out->json = json_dumps(value, JSON_REAL_PRECISION(9));
    const zoe_status told = here ? ZOE_OK : write_text(context, value, &out->text);
    json_decref(value);
    ZOE_FAIL_IF(context, !out->json, ZOE_MEMORY, "no memory for the report");
    return status != ZOE_OK ? status : told;
}

/* clang-format off */
static const zoe_option options[] = {
    {.name = "net", .letter = 'n', .type = ZOE_OPTION_TEXT, .value = "NAME", .fallback = "mini",
     .help = "one of `zoe backbones`"},
    {.name = "batch", .letter = 'b', .type = ZOE_OPTION_INT, .low = 1, .high = 65536, .value = "N|max",
     .unit = "pictures", .fallback = "8", .flags = ZOE_OPTION_MAX,
     .help = "images of a step; max: the largest power of two that the device has room for"},
    {.name = "size", .type = ZOE_OPTION_SIZE, .low = 1, .high = 8192, .unit = "pixels",
     .help = "width x height of the input (times x frequencies of a network for sound); none: what it was made for"},
    {.name = "classes", .type = ZOE_OPTION_INT, .low = 2, .high = 100000, .fallback = "10", .unit = "classes",
     .help = "outputs of the class head"},
    {.name = "seconds", .type = ZOE_OPTION_SECONDS, .low = 0.01, .high = 1e5, .fallback = "4",
     .help = "of measuring in a process, three steps at least"},
    {.name = "limit", .type = ZOE_OPTION_SECONDS, .low = 1, .high = 1e6, .fallback = "10m",
     .help = "for a process with its compilation; a longer one is given up"},
    ZOE__OPTION_SAVE,
    {.name = "task", .type = ZOE_OPTION_TEXT, .value = "TASK",
     .help = "one of `zoe tasks`: its steps from files and, beside them, with a batch that is there already; none: a "
             "class head on numbers that lie on the device"},
    {.name = "clips", .type = ZOE_OPTION_INT, .low = 8, .high = 100000, .unit = "clips", .fallback = "60",
     .help = "with --task: of the synthetic world that files are made of"},
    {.name = "cache", .type = ZOE_OPTION_INT, .low = 0, .high = 1 << 20, .unit = "MiB", .fallback = "0",
     .help = "with --task: of decoded frames kept in memory; 0: each frame is decoded each time, as from a set of clips "
             "that is larger"},
    {.name = "workers", .type = ZOE_OPTION_INT, .low = 0, .high = 256, .unit = "threads", .fallback = "0",
     .help = "with --task: that read and decode; 0: one a processor"},
    {.name = "memory", .type = ZOE_OPTION_FLAG, .flags = ZOE_OPTION_HIDDEN,
     .help = "with --here: one batch again and again"},
    {.name = "ops", .type = ZOE_OPTION_FLAG, .help = "with --here: measure the share of each op",
     .flags = ZOE_OPTION_HIDDEN},
    ZOE__BENCH_OPTIONS,
    {.name = NULL},
};
/* clang-format on */

const zoe_bench_suite zoe__suite_train = {
    .name = "train",
    .summary = "training steps of a network: images/s, GFLOP/s, memory, share of each op",
    .usage = "[--net NAME] [--batch N] [--size WxH] [--task TASK]",
    .options = options,
    .run = run,
};
