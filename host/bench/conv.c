/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench conv`: every different convolution and linear layer of a network, or one shape, alone: forward, gradient of
 * the input ("data"), gradient of the weights. Times are the device's own of its launches, turning of weights
 * included; the arithmetic is counted from the definition whatever the algorithm does. Each direction is compared with
 * the definition in double at some thousand places before it is timed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/save.h"
#include "tune/items.h"
#include "tune/measure.h"
#include "tune/tuning.h"

enum { DEFAULT_BATCH = 8, PLACES = 4096, MOST_RUNS = 1000 };

/* ---- one process ---- */

typedef struct subject {
    zoe_context *context;
    const zoe_options *options;
    zoe_device *device;
    zoe__tune_items items;
    json_t *cases;
    json_t *samples[ZOE__DIRECTIONS]; /* of the shape at hand */
} subject;

static zoe_device_options device_options(const zoe_options *o)
{
    zoe_device_options options = zoe_device_options_default();
    options.name = zoe_options_text(o, "device");
    options.family = zoe_options_text(o, "family");
    options.storage = zoe_options_text(o, "storage");
    options.max_memory = (uint64_t)zoe_options_float(o, "max-memory");
    options.tuning = zoe_options_flag(o, "no-tuning") ? "off" : NULL;
    options.profile = true;
    return options;
}

/* The one shape of --shape, as if it were a network. */
static zoe_status take_shape(subject *s, const char *text)
{
    zoe__tune_item item = {.op = "conv2d", .data = true};
    ZOE_FAIL_IF(s->context, !zoe__tune_shape_read(&item.shape, text), ZOE_USAGE,
                "--shape: '%s' is not of the form \"NxCxHxW KxRxS stride 1x1 pad 1x1 groups 1\"", text);
    ZOE_FAIL_IF(s->context, !zoe__tune_conv_of(&item.conv, item.op, &item.shape), ZOE_CONFIG,
                "--shape: '%s' is no convolution: each number but the padding must be at least 1, the window at most "
                "as large as the padded picture, channels and filters multiples of the groups",
                text);
    ZOE_TRY(zoe__calloc(s->context, &s->items.item, 1, sizeof item));
    item.layers = json_array();
    s->items.item[0] = item;
    s->items.count = 1;
    return ZOE_OK;
}

static zoe_status load_items(subject *s)
{
    const zoe_options *o = s->options;
    const zoe_device_options device = device_options(o);
    int width = 0, height = 0;
    if (zoe_options_given(o, "shape")) return take_shape(s, zoe_options_text(o, "shape"));
    if (zoe_options_given(o, "size")) zoe_options_size(o, "size", &width, &height);
    ZOE_TRY(zoe__tune_items_load(&s->items, s->context, zoe_options_text(o, "net"), &device,
                                 zoe_options_given(o, "batch") ? (int)zoe_options_int(o, "batch") : 0, width, height,
                                 DEFAULT_BATCH));
    ZOE_FAIL_IF(s->context, !s->items.count, ZOE_CONFIG, "%s has no convolution and no linear layer",
                zoe_options_text(o, "net"));
    return ZOE_OK;
}

static void note_run(void *user, const double seconds[ZOE__DIRECTIONS])
{
    subject *s = user;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) json_array_append_new(s->samples[d], json_real(seconds[d] * 1e9));
}

/* What is asked for by name, else what was measured of this shape, else nothing: the estimate chooses. */
static bool choose(const subject *s, zoe__measure_job *job)
{
    const char *wish = zoe_options_text(s->options, !strcmp(job->op, "linear") ? "linear" : "conv");
    const zoe__tuning *tuning = zoe__device_get_tuning(s->device);
    const bool asked = strcmp(wish, "auto") != 0;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        job->choice[d] = (zoe__choice){.algorithm = asked ? wish : NULL};
        if (!asked && tuning && !tuning->find(tuning->user, job->op, (zoe__direction)d, &job->conv, &job->choice[d]))
            job->choice[d] = (zoe__choice){.algorithm = NULL};
    }
    return asked;
}

static void empty_samples(subject *s)
{
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        json_decref(s->samples[d]);
        s->samples[d] = json_array();
    }
}

static zoe_status add_case(subject *s, const zoe__tune_item *item, int d, const zoe__measured *m, bool tuned)
{
    char id[ZOE__TUNE_SHAPE_TEXT + 64], shape[ZOE__TUNE_SHAPE_TEXT];
    zoe__tune_shape_text(shape, &item->shape);
    zoe__format(id, sizeof id, "%s %s %s", item->op, zoe__tune_direction_name(d), shape);
    const bool ok = zoe__bench_is_right(zoe__bench_limits(zoe_device_get_info(s->device)->half), m->nmse, m->most);
    const bool effective = !strncmp(m->choice.algorithm, "winograd", 8);
    const double flops = zoe__conv2d_flops(&item->conv);
    json_t *one =
        json_pack("{s:s, s:f, s:f, s:b, s:O, s:b, s:o, s:s, s:b, s:O}", "id", id, "flops", flops, "done_flops",
                  effective ? flops / ZOE__WINOGRAD_SAVES : flops, "effective", effective, "samples_ns", s->samples[d],
                  "ok", ok, "nmse", isfinite(m->nmse) ? json_real(m->nmse) : json_null(), "algorithm",
                  m->choice.algorithm, "tuned", tuned, "layers", item->layers);
    ZOE_FAIL_IF(s->context, !one || json_array_append_new(s->cases, one) < 0, ZOE_MEMORY, "no memory for the report");
    return ZOE_OK;
}

static zoe_status measure_item(subject *s, const zoe__tune_item *item)
{
    zoe__measured measured[ZOE__DIRECTIONS];
    zoe__measure_job job = {.conv = item->conv,
                            .data = item->data,
                            .exact = zoe_options_flag(s->options, "exact"),
                            .rounds = MOST_RUNS,
                            .places = PLACES,
                            .enough = zoe_options_float(s->options, "seconds"),
                            .ran = note_run,
                            .user = s};
    zoe__format(job.op, sizeof job.op, "%s", item->op);
    const bool asked = choose(s, &job);
    empty_samples(s);
    ZOE_TRY(zoe__measure(s->device, &job, measured));
    bool refused = false;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        if (measured[d].there || (d == ZOE__TO_DATA && !item->data)) continue;
        job.choice[d] = (zoe__choice){.algorithm = NULL}; /* the table's answer cannot be followed here */
        refused = true;
    }
    if (refused && !asked) {
        empty_samples(s);
        ZOE_TRY(zoe__measure(s->device, &job, measured));
    }
    for (int d = 0; d < ZOE__DIRECTIONS; d++)
        if (measured[d].there) ZOE_TRY(add_case(s, item, d, &measured[d], !asked && job.choice[d].algorithm));
    return ZOE_OK;
}

static zoe_status run_here(zoe_context *context, const zoe_bench_call *call, json_t **out)
{
    subject s = {.context = context, .options = call->options, .cases = json_array()};
    const zoe_device_options options = device_options(call->options);
    double roof = 0;
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(load_items(&s));
    ZOE_TRY_OUT(zoe_device_open(&s.device, context, &options));
    if (zoe__device_is_host(s.device)) {
        status = zoe__fail(context, ZOE_DEVICE, "the device 'host' has no kernels: there is nothing to measure");
        goto out;
    }
    for (size_t i = 0; i < s.items.count; i++) ZOE_TRY_OUT(measure_item(&s, &s.items.item[i]));
    ZOE_TRY_OUT(zoe__roof_fma(s.device, &roof));
    *out = json_pack("{s:O, s:f, s:o}", "cases", s.cases, "roof", roof, "device", zoe__bench_device(s.device));
out:
    for (int d = 0; d < ZOE__DIRECTIONS; d++) json_decref(s.samples[d]);
    json_decref(s.cases);
    zoe__tune_items_free(&s.items);
    zoe_device_free(&s.device);
    return status;
}

/* ---- all processes ---- */

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static zoe_status sum_up(zoe_context *context, const zoe_options *o, json_t *const *processes, size_t count,
                         json_t **out)
{
    const json_t *device = json_object_get(processes[0], "device");
    double roof = 0;
    size_t wrong = 0, i;
    json_t *cases = NULL, *one;
    for (size_t p = 0; p < count; p++) roof = fmax(roof, number(processes[p], "roof"));
    const zoe_status status = zoe__bench_cases(context, processes, count, text_of(device, "id"), roof, &cases, &wrong);
    if (status != ZOE_OK) {
        json_decref(cases);
        return status;
    }
    json_array_foreach(cases, i, one) json_object_set(
        one, "layers", json_object_get(json_array_get(json_object_get(processes[0], "cases"), i), "layers"));
    *out = json_pack("{s:s, s:i, s:s, s:i, s:f, s:o, s:O, s:o}", "suite", "conv", "schema", 1, "net",
                     zoe_options_given(o, "shape") ? "" : zoe_options_text(o, "net"), "batch",
                     (int)zoe_options_int(o, "batch"), "roof_gflops", roof / 1e9, "cases", cases, "device", device,
                     "host", zoe__bench_host());
    ZOE_FAIL_IF(context, wrong, ZOE_WRONG, "%zu of %zu cases are WRONG: they have no speed", wrong,
                json_array_size(cases));
    ZOE_FAIL_IF(context, !json_array_size(cases), ZOE_UNSUPPORTED, "no direction of any layer can be done by '%s'",
                zoe_options_text(o, "conv"));
    return ZOE_OK;
}

static zoe_status write_text(zoe_context *context, const json_t *v, char **out)
{
    size_t size, i;
    json_t *one;
    FILE *text = open_memstream(out, &size);
    ZOE_FAIL_IF(context, !text, ZOE_MEMORY, "no memory for the report");
    const json_t *device = json_object_get(v, "device");
    fprintf(text, "%s (%s); registers do %.0f GFLOP/s; arithmetic is counted from the definition\n",
            text_of(device, "id"), text_of(device, "name"), number(v, "roof_gflops"));
    fprintf(text, "%9s %17s %6s  %-9s %-8s case\n", "GFLOP/s", "95 % interval", "roof", "algorithm", "nmse");
    json_array_foreach(json_object_get(v, "cases"), i, one)
    {
        const json_t *ci = json_object_get(one, "ci95_ns");
        const double flops = number(one, "flops");
        if (json_is_array(ci))
            fprintf(text, "%9.1f %8.1f %8.1f %6.2f  %-9s %-8.1e %s\n", flops / number(one, "median_ns"),
                    flops / json_number_value(json_array_get(ci, 1)), flops / json_number_value(json_array_get(ci, 0)),
                    number(one, "roof_share"), text_of(one, "algorithm"), number(one, "nmse"), text_of(one, "id"));
        else
            fprintf(text, "%9s %17s %6s  %-9s %-8.1e %s\n", "WRONG", "", "", text_of(one, "algorithm"),
                    number(one, "nmse"), text_of(one, "id"));
    }
    ZOE_FAIL_IF(context, fclose(text) != 0, ZOE_MEMORY, "no memory for the report");
    return ZOE_OK;
}

typedef struct saving {
    zoe__saver saver;
    size_t processes;
} saving;

static zoe_status save(void *user, json_t *const *processes, size_t count)
{
    saving *s = user;
    const json_t *device = json_object_get(processes[0], "device");
    json_t *rows = NULL, *devices = json_pack("[O]", device);
    double roof = 0;
    zoe_status status = ZOE_OK;
    for (size_t p = 0; p < count; p++) roof = fmax(roof, number(processes[p], "roof"));
    if (s->saver.path) status = zoe__bench_rows(s->saver.context, processes, count, text_of(device, "id"), roof, &rows);
    if (status == ZOE_OK) status = zoe__saver_write(&s->saver, devices, rows, count == s->processes);
    json_decref(rows);
    json_decref(devices);
    return status;
}

static zoe_status run_processes(zoe_context *context, const zoe_bench_call *call, json_t **out)
{
    json_t *processes[ZOE__MOST_PROCESSES] = {NULL};
    size_t count = 0;
    saving s = {.processes = (size_t)zoe_options_int(call->options, "processes")};
    ZOE_TRY(zoe__saver_start(&s.saver, context, call->options, "conv", "conv-1"));
    zoe_status status = zoe__bench_children(context, "conv", call, save, &s, processes, &count);
    if (status == ZOE_OK) status = sum_up(context, call->options, processes, count, out);
    for (size_t p = 0; p < count; p++) json_decref(processes[p]);
    zoe__saver_free(&s.saver);
    return status;
}

/* Before anything is started: what a process would say of its words. */
static zoe_status look_at_words(zoe_context *context, const zoe_bench_call *call)
{
    subject s = {.context = context, .options = call->options};
    static const char *const of_nets[] = {"net", "batch", "size"};
    ZOE_FAIL_IF(context, call->arg_count, ZOE_USAGE, "bench conv: '%s' is one word too many", call->args[0]);
    for (size_t i = 0; i < sizeof of_nets / sizeof *of_nets; i++)
        ZOE_FAIL_IF(context, zoe_options_given(call->options, "shape") && zoe_options_given(call->options, of_nets[i]),
                    ZOE_USAGE, "--shape says all sizes: it cannot go with --%s", of_nets[i]);
    const zoe_status status = load_items(&s);
    zoe__tune_items_free(&s.items);
    return status;
}

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    json_t *value = NULL;
    const bool here = zoe_options_flag(call->options, "here");
    ZOE_TRY(look_at_words(context, call));
    if (here) zoe__bench_end_with_parent();
    const zoe_status status = here ? run_here(context, call, &value) : run_processes(context, call, &value);
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
    {.name = "batch", .letter = 'b', .type = ZOE_OPTION_INT, .low = 1, .high = 65536, .unit = "pictures",
     .fallback = "8", .help = "in a step"},
    {.name = "size", .type = ZOE_OPTION_SIZE, .low = 1, .high = 32768, .unit = "pixels",
     .help = "of the input; none: what the network was made for"},
    {.name = "shape", .type = ZOE_OPTION_TEXT, .value = "SHAPE",
     .help = "one convolution instead: \"8x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1\""},
    {.name = "seconds", .type = ZOE_OPTION_SECONDS, .low = 0.01, .high = 1e5, .fallback = "0.5",
     .help = "of measuring of a layer in a process, two runs at least"},
    {.name = "limit", .type = ZOE_OPTION_SECONDS, .low = 1, .high = 1e6, .fallback = "10m",
     .help = "for a process with its compilation; a longer one is given up"},
    ZOE__OPTION_SAVE, ZOE__BENCH_OPTIONS,
    {.name = NULL},
};
/* clang-format on */

const zoe_bench_suite zoe__suite_conv = {
    .name = "conv",
    .summary = "each convolution and linear layer of a network: GFLOP/s, share of the peak, correctness",
    .usage = "[--net NAME | --shape SHAPE]",
    .options = options,
    .run = run,
};
