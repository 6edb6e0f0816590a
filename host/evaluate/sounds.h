/* SPDX-License-Identifier: Apache-2.0
 *
 * Sounds of clips in windows side by side, for features and pictures of them. Internal. */
#ifndef ZOE_EVALUATE_SOUNDS_H
#define ZOE_EVALUATE_SOUNDS_H

#include "evaluate/frames.h"

/* Windows of `seconds`: number k of a clip starts k windows after its sound does; one that is shorter than a window has
 * a single one, with the sound in its middle. */
typedef struct zoe__windows {
    size_t samples;
    int rate;
} zoe__windows;

double zoe__windows_start(const zoe__windows *windows, const zoe_clip *clip, int number);

/* Numbers first, first + every, ... of each clip in order, as zoe__frames_pick(); clips without good sound have none.
 */
zoe_status zoe__windows_pick(const zoe__windows *windows, zoe__pick **out, size_t *count, size_t *without,
                             zoe_context *context, const zoe_pack *pack, const size_t *clips, size_t clip_count,
                             int first, int every);

/* pcm[count][samples]. ZOE_CONFIG: the pack's sound has another rate. */
zoe_status zoe__windows_read(const zoe__windows *windows, zoe_context *context, zoe_pack *pack, const zoe__pick *picks,
                             size_t count, float *pcm);

/* Spectrograms as pictures: rgb[count][side][side][3], low frequencies below, loud is light. */
zoe_status zoe__windows_draw(const zoe__windows *windows, zoe_context *context, const float *pcm, size_t count,
                             int side, uint8_t *rgb);

#endif
