/* SPDX-License-Identifier: Apache-2.0
 *
 * Three graphs on one store: pictures to embeddings, sounds to embeddings, embeddings to answers. */
#include "evaluate/streams.h"

#include <stdlib.h>
#include <string.h>

#include <zoe/op.h>
#include <zoe/train.h>

#include "core/suggest.h"
#include "tasks/correspondence.h"
#include "train/run.h"

enum { CALIBRATION_BATCHES = 40 };

typedef struct tower {
    zoe_graph *graph;
    zoe_plan *plan;
    zoe_value data, table; /* inputs; table of pictures only */
} tower;

struct zoe__streams {
    zoe_context *context;
    zoe_options *options; /* of the run */
    zoe_task task;
    zoe_store *store;
    zoe_features_options how;
    int batch;
    tower towers[2];
    size_t row_bytes[2]; /* of one picture, one sound */
    zoe_graph *graph;    /* of the comparison */
    zoe_plan *plan;
    zoe_value embedding[2], logits;
    uint8_t *staging; /* a batch of either */
    int32_t *table;
    float *rows, *given[2]; /* a batch of the largest layer; of embeddings */
};

/* ---- building ---- */

static zoe_value build_pictures(zoe__streams *s, tower *t)
{
    const zoe_task *task = &s->task;
    const zoe_backbone *net = task->backbone;
    const zoe_pairing *pairing = task->kind->pairing;
    zoe_picture_options picture = zoe_picture_options_default();
    picture.height = picture.width = net->crop;
    picture.bgr = net->bgr;
    memcpy(picture.mean, net->mean, sizeof picture.mean);
    memcpy(picture.std, net->std, sizeof picture.std);
    t->data = zoe_input(t->graph, "bytes", ZOE_U8, (zoe_shape){s->batch, 3, task->height, task->width});
    t->table = zoe_input(t->graph, "table", ZOE_I32, (zoe_shape){s->batch, 4, 1, 1});
    const zoe_value x = zoe_picture(t->graph, "picture", t->data, t->table, &picture);
    const zoe_value features = net->build(t->graph, x, 0);
    return pairing->picture(task, t->graph,
                            pairing->uses_map(task) ? zoe_graph_mark_value(t->graph, net->map) : features);
}

static zoe_value build_sounds(zoe__streams *s, tower *t)
{
    const zoe_task *task = &s->task;
    const zoe_sound_input *input = task->listener->sound;
    t->data = zoe_input(t->graph, "sound", ZOE_F32, (zoe_shape){s->batch, 1, 1, input->samples});
    zoe_graph_prefix(t->graph, ZOE_SOUND_PREFIX);
    const zoe_value x = zoe_spectrogram(t->graph, "spectrogram", t->data, ZOE_NO_VALUE, &input->spectrogram);
    const zoe_value features = task->listener->build(t->graph, x, 0);
    zoe_graph_prefix(t->graph, NULL);
    return task->kind->pairing->sound(task, t->graph, features);
}

static zoe_plan_options plan_options(const zoe__streams *s)
{
    zoe_plan_options plan = zoe_plan_options_default();
    if (s->how.conv) plan.conv = s->how.conv;
    if (s->how.linear) plan.linear = s->how.linear;
    plan.exact = s->how.exact;
    return plan;
}

static void free_tower(tower *t)
{
    zoe_plan_free(&t->plan);
    zoe_graph_free(&t->graph);
}

static zoe_status build_tower(zoe__streams *s, zoe__stream stream, bool batch_statistics, tower *t)
{
    zoe_plan_options plan = plan_options(s);
    plan.batch_statistics = batch_statistics;
    ZOE_TRY(zoe_graph_new(&t->graph, s->context));
    const zoe_value embedding = stream == ZOE__PICTURES ? build_pictures(s, t) : build_sounds(s, t);
    zoe_graph_mark(t->graph, stream == ZOE__PICTURES ? "embedding" : ZOE_SOUND_PREFIX "embedding", embedding);
    ZOE_TRY(zoe_graph_status(t->graph));
    for (size_t i = 0; i < zoe_graph_marks(t->graph); i++)
        zoe_graph_keep(t->graph, zoe_graph_mark_value(t->graph, zoe_graph_mark_name(t->graph, i)));
    return zoe_plan_new(&t->plan, t->graph, s->store, &plan);
}

