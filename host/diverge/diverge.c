/* SPDX-License-Identifier: Apache-2.0 */
#include "diverge/diverge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "graph/state.h"
#include "selftest/probe.h"
#include "train/dataset.h"
#include "train/loader.h"

zoe_plan_options zoe__diverge_plan(const zoe__diverge_state *d, int side)
{
    const zoe__diverge_side *s = &d->options->side[side];
    const zoe_options *o = d->options->train;
    zoe_plan_options plan = zoe_plan_options_default();
    plan.training = true;
    plan.loss_scale = 1; /* gradients are compared */
    plan.conv = s->conv ? s->conv : zoe_options_text(o, "conv");
    plan.linear = s->linear ? s->linear : zoe_options_text(o, "linear");
    plan.exact = zoe_options_flag(o, "exact");
    plan.fuse = !zoe_options_flag(o, "no-fuse");
    plan.optimizer.name = zoe_options_text(o, "optimizer");
    plan.optimizer.weight_decay = (float)zoe_options_float(o, "weight-decay");
    plan.seed = (uint64_t)zoe_options_int(o, "seed");
    return plan;
}

zoe_status zoe__diverge_note(zoe__diverge_state *d, json_t *list, const char *key, const char *name, const char *node,
                             const float *a, const float *b, size_t count)
{
    double most = 0, top[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        const double x = (double)a[i], y = (double)b[i];
        const bool both = isnan(x) && isnan(y);
        const double difference = both || !memcmp(&a[i], &b[i], sizeof *a) ? 0 : fabs(x - y);
        most = fmax(most, isfinite(difference) ? difference : INFINITY);
        if (isfinite(x)) top[0] = fmax(top[0], fabs(x));
        if (isfinite(y)) top[1] = fmax(top[1], fabs(y));
    }
    const double largest = top[0] > 0 && top[1] > 0 ? fmin(top[0], top[1]) : fmax(top[0], top[1]);
    const double error = most > 0 ? most / fmax(largest, 1e-10) : 0;
    d->max_abs = fmax(d->max_abs, most);
    json_t *row = json_pack("{s:s, s:o, s:o}", key, name, "max_abs", isfinite(most) ? json_real(most) : json_null(),
                            "error", isfinite(error) ? json_real(error) : json_null());
    if (node) json_object_set_new(row, "node", json_string(node));
    ZOE_FAIL_IF(d->context, !row || json_array_append_new(list, row), ZOE_MEMORY, "out of memory: a comparison");
    return ZOE_OK;
}

/* ---- the data: of a pack, or made up ---- */

static zoe_status make_batch(zoe__diverge_state *d, zoe__batch *b, int batch)
{
    const zoe_task *t = &d->task;
    const size_t pictures = (size_t)t->frames[0] * (size_t)batch, labels = (size_t)t->tuples[0] * (size_t)batch;
    const size_t bytes = pictures * (size_t)t->width * (size_t)t->height * 3;
    const size_t samples = t->listener ? (size_t)t->listener->sound->samples * (size_t)batch : 0;
    ZOE_TRY(zoe__calloc(d->context, &b->bytes, bytes, 1));
    ZOE_TRY(zoe__calloc(d->context, &b->table, pictures * (size_t)t->table_columns, sizeof *b->table));
    ZOE_TRY(zoe__calloc(d->context, &b->labels, labels, sizeof *b->labels));
    for (size_t i = 0; i < pictures && t->table_columns > 4; i++)
        b->table[i * (size_t)t->table_columns + 4] = 65536; /* colours as they are */
    if (!samples) return ZOE_OK;
    ZOE_TRY(zoe__calloc(d->context, &b->sound, samples, sizeof *b->sound));
    return zoe__calloc(d->context, &b->gains, (size_t)batch, sizeof *b->gains);
}

