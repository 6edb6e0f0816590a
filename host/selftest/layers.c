/* SPDX-License-Identifier: Apache-2.0
 *
 * Every convolution and linear layer, every direction, every algorithm that could be chosen: NMSE and largest error
 * against the definition in double, at sampled places (sample.h), on numbers in [-1, 1). */
#include "selftest/layers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "device/source.h"
#include "tune/items.h"
#include "tune/measure.h"
#include "tune/tuning.h"

enum { DEFAULT_BATCH = 2, CANDIDATES = 64 };

typedef struct study {
    zoe_context *context;
    zoe_device *device;
    const zoe_selftest_options *options;
    zoe__tune_items items;
    json_t *rows, *failed;
} study;

static zoe_status add_row(study *s, const zoe__tune_item *item, int direction, const zoe__measured *m)
{
    char shape[ZOE__TUNE_SHAPE_TEXT], parameters[64], variant[96];
    const int *p = m->choice.parameter;
    const bool good = m->nmse <= zoe__most_nmse(zoe_device_get_info(s->device)->half);
    zoe__tune_shape_text(shape, &item->shape);
    zoe__format(parameters, sizeof parameters, "%d,%d,%d,%d", p[0], p[1], p[2], p[3]);
    json_t *nmse = isfinite(m->nmse) ? json_real(m->nmse) : json_null();
    json_array_append_new(s->rows, json_pack("{s:O, s:s, s:s, s:s, s:s, s:s, s:O, s:o, s:b}", "layers", item->layers,
                                             "op", item->op, "shape", shape, "direction",
                                             zoe__tune_direction_name(direction), "algorithm", m->choice.algorithm,
                                             "parameters", parameters, "nmse", nmse, "max_error",
                                             isfinite(m->most) ? json_real(m->most) : json_null(), "ok", (int)good));
    if (!good) {
        char repro[256];
        zoe__conv2d_variant(variant, &item->conv, m->choice.algorithm, (zoe__direction)direction);
        zoe__format(repro, sizeof repro, "zoe selftest %s --batch %d --size %dx%d", s->options->net, s->items.batch,
                    s->items.input.w, s->items.input.h);
        json_array_append_new(s->failed, json_pack("{s:s, s:s, s:O, s:s}", "kernel", variant, "parameters", shape,
                                                   "nmse", nmse, "repro", repro));
    }
    json_decref(nmse);
    return ZOE_OK;
}

/* Candidate number `round` of each direction at once. false in *any: no direction has so many. */
static zoe_status study_round(study *s, const zoe__tune_item *item, size_t round, bool *any)
{
    zoe__measure_job job = {.conv = item->conv, .data = item->data, .check_only = true};
    zoe__measured measured[ZOE__DIRECTIONS];
    bool there[ZOE__DIRECTIONS] = {false};
    zoe__format(job.op, sizeof job.op, "%s", item->op);
    *any = false;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        zoe__choice list[CANDIDATES];
        size_t count = 0;
        if (d == ZOE__TO_DATA && !item->data) continue;
        ZOE_TRY(zoe__measure_candidates(s->device, &job, (zoe__direction)d, list, CANDIDATES, &count));
        there[d] = round < count;
        if (there[d]) job.choice[d] = list[round];
        *any = *any || there[d];
    }
    if (!*any) return ZOE_OK;
    ZOE_TRY(zoe__measure(s->device, &job, measured));
    for (int d = 0; d < ZOE__DIRECTIONS; d++)
        if (there[d] && measured[d].there) ZOE_TRY(add_row(s, item, d, &measured[d]));
    return ZOE_OK;
}

static zoe_status study_all(study *s)
{
    const zoe_selftest_options *o = s->options;
    for (size_t i = 0; i < s->items.count; i++) {
        bool any = true;
        if (o->progress) o->progress(i, s->items.count, o->user);
        for (size_t round = 0; any; round++) {
            if (o->stop && o->stop(o->user)) return ZOE_STOPPED;
            ZOE_TRY(study_round(s, &s->items.item[i], round, &any));
        }
    }
    return ZOE_OK;
}

static zoe_status write_result(study *s, zoe_selftest_result *result)
{
    const zoe_device_info *info = zoe_device_get_info(s->device);
    char build[64];
    size_t length = 0, i;
    json_t *row;
    FILE *out = open_memstream(&result->text, &length);
    zoe__build_id(build);
    if (out)
        fprintf(out, "%-30s %-10s %-7s %-12s %-12s %9s %9s\n", "layer", "op", "to", "algorithm", "parameters", "NMSE",
                "max error");
    if (out)
        json_array_foreach(s->rows, i, row) fprintf(
            out, "%-30s %-10s %-7s %-12s %-12s %9.2e %9.2e%s\n",
            json_string_value(json_array_get(json_object_get(row, "layers"), 0)),
            json_string_value(json_object_get(row, "op")), json_string_value(json_object_get(row, "direction")),
            json_string_value(json_object_get(row, "algorithm")), json_string_value(json_object_get(row, "parameters")),
            json_number_value(json_object_get(row, "nmse")), json_number_value(json_object_get(row, "max_error")),
            json_is_true(json_object_get(row, "ok")) ? "" : "  WRONG");
    json_t *value =
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:O, s:O}", "device", info->id, "driver", info->driver, "build", build,
                  "net", s->items.net, "batch", s->items.batch, "layers", s->rows, "failed", s->failed);
    const bool good = out && !fclose(out);
    result->json = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    ZOE_FAIL_IF(s->context, !good || !result->json, ZOE_MEMORY, "out of memory: result of the self-test");
    ZOE_FAIL_IF(s->context, json_array_size(s->failed), ZOE_WRONG, "%zu of %zu results of layers are wrong on %s",
                json_array_size(s->failed), json_array_size(s->rows), info->id);
    return ZOE_OK;
}

zoe_status zoe__selftest_layers(zoe_context *context, const zoe_selftest_options *options, zoe_selftest_result *result)
{
    study s = {.context = context, .options = options, .rows = json_array(), .failed = json_array()};
    zoe_device_options device = zoe_device_options_default();
    zoe_status status = ZOE_OK;
    device.name = options->device;
    device.family = options->family;
    device.storage = options->storage;
    device.tuning = "off";
    device.profile = true;
    ZOE_TRY_OUT(zoe__tune_items_load(&s.items, context, options->net, &device, options->batch, options->width,
                                     options->height, DEFAULT_BATCH));
    ZOE_TRY_OUT(zoe_device_open(&s.device, context, &device));
    ZOE_FAIL_IF_OUT(context, zoe__device_is_host(s.device), ZOE_DEVICE,
                    "the device 'host' runs the definitions themselves: there is nothing to test");
    ZOE_TRY_OUT(study_all(&s));
    status = write_result(&s, result);
out:
    zoe_device_free(&s.device);
    zoe__tune_items_free(&s.items);
    json_decref(s.rows);
    json_decref(s.failed);
    return status;
}
