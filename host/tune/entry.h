/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known about one heavy operation on one device: a row of the tuning database. Internal.
 *
 * A row is known by its key: device, driver, runtime, lanes, op, direction, shape. The op is "conv2d" or "linear" with
 * direction "forward", "data" or "weights", or "gemm" with the name of a CLBlast kernel as its direction. */
#ifndef ZOE__TUNE_ENTRY_H
#define ZOE__TUNE_ENTRY_H

#include <jansson.h>

#include <zoe/device.h>

#include "core/core.h"

/* N images, C channels, H x W input; K filters of R x S taps. linear: R x S = H x W. gemm: m = n, n = k, k = c, the
 * others 1. */
typedef struct zoe__tune_shape {
    int n, c, h, w, k, r, s, stride_h, stride_w, pad_h, pad_w, groups;
} zoe__tune_shape;

/* Which device the row is of. In rows that are shipped device and driver are "": they hold for all of that runtime. */
typedef struct zoe__tune_device {
    char device[160]; /* its name and how many compute units it has */
    char driver[128];
    char runtime[64]; /* "pocl", "intel-cpu": the id before the colon */
    int lanes;
} zoe__tune_device;

typedef struct zoe__tune_entry {
    zoe__tune_device device;
    char op[16], direction[24];
    zoe__tune_shape shape;
    char algorithm[24];
    char parameters[256];            /* "4,0,0,0"; gemm: "KWG=32,..." */
    double seconds, default_seconds; /* of one run; of the algorithm that is taken without tuning, measured beside it */
    double nmse;                     /* against the definition in double */
    int64_t time;                    /* when, in seconds since 1970 */
} zoe__tune_entry;

void zoe__tune_device_of(zoe__tune_device *out, const zoe_device_info *info);
bool zoe__tune_device_equal(const zoe__tune_device *a, const zoe__tune_device *b);

/* "8x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1". Reading: false when it is not of that form or a number is not in
 * 0..2^30. */
enum { ZOE__TUNE_SHAPE_TEXT = 160 };
void zoe__tune_shape_text(char text[ZOE__TUNE_SHAPE_TEXT], const zoe__tune_shape *shape);
bool zoe__tune_shape_read(zoe__tune_shape *shape, const char *text);

/* How far the shapes of two rows of one op and direction are apart: the sum of |log2| of the ratios of channels and
 * filters, half that of pixels and a quarter that of images (linear: images count half, inputs and outputs once; gemm:
 * all three once). 0: the same. INFINITY: not comparable (other taps, strides, padding or groups). */
double zoe__tune_distance(const char *op, const zoe__tune_shape *a, const zoe__tune_shape *b);

/* JSON of a row, and back; false: a field is missing or out of range. */
json_t *zoe__tune_entry_json(const zoe__tune_entry *entry);
bool zoe__tune_entry_read(zoe__tune_entry *entry, const json_t *value);

/* Up to count integers separated by commas; those that are missing become 0. false: something else stands there. */
bool zoe__tune_parameters_read(int *parameter, int count, const char *text);

#endif
