/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/entry.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 30 };

void zoe__tune_device_of(zoe__tune_device *out, const zoe_device_info *info)
{
    *out = (zoe__tune_device){.lanes = (int)info->lanes};
    zoe__format(out->device, sizeof out->device, "%s, %u units, %s%s", info->name, info->compute_units,
                zoe_family_name(info->family), info->half ? ", fp16" : "");
    zoe__format(out->driver, sizeof out->driver, "%s", info->driver);
    zoe__format(out->runtime, sizeof out->runtime, "%.*s", (int)strcspn(info->id, ":"), info->id);
}

bool zoe__tune_device_equal(const zoe__tune_device *a, const zoe__tune_device *b)
{
    return a->lanes == b->lanes && !strcmp(a->device, b->device) && !strcmp(a->driver, b->driver) &&
           !strcmp(a->runtime, b->runtime);
}

void zoe__tune_shape_text(char text[ZOE__TUNE_SHAPE_TEXT], const zoe__tune_shape *t)
{
    zoe__format(text, ZOE__TUNE_SHAPE_TEXT, "%dx%dx%dx%d %dx%dx%d stride %dx%d pad %dx%d groups %d", t->n, t->c, t->h,
                t->w, t->k, t->r, t->s, t->stride_h, t->stride_w, t->pad_h, t->pad_w, t->groups);
}

bool zoe__tune_shape_read(zoe__tune_shape *shape, const char *text)
{
    int v[12], length = -1;
    char again[ZOE__TUNE_SHAPE_TEXT];
    if (strlen(text) >= ZOE__TUNE_SHAPE_TEXT) return false;
    if (sscanf(text, "%9dx%9dx%9dx%9d %9dx%9dx%9d stride %9dx%9d pad %9dx%9d groups %9d%n", &v[0], &v[1], &v[2], &v[3],
               &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10], &v[11], &length) != 12 ||
        length < 0 || text[length])
        return false;
    for (int i = 0; i < 12; i++)
        if (v[i] < (i == 9 || i == 10 ? 0 : 1) || v[i] > MOST) return false;
    *shape = (zoe__tune_shape){v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11]};
    zoe__tune_shape_text(again, shape);
    return !strcmp(again, text); /* one way to write a shape: texts are keys */
}

static double ratio(double a, double b)
{
    return fabs(log2(a / b));
}

double zoe__tune_distance(const char *op, const zoe__tune_shape *a, const zoe__tune_shape *b)
{
    if (!strcmp(op, "gemm")) return ratio(a->n, b->n) + ratio(a->k, b->k) + ratio(a->c, b->c);
    if (!strcmp(op, "linear"))
        return ratio((double)a->c * a->h * a->w, (double)b->c * b->h * b->w) + ratio(a->k, b->k) +
               ratio(a->n, b->n) / 2;
    if (a->r != b->r || a->s != b->s || a->stride_h != b->stride_h || a->stride_w != b->stride_w ||
        a->pad_h != b->pad_h || a->pad_w != b->pad_w || a->groups != b->groups)
        return INFINITY;
    return ratio(a->c, b->c) + ratio(a->k, b->k) + ratio((double)a->h * a->w, (double)b->h * b->w) / 2 +
           ratio(a->n, b->n) / 4;
}

bool zoe__tune_parameters_read(int *parameter, int count, const char *text)
{
    for (int i = 0; i < count; i++) parameter[i] = 0;
    for (int i = 0; *text; i++) {
        char *end;
        const long value = strtol(text, &end, 10);
        if (i >= count || end == text || value < 0 || value > MOST || (*end && *end != ',')) return false;
        parameter[i] = (int)value;
        text = *end ? end + 1 : end;
    }
    return true;
}

/* ---- JSON ---- */

json_t *zoe__tune_entry_json(const zoe__tune_entry *e)
{
    char shape[ZOE__TUNE_SHAPE_TEXT];
    zoe__tune_shape_text(shape, &e->shape);
    return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:I}", "device", e->device.device,
                     "driver", e->device.driver, "runtime", e->device.runtime, "lanes", e->device.lanes, "op", e->op,
                     "direction", e->direction, "shape", shape, "algorithm", e->algorithm, "parameters", e->parameters,
                     "seconds", e->seconds, "default_seconds", e->default_seconds, "nmse", e->nmse, "time",
                     (json_int_t)e->time);
}

static bool take_text(const json_t *object, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text && zoe__format(out, size, "%s", text);
}

static bool take_number(const json_t *object, const char *name, double *out)
{
    const json_t *value = json_object_get(object, name);
    *out = json_number_value(value);
    return json_is_number(value) && isfinite(*out) && *out >= 0;
}

static bool known_op(const zoe__tune_entry *e)
{
    int parameter[8];
    if (!strcmp(e->op, "gemm")) return e->direction[0] != '\0';
    if (strcmp(e->op, "conv2d") && strcmp(e->op, "linear")) return false;
    if (strcmp(e->direction, "forward") && strcmp(e->direction, "data") && strcmp(e->direction, "weights"))
        return false;
    return zoe__tune_parameters_read(parameter, 8, e->parameters);
}

bool zoe__tune_entry_read(zoe__tune_entry *e, const json_t *value)
{
    char shape[ZOE__TUNE_SHAPE_TEXT];
    double lanes, time;
    *e = (zoe__tune_entry){0};
    const bool complete = take_text(value, "device", e->device.device, sizeof e->device.device) &&
                          take_text(value, "driver", e->device.driver, sizeof e->device.driver) &&
                          take_text(value, "runtime", e->device.runtime, sizeof e->device.runtime) &&
                          take_number(value, "lanes", &lanes) && take_text(value, "op", e->op, sizeof e->op) &&
                          take_text(value, "direction", e->direction, sizeof e->direction) &&
                          take_text(value, "shape", shape, sizeof shape) &&
                          take_text(value, "algorithm", e->algorithm, sizeof e->algorithm) &&
                          take_text(value, "parameters", e->parameters, sizeof e->parameters) &&
                          take_number(value, "seconds", &e->seconds) &&
                          take_number(value, "default_seconds", &e->default_seconds) &&
                          take_number(value, "nmse", &e->nmse) && take_number(value, "time", &time);
    if (!complete || lanes > 1024 || time > 1e15) return false;
    e->device.lanes = (int)lanes;
    e->time = (int64_t)time;
    return zoe__tune_shape_read(&e->shape, shape) && known_op(e);
}
