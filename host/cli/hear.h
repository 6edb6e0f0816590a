/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound for the verbs: files of a second of it, its spectrogram as numbers and as a picture, what a pack holds. */
#ifndef ZOE_CLI_HEAR_H
#define ZOE_CLI_HEAR_H

#include <zoe/media.h>

#include "cli/cli.h"
#include "report/image.h"

/* One second of a clip's sound and its spectrogram by the standard options. Clear it always. */
typedef struct zoe__second {
    float *pcm; /* [samples] */
    int samples, rate;
    float *spectrum; /* [bins][frames], the lowest frequency first */
    int bins, frames;
} zoe__second;

/* Reads the second of clip `clip` that starts at `at` s. ZOE_DATA: the clip has no sound that can be used. */
zoe_status zoe__second_read(zoe__cli *cli, zoe__second *second, zoe_pack *pack, zoe_reader *reader, size_t clip,
                            double at);
void zoe__second_clear(zoe__second *second);

/* WAV, 16 bits, one channel. */
zoe_status zoe__second_write_wav(zoe__cli *cli, const zoe__second *second, const char *path);

/* NumPy's format, float32 [bins][frames]. */
zoe_status zoe__second_write_npy(zoe__cli *cli, const zoe__second *second, const char *path);

/* Draws the spectrogram at (x, y), `width` pixels wide and one a bin high, the lowest frequency at the bottom, from the
 * darkest for its least value to the brightest for its greatest. */
void zoe__second_draw(const zoe__second *second, zoe__image *image, int x, int y, int width);

/* {state, ...} of one clip's sound, and {rate, good, ...} of a pack's; the keys are in docs/formats.md. */
json_t *zoe__sound_json(const zoe_sound *sound);
json_t *zoe__sounds_json(const zoe_pack *pack);

/* The same for people: one line of the pack's sound. */
void zoe__sounds_print(const json_t *sounds);

#endif
