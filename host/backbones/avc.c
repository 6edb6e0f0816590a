/* SPDX-License-Identifier: Apache-2.0
 *
 * A small stream for audio-visual correspondence, for pictures or spectrograms: conv1 3x3 of stride 2, 16 filters;
 * conv2 3x3, 32; conv3 3x3, 64; conv4, 64; batch norm and ReLU after each, 2x2 max pooling after conv2 and conv3, the
 * maximum over all places at the end. A place of the last map is 8 pixels of the input. With a last kernel of 1 it sees
 * 21x21 of them, about the size of a thing, with 3 it sees 37x37. */
#include "backbones/backbones.h"

#include <stdio.h>

zoe_value zoe__avc_stream(zoe_graph *graph, zoe_value x, int kernel)
{
    static const int filters[4] = {16, 32, 64, 64};
    const zoe_pool_options pool = zoe_pool_options_default();
    for (int i = 0; i < 4; i++) {
        char name[16];
        const int side = i == 3 ? kernel : 3;
        const zoe_conv2d_options conv = zoe__conv_options(filters[i], side, i == 0 ? 2 : 1, side / 2);
        snprintf(name, sizeof name, "conv%d", i + 1);
        x = zoe__conv_bn_relu(graph, name, x, &conv);
        zoe_graph_mark(graph, name, x);
        snprintf(name, sizeof name, "pool%d", i + 1);
        if (i == 1 || i == 2) x = zoe_max_pool(graph, name, x, &pool);
    }
    x = zoe_global_max_pool(graph, "pool4", x);
    zoe_graph_mark(graph, "pool4", x);
    return x;
}
