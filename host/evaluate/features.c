/* SPDX-License-Identifier: Apache-2.0
 *
 * Features: bytes, middle crop, backbone; all marked layers kept. */
#include "evaluate/features.h"

#include <stdlib.h>
#include <string.h>

#include <zoe/op.h>

#include "core/philox.h"
#include "core/suggest.h"
#include "evaluate/streams.h"

enum { CALIBRATION_BATCHES = 10, CALIBRATION_STREAM = 0x4341 };

typedef struct network {
    zoe_graph *graph;
    zoe_plan *plan;
    zoe_value bytes, table;
} network;

struct zoe_features {
    zoe_context *context;
    zoe_device *owned; /* by zoe_features_open(); else NULL */
    zoe_store *store;
    zoe__features_spec spec;
    char *conv, *linear;
    bool exact;
    int batch;
    network net;
    uint8_t *staging;      /* [batch][height][width][3] */
    int32_t *table;        /* [batch][4] */
    float *rows;           /* one batch of the largest layer */
    zoe__streams *streams; /* of a run of pictures and sounds: does all the work; else NULL */
    zoe__stream stream;
};

zoe_features_options zoe_features_options_default(void)
{
    return (zoe_features_options){.conv = "auto", .linear = "auto", .batch = 32};
}

zoe_features_options zoe__features_options_from(const zoe_options *options)
{
    return (zoe_features_options){.device = zoe_options_text(options, "device"),
                                  .family = zoe_options_text(options, "family"),
                                  .storage = zoe_options_text(options, "storage"),
                                  .exact = zoe_options_flag(options, "exact"),
                                  .max_memory = (uint64_t)zoe_options_float(options, "max-memory"),
                                  .conv = zoe_options_text(options, "conv"),
                                  .linear = zoe_options_text(options, "linear"),
                                  .tuning = zoe_options_flag(options, "no-tuning") ? "off" : NULL,
                                  .batch = (int)zoe_options_int(options, "batch")};
}

/* ---- building ---- */

static void free_network(network *net)
{
    zoe_plan_free(&net->plan);
    zoe_graph_free(&net->graph);
}

static zoe_status build(zoe_features *f, network *net, bool batch_statistics)
{
    const zoe_backbone *backbone = f->spec.backbone;
    zoe_plan_options plan = zoe_plan_options_default();
    plan.batch_statistics = batch_statistics;
    plan.conv = f->conv;
    plan.linear = f->linear;
    plan.exact = f->exact;
    zoe_picture_options picture = zoe_picture_options_default();
    picture.height = picture.width = backbone->crop;
    picture.bgr = backbone->bgr;
    memcpy(picture.mean, backbone->mean, sizeof picture.mean);
    memcpy(picture.std, backbone->std, sizeof picture.std);
    ZOE_TRY(zoe_graph_new(&net->graph, f->context));
    net->bytes = zoe_input(net->graph, "bytes", ZOE_U8, (zoe_shape){f->batch, 3, f->spec.height, f->spec.width});
    net->table = zoe_input(net->graph, "table", ZOE_I32, (zoe_shape){f->batch, 4, 1, 1});
    const zoe_value x = zoe_picture(net->graph, "picture", net->bytes, net->table, &picture);
    zoe_graph_keep(net->graph, backbone->build(net->graph, x, 0));
    ZOE_TRY(zoe_graph_status(net->graph));
    for (size_t i = 0; i < zoe_graph_marks(net->graph); i++)
        zoe_graph_keep(net->graph, zoe_graph_mark_value(net->graph, zoe_graph_mark_name(net->graph, i)));
    return zoe_plan_new(&net->plan, net->graph, f->store, &plan);
}

/* With a limit of memory the batch is halved until it fits. A picture's features depend on no other picture. */
static zoe_status build_to_fit(zoe_features *f, bool limited)
{
    const int wanted = f->batch;
    zoe_status status;
    while ((status = build(f, &f->net, false)) == ZOE_DEVICE_MEMORY && limited && f->batch > 1) {
        zoe_context_clear(f->context);
        free_network(&f->net);
        f->batch /= 2;
    }
    if (status == ZOE_OK && f->batch < wanted)
        zoe__log(f->context, ZOE_LOG_INFO, "--max-memory: %d pictures at a time instead of %d", f->batch, wanted);
    return status;
}

static size_t largest_layer(const zoe_features *f)
{
    size_t largest = 1;
    for (size_t i = 0; i < zoe_features_layers(f); i++) {
        const size_t count = zoe_features_layer(f, i).count;
        if (count > largest) largest = count;
    }
    return largest;
}