static void fill_batch(const zoe__diverge_state *d, zoe__batch *b, int batch, int64_t step)
{
    const zoe_task *t = &d->task;
    const uint32_t stream = 1000 + 3 * (uint32_t)step;
    const size_t bytes = (size_t)t->frames[0] * (size_t)batch * (size_t)t->width * (size_t)t->height * 3;
    for (size_t i = 0; i < bytes; i++)
        b->bytes[i] = (uint8_t)(127.5f + 127.0f * zoe__probe_number(stream, (uint32_t)i));
    for (int i = 0; i < t->tuples[0] * batch; i++) b->labels[i] = (int32_t)((i + step) % t->classes);
    if (!t->listener) return;
    zoe__probe_fill(stream + 1, b->sound, (size_t)t->listener->sound->samples * (size_t)batch);
    for (int i = 0; i < batch; i++) b->gains[i] = 65536;
}

static void free_batch(zoe__batch *b)
{
    free(b->bytes);
    free(b->table);
    free(b->labels);
    free(b->sound);
    free(b->gains);
}

/* ---- steps and layers ---- */

typedef struct trainer {
    zoe_graph *graph;
    zoe_task_graph values;
    zoe_store *store;
    zoe_plan *plan;
} trainer;

static zoe_status build(zoe__diverge_state *d, trainer *t, int batch)
{
    ZOE_TRY(zoe_graph_new(&t->graph, d->context));
    d->task.kind->build(&d->task, t->graph, batch, ZOE_SPLIT_TRAIN, &t->values);
    return zoe_graph_status(t->graph);
}

static void free_trainer(trainer *t)
{
    zoe_plan_free(&t->plan);
    zoe_store_free(&t->store);
    zoe_graph_free(&t->graph);
}

static zoe_status read_both(zoe__diverge_state *d, trainer t[2], zoe_value value, const char *name)
{
    const size_t count = zoe_shape_count(zoe_graph_shape(t[0].graph, value));
    float *data[2] = {NULL, NULL};
    zoe_status status = ZOE_OK;
    for (int side = 0; side < 2; side++) {
        ZOE_TRY_OUT(zoe__calloc(d->context, &data[side], count, sizeof(float)));
        ZOE_TRY_OUT(zoe_plan_read(t[side].plan, value, data[side]));
    }
    status = zoe__diverge_note(d, d->layers, "layer", name, NULL, data[0], data[1], count);
out:
    free(data[0]);
    free(data[1]);
    return status;
}

static zoe_status compare_layers(zoe__diverge_state *d, trainer t[2])
{
    for (size_t i = 0; i < zoe_graph_marks(t[0].graph); i++) {
        const char *name = zoe_graph_mark_name(t[0].graph, i);
        ZOE_TRY(read_both(d, t, zoe_graph_mark_value(t[0].graph, name), name));
    }
    return read_both(d, t, t[0].values.logits, "logits");
}

static zoe_status one_step(zoe__diverge_state *d, trainer t[2], const zoe__batch *batch, int64_t step)
{
    float loss[2];
    for (int side = 0; side < 2; side++) {
        ZOE_TRY(zoe__batch_write(batch, &d->task, t[side].plan, &t[side].values));
        ZOE_TRY(zoe_plan_accumulate(t[side].plan, step, 0));
        ZOE_TRY(zoe_plan_read(t[side].plan, t[side].values.loss, &loss[side]));
    }
    if (step == 0) ZOE_TRY(compare_layers(d, t));
    for (int side = 0; side < 2; side++) {
        ZOE_TRY(zoe_plan_update(t[side].plan, zoe_options_float(d->options->train, "lr")));
        ZOE_TRY(zoe_plan_finish(t[side].plan));
    }
    ZOE_TRY(zoe__diverge_note(d, d->steps, "loss", "", NULL, &loss[0], &loss[1], 1));
    json_t *row = json_array_get(d->steps, json_array_size(d->steps) - 1);
    json_object_set_new(row, "step", json_integer((json_int_t)step + 1));
    json_object_set_new(row, "loss",
                        json_pack("[o, o]", isfinite(loss[0]) ? json_real((double)loss[0]) : json_null(),
                                  isfinite(loss[1]) ? json_real((double)loss[1]) : json_null()));
    return ZOE_OK;
}

