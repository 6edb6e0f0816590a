/* SPDX-License-Identifier: Apache-2.0
 *
 * l3-audio: the stream of L3-Net that listens (l3.c), to the log-spectrogram of a second. */
#include "backbones/backbones.h"

static const zoe_sound_input second = {
    .rate = 48000,
    .samples = 48000,
    .spectrogram = {
        .window = 480, .hop = 240, .fft = 512, .log = true, .eps = 1e-5f, .pool_bins = 1, .pool_frames = 1, .std = 1}};

const zoe_backbone zoe__backbone_l3_audio = {
    .name = "l3-audio",
    .summary = "the stream of L3-Net that listens, 512 features of 257 frequencies x 199 times (4.7 M parameters)",
    .spectrogram = {257, 199},
    .sound = &second,
    .std = {1, 1, 1},
    .features = "pool4",
    .map = "conv4",
    .build = zoe__l3_build,
};
