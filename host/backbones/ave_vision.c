/* SPDX-License-Identifier: Apache-2.0
 *
 * ave-vision: the stream of AVE-Net that looks (l3.c). */
#include "backbones/backbones.h"

const zoe_backbone zoe__backbone_ave_vision = {
    .name = "ave-vision",
    .summary = "the stream of AVE-Net that looks, 512 features of 224x224 (4.7 M parameters)",
    .frame = 256,
    .crop = 224,
    .mean = {0.5f, 0.5f, 0.5f},
    .std = {0.25f, 0.25f, 0.25f},
    .features = "pool4",
    .map = "conv4",
    .build = zoe__ave_build,
};
