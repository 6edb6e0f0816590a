/* SPDX-License-Identifier: Apache-2.0
 *
 * How much a frame moves: the codec's motion vectors and the difference of grey levels. Internal. */
#ifndef ZOE_MEDIA_MEASURE_H
#define ZOE_MEDIA_MEASURE_H

#include "media/record.h"

#include <libswscale/swscale.h>

/* Sums over the vectors of one frame: |v| in pixels times the block's area, and the areas, by direction. */
typedef struct zoe__vectors {
    bool any;
    double past, future, past_area, future_area;
} zoe__vectors;

zoe__vectors zoe__measure_vectors(const AVFrame *frame);

/* Keeps the grey levels of the frame before. Zero it first. */
typedef struct zoe__greys {
    uint8_t *now, *before;
    int width, height;
    bool filled;
    struct SwsContext *scaler;
} zoe__greys;

/* *out = mean |I(now) - I(before)| of grey levels 0..255; 0 for the first frame. Frames of another size are scaled to
 * the first one's. Limited-range luma is stretched to 0..255. */
zoe_status zoe__measure_difference(zoe_context *context, zoe__greys *greys, const AVFrame *frame, float *out);

void zoe__greys_clear(zoe__greys *greys);

/* motion[i] from the sums of n frames in display order: the mean length over the area that has vectors (blocks that do
 * not move have vectors of 0; intra blocks have none). A vector that spans d frames counts 1/d, d = the distance to the
 * nearest reference on that side. Frames with vectors on less than a tenth of their area, key frames above all, get the
 * mean of their neighbours. unknown[n] is scratch, zero at first. */
void zoe__measure_motion(const zoe__vectors *vectors, const uint8_t *reference, uint8_t *unknown, size_t n, double area,
                         float *motion);

#endif