static zoe_status steps(zoe__diverge_state *d, trainer t[2], zoe__loader *loader, int batch)
{
    const zoe__diverge_options *o = d->options;
    zoe__batch made = {0};
    zoe_status status = loader ? ZOE_OK : make_batch(d, &made, batch);
    for (int64_t step = 0; step < o->steps && status == ZOE_OK; step++) {
        zoe__batch *now = &made;
        double waited = 0;
        if (o->stop && o->stop(o->user)) status = zoe__fail(d->context, ZOE_STOPPED, "stopped");
        if (o->progress) o->progress("steps", (size_t)step, (size_t)o->steps, o->user);
        if (status == ZOE_OK && loader) status = zoe__loader_next(loader, &now, &waited);
        if (!loader) fill_batch(d, &made, batch, step);
        if (status == ZOE_OK) status = one_step(d, t, now, step);
        if (status == ZOE_OK && loader) zoe__loader_release(loader);
    }
    free_batch(&made);
    return status;
}

static zoe_status train_both(zoe__diverge_state *d, int batch)
{
    const zoe_options *o = d->options->train;
    trainer t[2] = {{0}, {0}};
    zoe__loader *loader = NULL;
    zoe_status status = ZOE_OK;
    for (int side = 0; side < 2; side++) {
        const zoe_plan_options options = zoe__diverge_plan(d, side);
        ZOE_TRY_OUT(build(d, &t[side], batch));
        for (size_t i = 0; i < zoe_graph_marks(t[side].graph); i++)
            zoe_graph_keep(t[side].graph, zoe_graph_mark_value(t[side].graph, zoe_graph_mark_name(t[side].graph, i)));
        ZOE_TRY_OUT(zoe_store_new(&t[side].store, d->context, d->device[side], options.seed));
        ZOE_TRY_OUT(zoe_plan_new(&t[side].plan, t[side].graph, t[side].store, &options));
    }
    if (d->task.pack) {
        const zoe__loader_options from = {.task = &d->task,
                                          .split = ZOE_SPLIT_TRAIN,
                                          .seed = (uint64_t)zoe_options_int(o, "seed"),
                                          .batch = batch,
                                          .count = d->options->steps,
                                          .epoch = (int64_t)d->task.usable[0],
                                          .workers = (int)zoe_options_int(o, "workers"),
                                          .max_bad = zoe_options_float(o, "max-bad")};
        ZOE_TRY_OUT(zoe__loader_new(&loader, d->context, &from));
    }
    status = steps(d, t, loader, batch);
out:
    zoe__loader_free(&loader);
    for (int side = 0; side < 2; side++) free_trainer(&t[side]);
    return status;
}

/* ---- all of it ---- */

static zoe_status open_devices(zoe__diverge_state *d)
{
    const zoe__diverge_side *side = d->options->side;
    bool differ = false;
    for (int i = 0; i < 2; i++)
        differ = differ || side[i].family || side[i].storage || side[i].conv || side[i].linear || side[i].lanes;
    for (int i = 0; i < 2; i++) {
        zoe_device_options options = zoe_device_options_default();
        options.name = side[i].device ? side[i].device : i && !differ ? "host" : side[0].device;
        options.family = side[i].family;
        options.storage = side[i].storage;
        options.lanes = side[i].lanes;
        options.tuning = zoe_options_flag(d->options->train, "no-tuning") ? "off" : NULL;
        ZOE_TRY(zoe_device_open(&d->device[i], d->context, &options));
    }
    return ZOE_OK;
}

