/* SPDX-License-Identifier: Apache-2.0
 *
 * mini: four stages of conv3x3, batch norm, ReLU, max pool and a 64-d layer; small enough to learn in minutes on two
 * cores. On 56x56: stage1 28x28x16, stage2 14x14x32, stage3 7x7x48, stage4 3x3x64, fc 64. */
#include "backbones/backbones.h"

#include <stdio.h>

enum { STAGES = 4, FEATURES = 64 };
static const int channels[STAGES] = {16, 32, 48, 64};

static zoe_value build(zoe_graph *graph, zoe_value x, float dropout)
{
    (void)dropout; /* the network has none */
    const zoe_batch_norm_options bn = zoe_batch_norm_options_default();
    const zoe_pool_options pool = zoe_pool_options_default();
    for (int i = 0; i < STAGES; i++) {
        char stage[16], name[32];
        snprintf(stage, sizeof stage, "stage%d", i + 1);
        const zoe_conv2d_options conv = zoe__conv_options(channels[i], 3, 1, 1);
        x = zoe__conv_bn_relu(graph, stage, x, &conv);
        snprintf(name, sizeof name, "%s.pool", stage);
        x = zoe_max_pool(graph, name, x, &pool);
        zoe_graph_mark(graph, stage, x);
    }
    zoe_linear_options fc = zoe_linear_options_default();
    fc.outputs = FEATURES;
    fc.bias = false;
    x = zoe_linear(graph, "fc", x, &fc);
    x = zoe_batch_norm(graph, "fc.bn", x, &bn);
    x = zoe_relu(graph, "fc.relu", x);
    zoe_graph_mark(graph, "fc", x);
    return x;
}

const zoe_backbone zoe__backbone_mini = {
    .name = "mini",
    .summary = "4 stages of conv3x3-BN-ReLU-pool and 64 features, for clips of 64x64 (0.1 M parameters)",
    .frame = 64,
    .crop = 56,
    .mean = {0.5f, 0.5f, 0.5f},
    .std = {0.25f, 0.25f, 0.25f},
    .features = "fc",
    .map = "stage4",
    .build = build,
};
