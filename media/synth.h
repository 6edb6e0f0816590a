/* SPDX-License-Identifier: Apache-2.0
 *
 * Synthetic worlds behind zoe_synth(). A world is one file synth_NAME.c whose descriptor zoe__synth_NAME stands last;
 * its line in CMakeLists.txt registers it. Internal. */
#ifndef ZOE_MEDIA_SYNTH_H
#define ZOE_MEDIA_SYNTH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <zoe/context.h>

/* One clip as a world draws it. */
typedef struct zoe__synth_clip {
    uint8_t *rgb;  /* [frames][height][width][3] */
    float *points; /* what the world says of its figures; pixels of the frame, (0, 0) = the centre of the upper left */
    float *pcm;    /* [samples], [-1, 1); NULL where rate is 0 */
    int kind[2];   /* of each thing */
} zoe__synth_clip;

typedef struct zoe__synth_world {
    const char *name;
    const char *const *kinds; /* labels; clip `index` is of kind index mod kind_count */
    int kind_count;
    const char *ending; /* of the files: "mp4", "mkv" (with sound as FLAC) */
    int width, height;  /* of a frame, pixels; even */
    int frames, fps;
    int rate, samples; /* of the sound; 0: none */
    int points;        /* floats of zoe__synth_clip.points */
    int things;        /* 2: also draws clips of two things */
    /* Draws clip (seed, index, things), and nothing but these decides its content. ZOE_MEMORY. */
    zoe_status (*draw)(zoe_context *context, uint64_t seed, uint32_t index, int things, zoe__synth_clip *clip);
    /* The JSON beside the clip. */
    void (*describe)(FILE *out, const struct zoe__synth_world *world, const zoe__synth_clip *clip, int things);
} zoe__synth_world;

/* n numbers of two decimals, a point between whole and part whatever the locale says, ", " between them. */
void zoe__synth_print_numbers(FILE *out, const float *numbers, int n);

/* Fills table with the quantiles (i + 1/2) / steps of N(0, sd), steps even: a look-up is a draw. */
void zoe__synth_noise_table(float *table, int steps, double sd);

/* The world of that name; ZOE_CONFIG with the list of names when there is none. Borrowed. */
zoe_status zoe__synth_find(const zoe__synth_world **out, zoe_context *context, const char *name);

/* What zoe__synth_encode() encodes. */
typedef struct zoe__synth_movie {
    const uint8_t *rgb; /* [frames][height][width][3] */
    int frames, width, height, fps;
    const float *pcm; /* [samples], [-1, 1); NULL: no sound. Kept in 16 bits by FLAC */
    int samples, rate;
    const char *container; /* "mp4", "mkv" */
    const char *encoder;   /* of the pictures; NULL: libx264 where FFmpeg has it, else mpeg4 */
} zoe__synth_movie;

/* What zoe__synth_encode_sound() encodes. */
typedef struct zoe__synth_record {
    const int16_t *pcm; /* [samples][channels] */
    int samples, channels, rate;
    const char *container; /* "wav", "matroska" */
    const char *encoder;   /* FFmpeg's name: "pcm_s16le", "flac", "libmp3lame", "aac", "libvorbis", "libopus" */
    int bit_rate;          /* bits/s; 0: the encoder's own, or lossless */
} zoe__synth_record;

/* Encodes sound in memory, as zoe__synth_encode() does a movie. ZOE_UNSUPPORTED: FFmpeg has no such encoder, or it
 * does not take such sound; ZOE_MEMORY; ZOE_DATA: there is no such container, or the encoder refused. */
zoe_status zoe__synth_encode_sound(zoe_context *context, const zoe__synth_record *record, uint8_t **out, size_t *size);

/* Encodes a movie in memory: *out (*size bytes) is the caller's, free with av_free(). A key frame each 25, 4:2:0,
 * tagged as BT.601 limited range; one thread, so that equal movies give equal bytes. ZOE_UNSUPPORTED: FFmpeg has no
 * such encoder; ZOE_MEMORY; ZOE_DATA: the encoder refused. */
zoe_status zoe__synth_encode(zoe_context *context, const zoe__synth_movie *movie, uint8_t **out, size_t *size);

#endif