static zoe_status make(zoe_features *f, zoe_device *device, const zoe_features_options *options)
{
    const zoe__features_spec *spec = &f->spec;
    const size_t bytes = (size_t)spec->width * (size_t)spec->height * 3;
    ZOE_FAIL_IF(f->context, spec->width < spec->backbone->crop || spec->height < spec->backbone->crop, ZOE_CONFIG,
                "frames of %dx%d: smaller than the %dx%d crop of network '%s'", spec->width, spec->height,
                spec->backbone->crop, spec->backbone->crop, spec->backbone->name);
    ZOE_TRY(zoe__strdup(f->context, &f->conv, options->conv ? options->conv : "auto"));
    ZOE_TRY(zoe__strdup(f->context, &f->linear, options->linear ? options->linear : "auto"));
    ZOE_TRY(zoe_store_new(&f->store, f->context, device, spec->seed));
    f->exact = options->exact;
    ZOE_TRY(build_to_fit(f, options->max_memory > 0));
    const size_t batch = (size_t)f->batch;
    if (spec->checkpoint) ZOE_TRY(zoe_checkpoint_restore(spec->checkpoint, f->context, f->store));
    f->spec.checkpoint = NULL; /* borrowed for the call only */
    ZOE_TRY(zoe__calloc(f->context, &f->staging, batch, bytes));
    ZOE_TRY(zoe__calloc(f->context, &f->table, batch * 4, sizeof *f->table));
    ZOE_TRY(zoe__calloc(f->context, &f->rows, batch * largest_layer(f), sizeof *f->rows));
    for (size_t i = 0; i < batch; i++) {
        f->table[4 * i] = (spec->height - spec->backbone->crop) / 2;
        f->table[4 * i + 1] = (spec->width - spec->backbone->crop) / 2;
    }
    return ZOE_OK;
}

/* The stream of a run of pictures and sounds. */
static zoe_status make_stream(zoe_features *f, zoe_device *device, const zoe_features_options *options)
{
    const zoe__features_spec *spec = &f->spec;
    f->stream = options->audio ? ZOE__SOUNDS : ZOE__PICTURES;
    ZOE_TRY(zoe__streams_new(&f->streams, f->context, device, spec->pairs, options,
                             spec->checkpoint ? ZOE__TRAINED : spec->draw));
    if (options->audio) f->spec.width = f->spec.height = 0;
    f->spec.checkpoint = NULL;
    f->spec.pairs = NULL;
    return ZOE_OK;
}

zoe_status zoe__features_new(zoe_features **out, zoe_context *context, zoe_device *device,
                             const zoe__features_spec *spec, const zoe_features_options *options)
{
    ZOE_FAIL_IF(context, options->batch < 1 || options->batch > 65536, ZOE_USAGE, "a batch of %d pictures: 1 to 65536",
                options->batch);
    ZOE_FAIL_IF(context, options->audio && !spec->pairs, ZOE_CONFIG,
                "network '%s' was trained on pictures alone: it has no stream for sound", spec->backbone->name);
    zoe_features *f;
    ZOE_TRY(zoe__calloc(context, &f, 1, sizeof *f));
    f->context = context;
    f->spec = *spec;
    f->batch = options->batch;
    const zoe_status status = spec->pairs ? make_stream(f, device, options) : make(f, device, options);
    if (status != ZOE_OK) zoe_features_free(&f);
    *out = f;
    return status;
}

zoe_status zoe__device_open_for(zoe_device **out, zoe_context *context, const zoe_features_options *options)
{
    zoe_device_options device = zoe_device_options_default();
    device.name = options->device;
    device.family = options->family;
    device.storage = options->storage;
    device.max_memory = options->max_memory;
    device.tuning = options->tuning;
    device.selftest = true;
    return zoe_device_open(out, context, &device);
}

zoe_status zoe_features_open(zoe_features **out, zoe_context *context, const char *run,
                             const zoe_features_options *options)
{
    zoe__subject subject = {0};
    zoe_device *device = NULL;
    zoe_status status = ZOE_OK;
    *out = NULL;
    ZOE_TRY_OUT(zoe__subject_open(&subject, context, run));
    ZOE_TRY_OUT(zoe__device_open_for(&device, context, options));
    ZOE_TRY_OUT(zoe__features_new(out, context, device, &subject.spec, options));
    (*out)->owned = device;
    device = NULL;
out:
    zoe_device_free(&device);
    zoe__subject_close(&subject);
    return status;
}

