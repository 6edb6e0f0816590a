/* SPDX-License-Identifier: Apache-2.0
 *
 * A decoded frame to RGB bytes, as the ffmpeg program does with -vf scale=W:H:flags=area,format=rgb24: turned first,
 * then scaled by area; colours as tagged, BT.601 limited range when untagged. Internal. */
#ifndef ZOE_MEDIA_SCALE_H
#define ZOE_MEDIA_SCALE_H

#include <core/core.h>

#include <libavutil/frame.h>

typedef struct zoe__scaler zoe__scaler;

zoe_status zoe__scaler_new(zoe__scaler **out, zoe_context *context);
void zoe__scaler_free(zoe__scaler **scaler);

/* rgb: [height][width][3], every byte written. orientation: ZOE__TRANSPOSE | ... of record.h. ZOE_DATA: a pixel format
 * that cannot be converted. */
zoe_status zoe__scale(zoe__scaler *scaler, zoe_context *context, const AVFrame *frame, int orientation, int width,
                      int height, uint8_t *rgb, const char *name);

#endif
