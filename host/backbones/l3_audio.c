/* SPDX-License-Identifier: Apache-2.0
 *
 * l3-audio: the stream of L3-Net that listens (l3.c), to the log-spectrogram of a second. */
#include "backbones/backbones.h"

const zoe_backbone zoe__backbone_l3_audio = {
    .name = "l3-audio",
    .summary = "the stream of L3-Net that listens, 512 features of 257 frequencies x 199 times (4.7 M parameters)",
    .spectrogram = {257, 199},
    .std = {1, 1, 1},
    .features = "pool4",
    .build = zoe__l3_build,
};