void zoe_features_free(zoe_features **features)
{
    if (!features || !*features) return;
    zoe_features *f = *features;
    free_network(&f->net);
    zoe_store_free(&f->store);
    zoe__streams_free(&f->streams);
    zoe_device_free(&f->owned);
    free(f->conv);
    free(f->linear);
    free(f->staging);
    free(f->table);
    free(f->rows);
    free(f);
    *features = NULL;
}

/* ---- asking ---- */

void zoe_features_frame(const zoe_features *features, int *width, int *height)
{
    *width = features->spec.width;
    *height = features->spec.height;
}

size_t zoe_features_samples(const zoe_features *features, int *rate)
{
    const bool hears = features->streams && features->stream == ZOE__SOUNDS;
    *rate = hears ? zoe__streams_task(features->streams)->listener->sound->rate : 0;
    return hears ? zoe__streams_samples(features->streams) : 0;
}

size_t zoe_features_layers(const zoe_features *features)
{
    if (features->streams) return zoe__streams_layers(features->streams, features->stream);
    return zoe_graph_marks(features->net.graph);
}

static zoe_value layer_value(const zoe_features *f, size_t index)
{
    return zoe_graph_mark_value(f->net.graph, zoe_graph_mark_name(f->net.graph, index));
}

zoe_layer zoe_features_layer(const zoe_features *features, size_t index)
{
    if (features->streams) return zoe__streams_layer(features->streams, features->stream, index);
    if (index >= zoe_features_layers(features)) return (zoe_layer){0};
    zoe_layer layer = {.name = zoe_graph_mark_name(features->net.graph, index),
                       .shape = zoe_graph_shape(features->net.graph, layer_value(features, index))};
    layer.shape.n = 1;
    layer.count = zoe_shape_count(layer.shape);
    return layer;
}

zoe_status zoe_features_find(const zoe_features *features, const char *name, size_t *index)
{
    if (features->streams) return zoe__streams_find(features->streams, features->stream, name, index);
    const zoe_backbone *backbone = features->spec.backbone;
    if (!name) name = backbone->features;
    zoe__suggestion suggestion = zoe__suggest_start(name);
    char all[512] = "";
    for (size_t i = 0; i < zoe_features_layers(features); i++) {
        const char *layer = zoe_features_layer(features, i).name;
        const size_t used = strlen(all);
        if (!strcmp(layer, name)) {
            *index = i;
            return ZOE_OK;
        }
        zoe__suggest_try(&suggestion, layer);
        zoe__format(all + used, sizeof all - used, "%s%s", i ? ", " : "", layer);
    }
    return zoe__fail(features->context, ZOE_USAGE, "network '%s' has no layer '%s'%s; its layers: %s", backbone->name,
                     name, zoe__suggest_text(&suggestion), all);
}

/* ---- running ---- */

static size_t frame_bytes(const zoe_features *f)
{
    return (size_t)f->spec.width * (size_t)f->spec.height * 3;
}

static zoe_status forward(zoe_features *f, network *net)
{
    ZOE_TRY(zoe_plan_write(net->plan, net->bytes, f->staging));
    ZOE_TRY(zoe_plan_write(net->plan, net->table, f->table));
    return zoe_plan_forward(net->plan);
}

zoe_status zoe_features_compute(zoe_features *features, const void *data, size_t n, const size_t *layers,
                                float *const *out, size_t layer_count)
{
    zoe_features *f = features;
    const uint8_t *rgb = data;
    for (size_t i = 0; f->streams && i < layer_count; i++)
        ZOE_TRY(zoe__streams_compute(f->streams, f->stream, data, n, layers[i], out[i]));
    if (f->streams) return ZOE_OK;
    const size_t bytes = frame_bytes(f), batch = (size_t)f->batch;
    for (size_t first = 0; first < n; first += batch) {
        const size_t count = n - first < batch ? n - first : batch;
        memcpy(f->staging, rgb + first * bytes, count * bytes);
        ZOE_TRY(forward(f, &f->net));
        for (size_t i = 0; i < layer_count; i++) {
            const size_t width = zoe_features_layer(f, layers[i]).count;
            ZOE_TRY(zoe_plan_read(f->net.plan, layer_value(f, layers[i]), f->rows));
            memcpy(out[i] + first * width, f->rows, count * width * sizeof(float));
        }
        ZOE_TRY(zoe_plan_finish(f->net.plan));
    }
    return ZOE_OK;
}

