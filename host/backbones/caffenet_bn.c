/* SPDX-License-Identifier: Apache-2.0
 *
 * caffenet-bn: CaffeNet with batch norm instead of local response normalisation: conv1 96 k11 s4, conv2 256 k5 g2,
 * conv3 384, conv4 384 g2, conv5 256 g2, fc6 and fc7 of 4096; each without a bias and with batch norm and ReLU; 3x3
 * pooling at stride 2, rounded down. No dropout. */
#include "backbones/backbones.h"

#include <stdio.h>

typedef struct layer {
    const char *name, *pool; /* pool: NULL for none */
    int filters, kernel, stride, pad, groups;
} layer;

static const layer layers[] = {
    {"conv1", "pool1", 96, 11, 4, 0, 1}, {"conv2", "pool2", 256, 5, 1, 2, 2}, {"conv3", NULL, 384, 3, 1, 1, 1},
    {"conv4", NULL, 384, 3, 1, 1, 2},    {"conv5", "pool5", 256, 3, 1, 1, 2},
};

static zoe_value fc(zoe_graph *graph, const char *name, zoe_value x)
{
    char part[32];
    const zoe_batch_norm_options bn = zoe_batch_norm_options_default();
    zoe_linear_options options = zoe_linear_options_default();
    options.outputs = 4096;
    options.bias = false;
    x = zoe_linear(graph, name, x, &options);
    snprintf(part, sizeof part, "%s.bn", name);
    x = zoe_batch_norm(graph, part, x, &bn);
    snprintf(part, sizeof part, "%s.relu", name);
    x = zoe_relu(graph, part, x);
    zoe_graph_mark(graph, name, x);
    return x;
}

static zoe_value build(zoe_graph *graph, zoe_value x, float dropout)
{
    (void)dropout; /* the network has none */
    zoe_pool_options pool = zoe_pool_options_default();
    pool.kernel = 3;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const layer *l = &layers[i];
        zoe_conv2d_options conv = zoe__conv_options(l->filters, l->kernel, l->stride, l->pad);
        conv.groups = l->groups;
        x = zoe__conv_bn_relu(graph, l->name, x, &conv);
        zoe_graph_mark(graph, l->name, x);
        if (l->pool) x = zoe_max_pool(graph, l->pool, x, &pool);
    }
    zoe_graph_mark(graph, "pool5", x);
    return fc(graph, "fc7", fc(graph, "fc6", x));
}

const zoe_backbone zoe__backbone_caffenet_bn = {
    .name = "caffenet-bn",
    .summary = "CaffeNet with batch norm everywhere and no LRN, 4096 features of 227x227 (58 M parameters)",
    .frame = 256,
    .crop = 227,
    .mean = {0.485f, 0.456f, 0.406f},
    .std = {0.229f, 0.224f, 0.225f},
    .features = "fc7",
    .build = build,
};
