/* SPDX-License-Identifier: Apache-2.0
 *
 * Which frames an evaluation looks at, and their pixels. Internal. */
#ifndef ZOE_EVALUATE_FRAMES_H
#define ZOE_EVALUATE_FRAMES_H

#include <zoe/media.h>

#include "core/core.h"

typedef struct zoe__pick {
    size_t clip; /* number in the pack */
    int rank;
} zoe__pick;

/* Ranks first, first + every, ... of each clip in order. *out is to free(). *without counts the clips that are too
 * short for one. */
zoe_status zoe__frames_pick(zoe__pick **out, size_t *count, size_t *without, zoe_context *context, const zoe_pack *pack,
                            const size_t *clips, size_t clip_count, int first, int every);

/* Decodes in threads (workers, 0 = number of processors); then drops the picks of clips that do not decode, from picks
 * and rgb alike; each is logged and counted in *bad. rgb: [*count][height][width][3]. */
zoe_status zoe__frames_decode(zoe_context *context, zoe_pack *pack, zoe__pick *picks, size_t *count, int width,
                              int height, int workers, uint8_t *rgb, size_t *bad);

#endif
