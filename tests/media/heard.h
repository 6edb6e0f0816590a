/* SPDX-License-Identifier: Apache-2.0
 *
 * Files with sound made for tests: a burst at a known time, so that where it is heard can be told to the sample. */
#ifndef TESTS_MEDIA_HEARD_H
#define TESTS_MEDIA_HEARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct heard_spec {
    const char *file;     /* the ending chooses the container */
    const char *encoder;  /* of the sound, FFmpeg's name */
    const char *pictures; /* encoder of the pictures; NULL: none */
    int rate;             /* 0: 48000 */
    int channels;         /* 0: 1; every channel has the same sound */
    double seconds;       /* of the sound; 0: 3 */
    double delay;         /* s, of the sound against the pictures */
    double gap;           /* s: packets that begin from 1.5 s to 1.5 s + gap are left out */
    bool silent, garbage; /* nothing but zeros; packets of noise in place of what the encoder gives */
    int frames;           /* of the pictures; 0: 75, at 25 a second */
} heard_spec;

/* Writes root/spec.file. False (and SKIPPED) when FFmpeg lacks an encoder; any other fault fails the test. */
bool heard_make(const char *root, const heard_spec *spec);

/* The burst's value at s of the sound: its middle is at 1 s. */
double heard_burst(double seconds);

/* By how many samples the burst in pcm[n] is late, when the first of them is at `start` s of the sound; looks at
 * -most..most. 99999 where nothing like it is heard. */
int heard_late(const float *pcm, int n, int rate, double start, int most);

#endif
