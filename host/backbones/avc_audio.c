/* SPDX-License-Identifier: Apache-2.0
 *
 * avc-audio: a small stream that listens (avc.c), to a second as 128 x 50 means of 2 bins x 4 frames. Mean and standard
 * deviation of its input are those of the world `sounding`. */
#include "backbones/backbones.h"

static const zoe_sound_input second = {.rate = 48000,
                                       .samples = 48240,
                                       .spectrogram = {.window = 480,
                                                       .hop = 240,
                                                       .fft = 512,
                                                       .log = true,
                                                       .eps = 1e-3f,
                                                       .bins = 256,
                                                       .pool_bins = 2,
                                                       .pool_frames = 4,
                                                       .mean = -3.064f,
                                                       .std = 1.156f}};

static zoe_value build(zoe_graph *graph, zoe_value x, float dropout)
{
    (void)dropout; /* the network has none */
    return zoe__avc_stream(graph, x, 3);
}

const zoe_backbone zoe__backbone_avc_audio = {
    .name = "avc-audio",
    .summary = "a small stream that listens, 64 features of 128 frequencies x 50 times (60 k parameters)",
    .spectrogram = {128, 50},
    .sound = &second,
    .std = {1, 1, 1},
    .features = "pool4",
    .map = "conv4",
    .build = build,
};