/* ---- batch norm figures from data ---- */

typedef struct running {
    size_t param, count, first; /* number in the store; floats; where in the sums */
} running;

static zoe_status list_running(zoe_features *f, running **out, size_t *count, size_t *floats)
{
    size_t capacity = 0;
    *out = NULL;
    *count = *floats = 0;
    for (size_t i = 0; i < zoe_store_params(f->store); i++) {
        const zoe_param param = zoe_store_param(f->store, i);
        if (param.trainable) continue;
        ZOE_TRY(zoe__grow(f->context, out, &capacity, *count + 1, sizeof **out));
        (*out)[(*count)++] = (running){i, zoe_shape_count(param.shape), *floats};
        *floats += zoe_shape_count(param.shape);
    }
    return ZOE_OK;
}

/* A batch of pictures, each used before one is used again. */
static void draw_batch(zoe_features *f, zoe__random *random, const uint8_t *rgb, size_t n, size_t *order, size_t *used)
{
    const size_t bytes = frame_bytes(f);
    for (size_t i = 0; i < (size_t)f->batch; i++) {
        if (*used == n) *used = 0;
        const size_t k = *used + zoe__random_below(random, (uint32_t)(n - *used)), picked = order[k];
        order[k] = order[*used];
        order[(*used)++] = picked;
        memcpy(f->staging + i * bytes, rgb + picked * bytes, bytes);
    }
}

/* Starting from zero a batch leaves momentum times its own figures, so sums over batches give plain means. */
static zoe_status add_batch(zoe_features *f, network *net, const running *list, size_t count, float *scratch,
                            double *sums)
{
    for (size_t i = 0; i < count; i++) {
        memset(scratch, 0, list[i].count * sizeof *scratch);
        ZOE_TRY(zoe_store_set(f->store, list[i].param, scratch));
    }
    ZOE_TRY(forward(f, net));
    ZOE_TRY(zoe_plan_finish(net->plan));
    for (size_t i = 0; i < count; i++) {
        ZOE_TRY(zoe_store_get(f->store, list[i].param, scratch));
        for (size_t k = 0; k < list[i].count; k++) sums[list[i].first + k] += (double)scratch[k];
    }
    return ZOE_OK;
}

static zoe_status set_means(zoe_features *f, const running *list, size_t count, float *scratch, const double *sums)
{
    const double factor = 1 / (CALIBRATION_BATCHES * (double)zoe_batch_norm_options_default().momentum);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < list[i].count; k++) scratch[k] = (float)(sums[list[i].first + k] * factor);
        ZOE_TRY(zoe_store_set(f->store, list[i].param, scratch));
    }
    return ZOE_OK;
}

zoe_status zoe__features_calibrate(zoe_features *features, const void *data, size_t n)
{
    zoe_features *f = features;
    const uint8_t *rgb = data;
    if (f->streams)
        return zoe__streams_calibrate(f->streams, f->stream == ZOE__PICTURES ? data : NULL,
                                      f->stream == ZOE__SOUNDS ? data : NULL, n);
    zoe_status status = ZOE_OK;
    network net = {0};
    running *list = NULL;
    float *scratch = NULL;
    double *sums = NULL;
    size_t *order = NULL, count, floats, used = 0;
    zoe__random random;
    zoe__random_init(&random, f->spec.seed, CALIBRATION_STREAM, 0);
    ZOE_TRY_OUT(list_running(f, &list, &count, &floats));
    if (!count || !n) goto out;
    ZOE_TRY_OUT(zoe__calloc(f->context, &scratch, floats, sizeof *scratch));
    ZOE_TRY_OUT(zoe__calloc(f->context, &sums, floats, sizeof *sums));
    ZOE_TRY_OUT(zoe__calloc(f->context, &order, n, sizeof *order));
    for (size_t i = 0; i < n; i++) order[i] = i;
    free_network(&f->net); /* one at a time in the device's memory; it is made anew below */
    ZOE_TRY_OUT(build(f, &net, true));
    for (int b = 0; b < CALIBRATION_BATCHES; b++) {
        draw_batch(f, &random, rgb, n, order, &used);
        ZOE_TRY_OUT(add_batch(f, &net, list, count, scratch, sums));
    }
    status = set_means(f, list, count, scratch, sums);
    free_network(&net);
    if (status == ZOE_OK) status = build(f, &f->net, false);
out:
    free_network(&net);
    free(list);
    free(scratch);
    free(sums);
    free(order);
    return status;
}