static zoe_status build_comparison(zoe__streams *s)
{
    const zoe_plan_options plan = plan_options(s);
    static const char *const names[2] = {"pictures", "sounds"};
    ZOE_TRY(zoe_graph_new(&s->graph, s->context));
    for (int stream = 0; stream < 2; stream++) {
        zoe_shape shape = zoe__streams_layer(s, (zoe__stream)stream, zoe__streams_layers(s, stream) - 1).shape;
        shape.n = s->batch;
        s->embedding[stream] = zoe_input(s->graph, names[stream], ZOE_F32, shape);
        ZOE_TRY(zoe__calloc(s->context, &s->given[stream], zoe_shape_count(shape), sizeof(float)));
    }
    s->logits = s->task.kind->pairing->compare(&s->task, s->graph, s->embedding[0], s->embedding[1]);
    zoe_graph_keep(s->graph, s->logits);
    if (zoe_graph_marks(s->graph)) zoe_graph_keep(s->graph, zoe_graph_mark_value(s->graph, "cells"));
    ZOE_TRY(zoe_graph_status(s->graph));
    return zoe_plan_new(&s->plan, s->graph, s->store, &plan);
}

static zoe_status open_task(zoe__streams *s, const zoe__subject *subject)
{
    const zoe_task_clips none = {0};
    const zoe_checkpoint_info *info = zoe_checkpoint_get_info(subject->checkpoint);
    const zoe_task_kind *kind = zoe_task_find(s->context, info->task);
    if (!kind) return ZOE_CONFIG;
    ZOE_FAIL_IF(s->context, !kind->pairing, ZOE_CONFIG,
                "%s: a run of '%s', which hears nothing; wanted is one of avc, avc-l3, avc-ave or avc-avol",
                zoe_checkpoint_path(subject->checkpoint), info->task);
    ZOE_TRY(zoe_options_new(&s->options, s->context));
    ZOE_TRY(zoe_train_options(s->options, s->context, info->task));
    json_t *run = json_pack("{s:O}", "options", subject->options);
    const zoe_status status = zoe__run_apply_options(run, s->options);
    json_decref(run);
    ZOE_TRY(status);
    return zoe_task_open(&s->task, s->context, kind, s->options, subject->spec.backbone, NULL, &none);
}

static zoe_status make_staging(zoe__streams *s)
{
    const zoe_backbone *net = s->task.backbone;
    const size_t batch = (size_t)s->batch;
    size_t largest = 1;
    for (int stream = 0; stream < 2; stream++)
        for (size_t i = 0; i < zoe__streams_layers(s, (zoe__stream)stream); i++) {
            const size_t count = zoe__streams_layer(s, (zoe__stream)stream, i).count;
            if (count > largest) largest = count;
        }
    s->row_bytes[ZOE__PICTURES] = (size_t)s->task.width * (size_t)s->task.height * 3;
    s->row_bytes[ZOE__SOUNDS] = zoe__streams_samples(s) * sizeof(float);
    const size_t row = s->row_bytes[0] > s->row_bytes[1] ? s->row_bytes[0] : s->row_bytes[1];
    ZOE_TRY(zoe__calloc(s->context, &s->staging, batch, row));
    ZOE_TRY(zoe__calloc(s->context, &s->rows, batch, largest * sizeof *s->rows));
    ZOE_TRY(zoe__calloc(s->context, &s->table, batch, 4 * sizeof *s->table));
    for (size_t i = 0; i < batch; i++) {
        s->table[4 * i] = (s->task.height - net->crop) / 2;
        s->table[4 * i + 1] = (s->task.width - net->crop) / 2;
    }
    return ZOE_OK;
}

static zoe_status make(zoe__streams *s, zoe_device *device, const zoe__subject *subject, int draw)
{
    /* Seeds far from the small numbers that people train with. */
    const uint64_t seed = subject->spec.seed + (draw < 0 ? 0 : (uint64_t)draw * 0x9E3779B97F4A7C15u);
    ZOE_TRY(open_task(s, subject));
    ZOE_TRY(zoe_store_new(&s->store, s->context, device, seed));
    for (int stream = 0; stream < 2; stream++) ZOE_TRY(build_tower(s, (zoe__stream)stream, false, &s->towers[stream]));
    ZOE_TRY(build_comparison(s));
    if (draw < 0) ZOE_TRY(zoe_checkpoint_restore(subject->checkpoint, s->context, s->store));
    return make_staging(s);
}

