/* SPDX-License-Identifier: Apache-2.0
 *
 * ResNet-18 (He, Zhang, Ren, Sun: "Deep residual learning for image recognition", CVPR 2016) with torchvision's names,
 * so that load_state_dict takes our weights: conv1, bn1, layer1.0.conv1 ... layer4.1.bn2, layerN.0.downsample.{0,1}. */
#include "backbones/backbones.h"

#include <stdio.h>

static zoe_value build(zoe_graph *graph, zoe_value x, float dropout)
{
    (void)dropout; /* the network has none */
    zoe_pool_options pool = zoe_pool_options_default();
    pool.kernel = 3;
    pool.pad = 1;
    x = zoe__residual_conv(graph, "conv1", "bn1", x, 64, 7, 2, 3);
    x = zoe_relu(graph, "relu", x);
    x = zoe_max_pool(graph, "maxpool", x, &pool);
    zoe_graph_mark(graph, "stem", x);
    for (int layer = 1; layer <= 4; layer++) {
        char name[32];
        for (int block = 0; block < 2; block++) {
            snprintf(name, sizeof name, "layer%d.%d", layer, block);
            x = zoe__basic_block(graph, name, x, 32 << layer, layer > 1 && block == 0 ? 2 : 1);
        }
        snprintf(name, sizeof name, "layer%d", layer);
        zoe_graph_mark(graph, name, x);
    }
    x = zoe_global_average_pool(graph, "avgpool", x);
    zoe_graph_mark(graph, "avgpool", x);
    return x;
}

const zoe_backbone zoe__backbone_resnet18 = {
    .name = "resnet18",
    .summary = "ResNet-18 with torchvision's names, 512 features of 224x224 (11.2 M parameters)",
    .frame = 256,
    .crop = 224,
    .mean = {0.485f, 0.456f, 0.406f},
    .std = {0.229f, 0.224f, 0.225f},
    .features = "avgpool",
    .map = "layer4",
    .build = build,
};
