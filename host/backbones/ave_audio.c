/* SPDX-License-Identifier: Apache-2.0
 *
 * ave-audio: the stream of AVE-Net that listens (l3.c), to the log-spectrogram of a second and 5 ms: 200 columns. */
#include "backbones/backbones.h"

static const zoe_sound_input second = {
    .rate = 48000,
    .samples = 48240,
    .spectrogram = {
        .window = 480, .hop = 240, .fft = 512, .log = true, .eps = 1e-5f, .pool_bins = 1, .pool_frames = 1, .std = 1}};

const zoe_backbone zoe__backbone_ave_audio = {
    .name = "ave-audio",
    .summary = "the stream of AVE-Net that listens, 512 features of 257 frequencies x 200 times (4.7 M parameters)",
    .spectrogram = {257, 200},
    .sound = &second,
    .std = {1, 1, 1},
    .features = "pool4",
    .map = "conv4",
    .build = zoe__ave_build,
};
