/* SPDX-License-Identifier: Apache-2.0
 *
 * Clips made for tests. Every picture carries its own number: eight blocks along its upper edge, white = 1, the lowest
 * bit at the left. What a reader shows can so be checked without any other decoder. */
#ifndef TESTS_MEDIA_CLIPS_H
#define TESTS_MEDIA_CLIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zoe/media.h>

typedef struct clip_spec {
    const char *file;      /* the ending chooses the container */
    const char *encoder;   /* FFmpeg's name */
    const char *format;    /* pixel format; NULL: yuv420p */
    const char *options;   /* of the encoder, "key=value:key=value"; NULL */
    int width, height;     /* 0: 96 x 80 */
    int frames;            /* 0: 60 */
    int gop, b_frames;     /* gop 0: 12 */
    int cut;               /* so many frames lie before the start of the edit list */
    const int32_t *matrix; /* display matrix; NULL */
    bool uneven;           /* frames at uneven times */
    int first;             /* number of the first picture */
} clip_spec;

/* Writes root/spec.file. False when FFmpeg has no such encoder; any other fault fails the test. */
bool clip_make(const char *root, const clip_spec *spec);

/* The number in a picture [height][width][3]; turned: by this many quarter turns clockwise. */
int clip_number(const uint8_t *rgb, int width, int height, int turned);

/* root/name; a ring of a few buffers. */
const char *clip_path(const char *root, const char *name);

/* A folder under /tmp, and its removal with all it holds. */
void clip_folder(char root[64]);
void clip_folder_remove(const char *root);

void clip_write(const char *path, const void *bytes, size_t size);
uint8_t *clip_read(const char *path, size_t *size); /* to free */

/* Folder of the real test data, NULL (and a message that says SKIPPED) where it is absent. */
const char *clip_data(const char *name);

#endif
