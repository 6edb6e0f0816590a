/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the protocol `neighbours` share. Internal. */
#ifndef ZOE_EVALUATE_NEIGHBOURS_H
#define ZOE_EVALUATE_NEIGHBOURS_H

#include "evaluate/clips.h"
#include "evaluate/frames.h"
#include "evaluate/nearest.h"
#include "evaluate/sounds.h"

/* Nearest frames of each of the frames by some features, and what they are worth. */
typedef struct zoe__found {
    size_t (*nearest)[ZOE__NEAREST];
    zoe__shares shares;
} zoe__found;

typedef struct zoe__layer_found {
    size_t layer; /* of the network */
    char name[96];
    size_t count; /* numbers of a frame */
    zoe__found trained, random;
} zoe__layer_found;

typedef struct zoe__neighbours {
    zoe_context *context;
    const zoe_options *options;
    zoe__subject subject;
    zoe__clips clips;
    zoe_device *device;
    int draws; /* random networks */
    zoe_features *trained, *random;
    zoe__pick *picks; /* the frames, N of them */
    size_t count;
    zoe__windows windows;                  /* of sounds; 0 samples: frames */
    float *pcm;                            /* of sounds: [N][samples]; else NULL */
    uint8_t *rgb;                          /* [N][height][width][3]; of sounds their spectrograms */
    size_t *label, *group;                 /* [N]: equal numbers mean equal labels, the same clip or group */
    size_t labels, used_clips;             /* how many different ones */
    size_t seen, unlabelled, without, bad; /* clips left out: trained on, no label, too short, undecodable */
    zoe__shares chance;
    zoe__found pixels;
    zoe__layer_found *layers;
    size_t layer_count;
    size_t best; /* number in layers: the one with the largest top-1 of trained weights */
    char sheet[ZOE__PATH];
} zoe__neighbours;

const zoe_clip *zoe__neighbours_clip(const zoe__neighbours *n, size_t frame);

/* Decides where the contact sheet goes and makes its folder: a place that cannot be written to is told early. */
zoe_status zoe__neighbours_place(zoe__neighbours *n);

/* The contact sheet: a query a row, what labels, the run's features, random weights and pixels find. Writes n->sheet.
 */
zoe_status zoe__neighbours_draw(zoe__neighbours *n);

#endif