zoe_status zoe__streams_new(zoe__streams **out, zoe_context *context, zoe_device *device, const zoe__subject *subject,
                            const zoe_features_options *options, int draw)
{
    ZOE_FAIL_IF(context, options->batch < 1 || options->batch > 65536, ZOE_USAGE, "a batch of %d pictures: 1 to 65536",
                options->batch);
    zoe__streams *s;
    ZOE_TRY(zoe__calloc(context, &s, 1, sizeof *s));
    s->context = context;
    s->how = *options;
    s->batch = options->batch;
    const zoe_status status = make(s, device, subject, draw);
    if (status != ZOE_OK) zoe__streams_free(&s);
    *out = s;
    return status;
}

void zoe__streams_free(zoe__streams **streams)
{
    if (!streams || !*streams) return;
    zoe__streams *s = *streams;
    for (int stream = 0; stream < 2; stream++) {
        free_tower(&s->towers[stream]);
        free(s->given[stream]);
    }
    zoe_plan_free(&s->plan);
    zoe_graph_free(&s->graph);
    zoe_store_free(&s->store);
    zoe_task_close(&s->task);
    zoe_options_free(&s->options);
    free(s->staging);
    free(s->rows);
    free(s->table);
    free(s);
    *streams = NULL;
}

/* ---- asking ---- */

const zoe_task *zoe__streams_task(const zoe__streams *streams)
{
    return &streams->task;
}

size_t zoe__streams_samples(const zoe__streams *streams)
{
    return (size_t)streams->task.listener->sound->samples;
}

size_t zoe__streams_layers(const zoe__streams *streams, zoe__stream stream)
{
    return zoe_graph_marks(streams->towers[stream].graph);
}

zoe_layer zoe__streams_layer(const zoe__streams *streams, zoe__stream stream, size_t index)
{
    const zoe_graph *graph = streams->towers[stream].graph;
    const char *name = zoe_graph_mark_name(graph, index);
    if (!name) return (zoe_layer){0};
    zoe_shape shape = zoe_graph_shape(graph, zoe_graph_mark_value(graph, name));
    shape.n = 1;
    if (stream == ZOE__SOUNDS) name += strlen(ZOE_SOUND_PREFIX);
    return (zoe_layer){.name = name, .shape = shape, .count = zoe_shape_count(shape)};
}

zoe_status zoe__streams_find(const zoe__streams *streams, zoe__stream stream, const char *name, size_t *index)
{
    const size_t layers = zoe__streams_layers(streams, stream);
    char all[512] = "";
    *index = layers - 1;
    if (!name) return ZOE_OK;
    zoe__suggestion suggestion = zoe__suggest_start(name);
    for (*index = 0; *index < layers; ++*index) {
        const char *layer = zoe__streams_layer(streams, stream, *index).name;
        const size_t used = strlen(all);
        if (!strcmp(layer, name)) return ZOE_OK;
        zoe__suggest_try(&suggestion, layer);
        zoe__format(all + used, sizeof all - used, "%s%s", used ? ", " : "", layer);
    }
    return zoe__fail(streams->context, ZOE_USAGE, "the stream of %s has no layer '%s'%s; its layers: %s",
                     stream == ZOE__SOUNDS ? "sounds" : "pictures", name, zoe__suggest_text(&suggestion), all);
}

zoe_shape zoe__streams_cells(const zoe__streams *streams)
{
    zoe_shape shape = zoe_graph_shape(streams->graph, zoe_graph_mark_value(streams->graph, "cells"));
    if (shape.n) shape.n = 1;
    return shape;
}

/* ---- running ---- */

static zoe_status forward(zoe__streams *s, tower *t, zoe__stream stream)
{
    ZOE_TRY(zoe_plan_write(t->plan, t->data, s->staging));
    if (stream == ZOE__PICTURES) ZOE_TRY(zoe_plan_write(t->plan, t->table, s->table));
    return zoe_plan_forward(t->plan);
}

