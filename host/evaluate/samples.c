/* SPDX-License-Identifier: Apache-2.0
 *
 * What a task asks and what a run's network answers: tuples drawn as for the held-out figures, shown as the network
 * sees them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <zoe/task.h>
#include <zoe/train.h>

#include "evaluate/subject.h"
#include "report/image.h"
#include "train/dataset.h"
#include "train/loader.h"
#include "train/run.h"

enum { CAPTION = 64 };

typedef struct showing {
    zoe_context *context;
    const zoe_samples_options *options;
    zoe_samples_result *result;
    zoe__subject subject;
    zoe_options *run_options;
    const zoe_task_kind *kind;
    zoe__dataset dataset;
    zoe_task task;
    zoe_device *device;
    zoe_graph *graph;
    zoe_task_graph values;
    zoe_store *store;
    zoe_plan *plan;
    zoe__loader *loader;
    float *logits;
    uint8_t *crops; /* [B * F][crop][crop][3] */
    zoe__thumb *thumbs;
    char (*captions)[CAPTION];
} showing;

zoe_samples_options zoe_samples_options_default(void)
{
    return (zoe_samples_options){.features = zoe_features_options_default(), .tuples = 16};
}

/* The task as it was when the run was trained. */
static zoe_status open_task(showing *s)
{
    char pack[ZOE__PATH];
    json_t *run = NULL;
    const zoe_checkpoint_info *info = zoe_checkpoint_get_info(s->subject.checkpoint);
    s->kind = zoe_task_find(s->context, info->task);
    if (!s->kind) return ZOE_CONFIG;
    ZOE_TRY(zoe__subject_pack(&s->subject, pack));
    ZOE_TRY(zoe_options_new(&s->run_options, s->context));
    ZOE_TRY(zoe_train_options(s->run_options, s->context, info->task));
    ZOE_TRY(zoe__run_read_options(s->context, s->subject.folder, &run));
    zoe_status status = zoe__run_apply_options(run, s->run_options);
    json_decref(run);
    ZOE_TRY(status);
    ZOE_TRY(zoe_pack_open(&s->dataset.pack, s->context, pack));
    ZOE_TRY(zoe__dataset_split(&s->dataset, s->context, s->run_options));
    const zoe_task_clips clips = {.clips = {s->dataset.clips[0], s->dataset.clips[1]},
                                  .count = {s->dataset.count[0], s->dataset.count[1]}};
    ZOE_TRY(zoe_task_open(&s->task, s->context, s->kind, s->run_options, s->subject.spec.backbone, s->dataset.pack,
                          &clips));
    ZOE_FAIL_IF(s->context, s->task.tuples[ZOE_SPLIT_HELD_OUT] != 1, ZOE_UNSUPPORTED,
                "samples of task '%s' are not shown", info->task);
    return ZOE_OK;
}

static zoe_status make_plan(showing *s)
{
    const zoe_features_options *o = &s->options->features;
    zoe_plan_options plan = zoe_plan_options_default();
    if (o->conv) plan.conv = o->conv;
    if (o->linear) plan.linear = o->linear;
    plan.exact = o->exact;
    ZOE_TRY(zoe__device_open_for(&s->device, s->context, o));
    ZOE_TRY(zoe_store_new(&s->store, s->context, s->device, 0));
    ZOE_TRY(zoe_graph_new(&s->graph, s->context));
    s->kind->build(&s->task, s->graph, s->options->tuples, ZOE_SPLIT_HELD_OUT, &s->values);
    ZOE_TRY(zoe_graph_status(s->graph));
    ZOE_TRY(zoe_plan_new(&s->plan, s->graph, s->store, &plan));
    return zoe_checkpoint_restore(s->subject.checkpoint, s->context, s->store);
}

static zoe_status draw(showing *s, zoe__batch **batch)
{
    double waited = 0;
    const zoe__loader_options loader = {.task = &s->task,
                                        .split = ZOE_SPLIT_HELD_OUT,
                                        .seed = s->options->seed,
                                        .batch = s->options->tuples,
                                        .count = 1,
                                        .epoch = s->options->tuples,
                                        .windows = s->options->tuples,
                                        .max_bad = 1};
    ZOE_TRY(zoe__calloc(s->context, &s->logits, (size_t)s->options->tuples * (size_t)s->task.classes, sizeof(float)));
    ZOE_TRY(zoe__loader_new(&s->loader, s->context, &loader));
    ZOE_TRY(zoe__loader_next(s->loader, batch, &waited));
    ZOE_TRY(zoe__batch_write(*batch, &s->task, s->plan, &s->values));
    ZOE_TRY(zoe_plan_forward(s->plan));
    return zoe_plan_read(s->plan, s->values.logits, s->logits);
}

/* ---- the sheet ---- */

static void cut(const showing *s, const uint8_t *frame, const int32_t *row, uint8_t *out)
{
    const int crop = s->task.backbone->crop;
    for (int y = 0; y < crop; y++)
        memcpy(out + (size_t)y * (size_t)crop * 3,
               frame + ((size_t)(row[0] + y) * (size_t)s->task.width + (size_t)row[1]) * 3, (size_t)crop * 3);
}

