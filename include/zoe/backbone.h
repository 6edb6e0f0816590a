/* SPDX-License-Identifier: Apache-2.0
 *
 * Backbones: the networks that are trained by pretext tasks. One file each in host/backbones/. */
#ifndef ZOE_BACKBONE_H
#define ZOE_BACKBONE_H

#include <stdbool.h>
#include <stddef.h>

#include <zoe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a network for sound hears: a window of `samples` at `rate` samples a second, as a spectrogram. */
typedef struct zoe_sound_input {
    int rate, samples;
    zoe_spectrogram_options spectrogram;
} zoe_sound_input;

typedef struct zoe_backbone {
    const char *name;    /* "mini", "resnet18", "l3-audio" */
    const char *summary; /* one line */
    int frame, crop;     /* side of the frames as decoded and of the square crop the network sees, pixels */
    int spectrogram[2];  /* rows (frequencies) and columns (times) of a network for sound; 0, 0: it sees pictures */
    const zoe_sound_input *sound; /* how that spectrogram is made; NULL: it sees pictures */
    float mean[3], std[3];        /* of the input, scale 0..1, in the order of the network's channels */
    bool bgr;
    const char *features; /* layer whose output a pretext head takes: "fc", "fc7", "avgpool" */
    const char *map;      /* layer with the last map of places, before they are joined: "conv4"; NULL: none */
    /* Adds the network to the graph, marks its layers, returns the features. x is {N, 3, H, W} or, for sound, {N, 1, H,
     * W}, of any size that its poolings leave something of; dropout is the ratio where the network has dropout (0 =
     * none). */
    zoe_value (*build)(zoe_graph *graph, zoe_value x, float dropout);
    /* Adds the network's own class head, named "classifier", to its features; returns {N, classes, 1, 1}. NULL: a
     * linear layer. */
    zoe_value (*classify)(zoe_graph *graph, zoe_value features, int classes);
} zoe_backbone;

/* Shape of n inputs as the network was made for: {n, 3, crop, crop} or {n, 1, rows, columns}. */
zoe_shape zoe_backbone_input(const zoe_backbone *backbone, int n);

/* The class head of a backbone on its features: logits {N, classes, 1, 1}. */
zoe_value zoe_backbone_classify(const zoe_backbone *backbone, zoe_graph *graph, zoe_value features, int classes);

/* NULL past the end. Borrowed, constant. */
const zoe_backbone *zoe_backbone_at(size_t index);
/* NULL with ZOE_CONFIG text ("did you mean") in the context when unknown. */
const zoe_backbone *zoe_backbone_find(zoe_context *context, const char *name);

#ifdef __cplusplus
}
#endif
#endif
