/* SPDX-License-Identifier: Apache-2.0
 *
 * nin-cifar: network in network (Lin, Chen, Yan, 2013) for 32x32, in the form with batch norm that RotNet took: three
 * blocks of a wide convolution (5x5, 5x5, 3x3) and two of 1x1; the last 1x1 of them and the mean over all places are
 * the class head. */
#include "backbones/backbones.h"

#include <stdio.h>

typedef struct layer {
    const char *name;
    int filters, kernel;
} layer;

static const layer layers[] = {
    {"conv1_1", 192, 5}, {"conv1_2", 160, 1}, {"conv1_3", 96, 1},  {"conv2_1", 192, 5},
    {"conv2_2", 192, 1}, {"conv2_3", 192, 1}, {"conv3_1", 192, 3}, {"conv3_2", 192, 1},
};
enum { POOL1_AFTER = 2, POOL2_AFTER = 5 };

static zoe_value build(zoe_graph *graph, zoe_value x, float dropout)
{
    (void)dropout; /* the network has none */
    zoe_pool_options pool = zoe_pool_options_default();
    pool.kernel = 3;
    pool.pad = 1;
    for (int i = 0; i < (int)(sizeof layers / sizeof *layers); i++) {
        const zoe_conv2d_options conv = zoe__conv_options(layers[i].filters, layers[i].kernel, 1, layers[i].kernel / 2);
        x = zoe__conv_bn_relu(graph, layers[i].name, x, &conv);
        if (i == POOL1_AFTER) zoe_graph_mark(graph, "conv1", x);
        if (i == POOL2_AFTER) zoe_graph_mark(graph, "conv2", x);
        if (i == POOL1_AFTER) x = zoe_max_pool(graph, "pool1", x, &pool);
        if (i == POOL2_AFTER) x = zoe_average_pool(graph, "pool2", x, &pool);
    }
    zoe_graph_mark(graph, "conv3", x);
    return x;
}

static zoe_value classify(zoe_graph *graph, zoe_value features, int classes)
{
    const zoe_conv2d_options conv = zoe__conv_options(classes, 1, 1, 0);
    return zoe_global_average_pool(graph, "classifier.pool", zoe__conv_bn_relu(graph, "classifier", features, &conv));
}

const zoe_backbone zoe__backbone_nin_cifar = {
    .name = "nin-cifar",
    .summary = "network in network with batch norm, a map of 192 x 8x8 features of 32x32 (1.0 M parameters)",
    .frame = 36,
    .crop = 32,
    .mean = {0.491f, 0.482f, 0.447f},
    .std = {0.247f, 0.244f, 0.262f},
    .features = "conv3",
    .build = build,
    .classify = classify,
};
