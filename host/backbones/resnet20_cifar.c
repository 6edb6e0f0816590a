/* SPDX-License-Identifier: Apache-2.0
 *
 * resnet20-cifar: the ResNet of 20 layers for 32x32 (He, Zhang, Ren, Sun, CVPR 2016, section 4.2): conv1, three layers
 * of three basic blocks with 16, 32 and 64 filters; where the shape changes the shortcut is a 1x1 convolution with
 * batch norm. Names as torchvision's ResNets have them. */
#include "backbones/backbones.h"

#include <stdio.h>

static zoe_value build(zoe_graph *graph, zoe_value x, float dropout)
{
    (void)dropout; /* the network has none */
    x = zoe__residual_conv(graph, "conv1", "bn1", x, 16, 3, 1, 1);
    x = zoe_relu(graph, "relu", x);
    zoe_graph_mark(graph, "stem", x);
    for (int layer = 1; layer <= 3; layer++) {
        char name[32];
        for (int block = 0; block < 3; block++) {
            snprintf(name, sizeof name, "layer%d.%d", layer, block);
            x = zoe__basic_block(graph, name, x, 8 << layer, layer > 1 && block == 0 ? 2 : 1);
        }
        snprintf(name, sizeof name, "layer%d", layer);
        zoe_graph_mark(graph, name, x);
    }
    x = zoe_global_average_pool(graph, "avgpool", x);
    zoe_graph_mark(graph, "avgpool", x);
    return x;
}

const zoe_backbone zoe__backbone_resnet20_cifar = {
    .name = "resnet20-cifar",
    .summary = "ResNet of 20 layers for small pictures, 64 features of 32x32 (0.3 M parameters)",
    .frame = 36,
    .crop = 32,
    .mean = {0.491f, 0.482f, 0.447f},
    .std = {0.247f, 0.244f, 0.262f},
    .features = "avgpool",
    .build = build,
};
