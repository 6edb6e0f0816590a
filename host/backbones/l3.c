/* SPDX-License-Identifier: Apache-2.0
 *
 * A stream of L3-Net (Arandjelovic, Zisserman: "Look, listen and learn", ICCV 2017): four blocks of two 3x3
 * convolutions with batch norm and ReLU, 64, 128, 256 and 512 filters, 2x2 max pooling between them and the maximum
 * over all places at the end. The paper pools the last map by one window of its size, which is the same for the paper's
 * input. */
#include "backbones/backbones.h"

#include <stdio.h>

enum { BLOCKS = 4 };

static zoe_value build(zoe_graph *graph, zoe_value x, int stride)
{
    const zoe_pool_options pool = zoe_pool_options_default();
    for (int block = 1; block <= BLOCKS; block++) {
        char name[32];
        for (int i = 1; i <= 2; i++) {
            const zoe_conv2d_options conv = zoe__conv_options(32 << block, 3, block == 1 && i == 1 ? stride : 1, 1);
            snprintf(name, sizeof name, "conv%d_%d", block, i);
            x = zoe__conv_bn_relu(graph, name, x, &conv);
        }
        snprintf(name, sizeof name, "conv%d", block);
        zoe_graph_mark(graph, name, x);
        snprintf(name, sizeof name, "pool%d", block);
        x = block < BLOCKS ? zoe_max_pool(graph, name, x, &pool) : zoe_global_max_pool(graph, name, x);
    }
    zoe_graph_mark(graph, "pool4", x);
    return x;
}

zoe_value zoe__l3_build(zoe_graph *graph, zoe_value x, float dropout)
{
    (void)dropout; /* the network has none */
    return build(graph, x, 1);
}

zoe_value zoe__ave_build(zoe_graph *graph, zoe_value x, float dropout)
{
    (void)dropout;
    return build(graph, x, 2);
}