static zoe_status open_task(zoe__diverge_state *d, zoe__dataset *dataset)
{
    const zoe__diverge_options *o = d->options;
    const zoe_task_kind *kind = zoe_task_find(d->context, o->task);
    if (!kind) return ZOE_USAGE;
    const zoe_backbone *net = zoe_backbone_find(d->context, zoe_options_text(o->train, "net"));
    if (!net) return ZOE_USAGE;
    zoe_task_clips clips = {0};
    if (o->pack) {
        ZOE_FAIL_IF(d->context, !zoe_pack_is(o->pack), ZOE_DATA,
                    "%s: not a pack; `zoe index CLIPS --out PACK` makes one", o->pack);
        ZOE_TRY(zoe__dataset_open(dataset, d->context, &o->pack, 1, "", o->train, NULL, NULL));
        ZOE_TRY(zoe__dataset_split(dataset, d->context, o->train));
        clips = (zoe_task_clips){.clips = {dataset->clips[0], dataset->clips[1]},
                                 .count = {dataset->count[0], dataset->count[1]}};
    }
    return zoe_task_open(&d->task, d->context, kind, o->train, net, dataset->pack, &clips);
}

/* The name (or step) of the first row whose error is too large; JSON's null when there is none. */
static json_t *first_of(const json_t *list, const char *key, double tolerance)
{
    size_t i;
    json_t *row;
    json_array_foreach(list, i, row)
    {
        const json_t *error = json_object_get(row, "error");
        if (!json_is_number(error) || json_number_value(error) > tolerance)
            return json_incref(json_object_get(row, key));
    }
    return json_null();
}

static json_t *summary(zoe__diverge_state *d)
{
    const double tolerance = d->options->tolerance;
    json_t *devices = json_array();
    for (int i = 0; i < 2; i++) {
        const zoe_device_info *info = zoe_device_get_info(d->device[i]);
        const zoe__diverge_side *side = &d->options->side[i];
        json_array_append_new(devices,
                              json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s}", "id", info->id, "driver", info->driver,
                                        "family", zoe_family_name(info->family), "storage",
                                        info->half ? "fp16" : "fp32", "lanes", (int)info->lanes, "conv",
                                        side->conv ? side->conv : zoe_options_text(d->options->train, "conv"), "linear",
                                        side->linear ? side->linear : zoe_options_text(d->options->train, "linear")));
    }
    return json_pack("{s:o, s:f, s:o, s:o, s:o, s:o, s:O, s:O, s:O}", "devices", devices, "tolerance", tolerance,
                     "first_op", first_of(d->ops, "op", tolerance), "first_layer",
                     first_of(d->layers, "layer", tolerance), "first_step", first_of(d->steps, "step", tolerance),
                     "max_abs", isfinite(d->max_abs) ? json_real(d->max_abs) : json_null(), "ops", d->ops, "layers",
                     d->layers, "steps", d->steps);
}

zoe_status zoe__diverge(zoe_context *context, const zoe__diverge_options *options, json_t **out)
{
    zoe__diverge_state d = {
        .context = context, .options = options, .ops = json_array(), .layers = json_array(), .steps = json_array()};
    zoe__dataset dataset = {0};
    trainer whole = {0};
    zoe_status status = ZOE_OK;
    const int batch = (int)zoe_options_int(options->train, "batch");
    *out = NULL;
    ZOE_TRY_OUT(open_devices(&d));
    ZOE_TRY_OUT(open_task(&d, &dataset));
    ZOE_TRY_OUT(build(&d, &whole, batch));
    ZOE_TRY_OUT(zoe__diverge_ops(&d, whole.graph));
    ZOE_TRY_OUT(train_both(&d, batch));
    *out = summary(&d);
    ZOE_FAIL_IF_OUT(context, !*out, ZOE_MEMORY, "out of memory: the comparison");
out:
    free_trainer(&whole);
    zoe_task_close(&d.task);
    zoe__dataset_close(&dataset);
    for (int i = 0; i < 2; i++) zoe_device_free(&d.device[i]);
    json_decref(d.ops);
    json_decref(d.layers);
    json_decref(d.steps);
    return status;
}
