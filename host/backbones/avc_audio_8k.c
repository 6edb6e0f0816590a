/* SPDX-License-Identifier: Apache-2.0
 *
 * avc-audio-8k: a small stream that listens (avc.c), for speech at 8 kHz (`zoe index --rate 8000`): a second as 128 x
 * 50, a bin of 31 Hz a row, 20 ms a column. */
#include "backbones/backbones.h"

static const zoe_sound_input second = {.rate = 8000,
                                       .samples = 8120,
                                       .spectrogram = {.window = 200,
                                                       .hop = 80,
                                                       .fft = 256,
                                                       .log = true,
                                                       .eps = 1e-3f,
                                                       .bins = 128,
                                                       .pool_bins = 1,
                                                       .pool_frames = 2,
                                                       .mean = -3,
                                                       .std = 2}};

static zoe_value build(zoe_graph *graph, zoe_value x, float dropout)
{
    (void)dropout; /* the network has none */
    return zoe__avc_stream(graph, x, 3);
}

const zoe_backbone zoe__backbone_avc_audio_8k = {
    .name = "avc-audio-8k",
    .summary = "avc-audio for speech at 8 kHz, 64 features of 128 frequencies x 50 times (60 k parameters)",
    .spectrogram = {128, 50},
    .sound = &second,
    .std = {1, 1, 1},
    .features = "pool4",
    .map = "conv4",
    .build = build,
};
