/* SPDX-License-Identifier: Apache-2.0
 *
 * avc-vision: a small stream that looks (avc.c). */
#include "backbones/backbones.h"

static zoe_value build(zoe_graph *graph, zoe_value x, float dropout)
{
    (void)dropout; /* the network has none */
    return zoe__avc_stream(graph, x, 1);
}

const zoe_backbone zoe__backbone_avc_vision = {
    .name = "avc-vision",
    .summary = "a small stream that looks, 64 features, 8x8 places of 64x64 pixels (28 k parameters)",
    .frame = 64,
    .crop = 64,
    .mean = {0.5f, 0.5f, 0.5f},
    .std = {0.25f, 0.25f, 0.25f},
    .features = "pool4",
    .map = "conv4",
    .build = build,
};
