/* SPDX-License-Identifier: Apache-2.0
 *
 * ResNet-18 (He, Zhang, Ren, Sun: "Deep residual learning for image recognition", CVPR 2016) with torchvision's names,
 * so that load_state_dict takes our weights: conv1, bn1, layer1.0.conv1 ... layer4.1.bn2, layerN.0.downsample.{0,1}. */
#include "backbones/backbones.h"

#include <stdio.h>

/* conv-BN(-ReLU) of a block; names are <block>.conv<i> and <block>.bn<i>. */
static zoe_value conv_bn(zoe_graph *graph, const char *conv_name, const char *bn_name, zoe_value x, int filters,
                         int kernel, int stride, int pad)
{
    zoe_conv2d_options conv = zoe__conv_options(filters, kernel, stride, pad);
    conv.weight_options.init = ZOE_INIT_HE_FAN_OUT;
    const zoe_batch_norm_options bn = zoe_batch_norm_options_default();
    return zoe_batch_norm(graph, bn_name, zoe_conv2d(graph, conv_name, x, &conv), &bn);
}

/* Two 3x3 convolutions and the shortcut; the first has the stride, and then the shortcut is a 1x1 convolution. */
static zoe_value basic_block(zoe_graph *graph, const char *block, zoe_value x, int filters, int stride)
{
    char conv[64], bn[64], other[64];
    zoe_value shortcut = x;
    snprintf(conv, sizeof conv, "%s.conv1", block);
    snprintf(bn, sizeof bn, "%s.bn1", block);
    zoe_value y = conv_bn(graph, conv, bn, x, filters, 3, stride, 1);
    snprintf(other, sizeof other, "%s.relu1", block);
    y = zoe_relu(graph, other, y);
    snprintf(conv, sizeof conv, "%s.conv2", block);
    snprintf(bn, sizeof bn, "%s.bn2", block);
    y = conv_bn(graph, conv, bn, y, filters, 3, 1, 1);
    if (stride != 1 || zoe_graph_shape(graph, x).c != filters) {
        snprintf(conv, sizeof conv, "%s.downsample.0", block);
        snprintf(bn, sizeof bn, "%s.downsample.1", block);
        shortcut = conv_bn(graph, conv, bn, x, filters, 1, stride, 0);
    }
    snprintf(other, sizeof other, "%s.add", block);
    y = zoe_add(graph, other, y, shortcut);
    snprintf(other, sizeof other, "%s.relu2", block);
    return zoe_relu(graph, other, y);
}

static zoe_value build(zoe_graph *graph, zoe_value x, float dropout)
{
    (void)dropout; /* the network has none */
    zoe_pool_options pool = zoe_pool_options_default();
    pool.kernel = 3;
    pool.pad = 1;
    x = conv_bn(graph, "conv1", "bn1", x, 64, 7, 2, 3);
    x = zoe_relu(graph, "relu", x);
    x = zoe_max_pool(graph, "maxpool", x, &pool);
    zoe_graph_mark(graph, "stem", x);
    for (int layer = 1; layer <= 4; layer++) {
        char name[32];
        for (int block = 0; block < 2; block++) {
            snprintf(name, sizeof name, "layer%d.%d", layer, block);
            x = basic_block(graph, name, x, 32 << layer, layer > 1 && block == 0 ? 2 : 1);
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
    .build = build,
};