zoe_status zoe__streams_compute(zoe__streams *streams, zoe__stream stream, const void *data, size_t n, size_t layer,
                                float *rows)
{
    zoe__streams *s = streams;
    tower *t = &s->towers[stream];
    const size_t bytes = s->row_bytes[stream], batch = (size_t)s->batch;
    const zoe_value value = zoe_graph_mark_value(t->graph, zoe_graph_mark_name(t->graph, layer));
    const size_t width = zoe__streams_layer(s, stream, layer).count;
    for (size_t first = 0; first < n; first += batch) {
        const size_t count = n - first < batch ? n - first : batch;
        memcpy(s->staging, (const uint8_t *)data + first * bytes, count * bytes);
        ZOE_TRY(forward(s, t, stream));
        ZOE_TRY(zoe_plan_read(t->plan, value, s->rows));
        memcpy(rows + first * width, s->rows, count * width * sizeof *rows);
        ZOE_TRY(zoe_plan_finish(t->plan));
    }
    return ZOE_OK;
}

zoe_status zoe__streams_compare(zoe__streams *streams, const float *pictures, const float *sounds, size_t n,
                                double *scores, float *cells)
{
    zoe__streams *s = streams;
    const float *const rows[2] = {pictures, sounds};
    const size_t batch = (size_t)s->batch, places = zoe_shape_count(zoe__streams_cells(s));
    for (size_t first = 0; first < n; first += batch) {
        const size_t count = n - first < batch ? n - first : batch;
        for (int stream = 0; stream < 2; stream++) {
            const size_t width =
                zoe__streams_layer(s, (zoe__stream)stream, zoe__streams_layers(s, (zoe__stream)stream) - 1).count;
            memcpy(s->given[stream], rows[stream] + first * width, count * width * sizeof(float));
            ZOE_TRY(zoe_plan_write(s->plan, s->embedding[stream], s->given[stream]));
        }
        ZOE_TRY(zoe_plan_forward(s->plan));
        ZOE_TRY(zoe_plan_read(s->plan, s->logits, s->rows));
        for (size_t i = 0; i < count; i++) scores[first + i] = (double)s->rows[2 * i + 1] - (double)s->rows[2 * i];
        if (!cells || !places) continue;
        ZOE_TRY(zoe_plan_read(s->plan, zoe_graph_mark_value(s->graph, "cells"), s->rows));
        memcpy(cells + first * places, s->rows, count * places * sizeof *cells);
    }
    return zoe_plan_finish(s->plan);
}

static zoe_status calibrate(zoe__streams *s, zoe__stream stream, const void *data, size_t n)
{
    tower t = {0};
    const size_t bytes = s->row_bytes[stream];
    zoe_status status = build_tower(s, stream, true, &t);
    size_t next = 0;
    for (int b = 0; status == ZOE_OK && b < CALIBRATION_BATCHES; b++) {
        for (size_t i = 0; i < (size_t)s->batch; i++, next = (next + 1) % n)
            memcpy(s->staging + i * bytes, (const uint8_t *)data + next * bytes, bytes);
        status = forward(s, &t, stream);
        if (status == ZOE_OK) status = zoe_plan_finish(t.plan);
    }
    free_tower(&t);
    return status;
}

zoe_status zoe__streams_calibrate(zoe__streams *streams, const uint8_t *rgb, const float *pcm, size_t n)
{
    if (n && rgb) ZOE_TRY(calibrate(streams, ZOE__PICTURES, rgb, n));
    return n && pcm ? calibrate(streams, ZOE__SOUNDS, pcm, n) : ZOE_OK;
}

zoe_status zoe__streams_hear(const zoe__streams *streams, zoe_context *context, zoe_pack *pack, const zoe__pick *picks,
                             size_t count, float *pcm)
{
    const size_t samples = zoe__streams_samples(streams);
    zoe_reader *reader;
    ZOE_TRY(zoe_reader_new(&reader, context, pack));
    zoe_status status = ZOE_OK;
    for (size_t i = 0; i < count && status == ZOE_OK; i++) {
        const zoe_clip *clip = zoe_pack_clip(pack, picks[i].clip);
        status = zoe_reader_sound(reader, picks[i].clip, zoe__avc_window(&streams->task, clip, picks[i].rank), samples,
                                  pcm + i * samples);
    }
    zoe_reader_free(&reader);
    return status;
}