static double probability(const float *logits, int classes, int of)
{
    double sum = 0;
    for (int c = 0; c < classes; c++) sum += exp((double)logits[c] - (double)logits[of]);
    return 1 / sum;
}

static void fill_row(showing *s, const zoe__batch *batch, int i)
{
    const int frames = s->task.frames[ZOE_SPLIT_HELD_OUT], tuples = s->options->tuples, crop = s->task.backbone->crop;
    const int classes = s->task.classes, label = batch->labels[i];
    const float *logits = s->logits + (size_t)i * (size_t)classes;
    int best = 0;
    for (int c = 1; c < classes; c++)
        if (logits[c] > logits[best]) best = c;
    s->result->right += best == label;
    for (int k = 0; k < frames; k++) {
        const size_t image = (size_t)k * (size_t)tuples + (size_t)i,
                     cell = (size_t)i * (size_t)(frames + 1) + (size_t)k;
        uint8_t *picture = s->crops + image * (size_t)crop * (size_t)crop * 3;
        cut(s, batch->bytes + image * (size_t)s->task.width * (size_t)s->task.height * 3,
            batch->table + (size_t)s->task.table_columns * image, picture);
        s->thumbs[cell] = (zoe__thumb){.rgb = picture,
                                       .width = crop,
                                       .height = crop,
                                       .border_thickness = 2,
                                       .border = best == label ? ZOE__GREEN : ZOE__RED};
    }
    zoe__format(s->captions[i], CAPTION, "truth     %d\nanswer    %d %s\np(class 1) %.2f", label, best,
                best == label ? "right" : "WRONG", probability(logits, classes, 1));
    s->thumbs[i * (frames + 1) + frames] = (zoe__thumb){.caption = s->captions[i]};
}

static zoe_status write_sheet(showing *s, const zoe__batch *batch, const char *png)
{
    const int tuples = s->options->tuples, columns = s->task.frames[ZOE_SPLIT_HELD_OUT] + 1,
              crop = s->task.backbone->crop;
    const size_t images = (size_t)tuples * (size_t)(columns - 1);
    char title[256];
    zoe__image image = {0};
    ZOE_TRY(zoe__calloc(s->context, &s->crops, images, (size_t)crop * (size_t)crop * 3));
    ZOE_TRY(zoe__calloc(s->context, &s->thumbs, (size_t)tuples * (size_t)columns, sizeof *s->thumbs));
    ZOE_TRY(zoe__calloc(s->context, &s->captions, (size_t)tuples, sizeof *s->captions));
    for (int i = 0; i < tuples; i++) fill_row(s, batch, i);
    s->result->tuples = tuples;
    s->result->held_out = s->dataset.held_out;
    zoe__format(title, sizeof title, "%s, step %lld: %.120s\n%d of %d right, %s clips; class 1 = yes", s->kind->name,
                (long long)zoe_checkpoint_get_info(s->subject.checkpoint)->step, s->kind->summary, s->result->right,
                tuples, s->dataset.held_out ? "held-out" : "training");
    const int scale = crop >= 96 ? 1 : (96 + crop - 1) / crop;
    zoe_status status = zoe__image_sheet(&image, s->context, title, s->thumbs, tuples, columns, scale);
    if (status == ZOE_OK) status = zoe__image_write_png(&image, s->context, png);
    zoe__image_free(&image);
    return status;
}

static void close_all(showing *s)
{
    zoe__loader_free(&s->loader);
    zoe_plan_free(&s->plan);
    zoe_store_free(&s->store);
    zoe_graph_free(&s->graph);
    zoe_device_free(&s->device);
    zoe_task_close(&s->task);
    zoe__dataset_close(&s->dataset);
    zoe_options_free(&s->run_options);
    zoe__subject_close(&s->subject);
    free(s->logits);
    free(s->crops);
    free(s->thumbs);
    free(s->captions);
}

zoe_status zoe_samples(zoe_context *context, const char *run, const char *png, const zoe_samples_options *options,
                       zoe_samples_result *result)
{
    *result = (zoe_samples_result){0};
    ZOE_FAIL_IF(context, options->tuples < 1 || options->tuples > 1000, ZOE_USAGE, "%d tuples: 1 to 1000 can be shown",
                options->tuples);
    showing *s;
    zoe__batch *batch = NULL;
    ZOE_TRY(zoe__calloc(context, &s, 1, sizeof *s));
    s->context = context;
    s->options = options;
    s->result = result;
    zoe_status status = zoe__subject_open(&s->subject, context, run);
    if (status == ZOE_OK) status = open_task(s);
    if (status == ZOE_OK) status = make_plan(s);
    if (status == ZOE_OK) status = draw(s, &batch);
    if (status == ZOE_OK) status = write_sheet(s, batch, png);
    close_all(s);
    free(s);
    return status;
}
