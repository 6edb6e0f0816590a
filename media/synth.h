/* SPDX-License-Identifier: Apache-2.0
 *
 * Synthetic worlds behind zoe_synth(). A world is one file synth_NAME.c whose descriptor zoe__synth_NAME stands last;
 * its line in CMakeLists.txt registers it. Internal. */
#ifndef ZOE_MEDIA_SYNTH_H
#define ZOE_MEDIA_SYNTH_H

#include <stddef.h>
#include <stdint.h>

#include <zoe/context.h>

typedef struct zoe__synth_world {
    const char *name;
    const char *const *kinds; /* labels; clip `index` is of kind index mod kind_count */
    int kind_count;
    int width, height; /* of a frame, pixels; even */
    int frames, fps;
    int joints; /* points a frame */
    /* Draws clip (seed, index), and nothing but these two decides its content. rgb [frames][height][width][3];
     * joints [frames][joints][2] = x, y in pixels of the frame, (0, 0) = the centre of the upper left pixel.
     * ZOE_MEMORY. */
    zoe_status (*draw)(zoe_context *context, uint64_t seed, uint32_t index, uint8_t *rgb, float *joints);
} zoe__synth_world;

/* The world of that name; ZOE_CONFIG with the list of names when there is none. Borrowed. */
zoe_status zoe__synth_find(const zoe__synth_world **out, zoe_context *context, const char *name);

/* Encodes frames [count][height][width][3] as an MP4 in memory: *out (*size bytes) is the caller's, free with
 * av_free(). name NULL: libx264 where FFmpeg has it, else mpeg4; else the encoder of that name. A key frame each 25,
 * 4:2:0, tagged as BT.601 limited range; one thread, so that equal frames give equal bytes. ZOE_UNSUPPORTED: FFmpeg has
 * no such encoder; ZOE_MEMORY; ZOE_DATA: the encoder refused. */
zoe_status zoe__synth_encode(zoe_context *context, const char *name, const uint8_t *rgb, int count, int width,
                             int height, int fps, uint8_t **out, size_t *size);

#endif
