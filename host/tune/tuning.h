/* SPDX-License-Identifier: Apache-2.0
 *
 * What was measured, as an open device and its plans use it. Internal. */
#ifndef ZOE__TUNING_H
#define ZOE__TUNING_H

#include "tune/table.h"

struct zoe__tuning; /* ops/conv2d.h */
struct zoe__conv2d;
typedef struct zoe__tune_hook zoe__tune_hook;

/* Reads the table of a device that is being opened (tune/table.h has `place`). NULL stands for nothing. */
zoe_status zoe__tuning_open(zoe__tune_hook **out, zoe_context *context, const zoe_device_info *info, const char *place);
void zoe__tuning_close(zoe__tune_hook **hook);

const struct zoe__tuning *zoe__tuning_hook(const zoe__tune_hook *hook); /* what conv2d_choose.c asks */
zoe__tune_table *zoe__tuning_table(const zoe__tune_hook *hook);         /* borrowed */

/* "forward", "data", "weights". */
const char *zoe__tune_direction_name(int direction);

void zoe__tune_shape_of(zoe__tune_shape *shape, const struct zoe__conv2d *conv);
/* The other way; false: no such convolution (the window is larger than the input). */
bool zoe__tune_conv_of(struct zoe__conv2d *conv, const char *op, const zoe__tune_shape *shape);

/* What a compiled plan took: [{layer, op, direction, algorithm, parameters, from}], from = "measured" (its very shape),
 * "nearest", "shipped", "default". */
struct zoe_plan;
json_t *zoe__tune_choices(struct zoe_plan *plan);

#endif
