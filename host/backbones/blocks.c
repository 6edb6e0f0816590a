/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks that several networks are made of. */
#include "backbones/backbones.h"

#include <stdio.h>

zoe_value zoe__conv_bn_relu(zoe_graph *graph, const char *name, zoe_value x, const zoe_conv2d_options *conv)
{
    char part[64];
    const zoe_batch_norm_options bn = zoe_batch_norm_options_default();
    snprintf(part, sizeof part, "%s.conv", name);
    x = zoe_conv2d(graph, part, x, conv);
    snprintf(part, sizeof part, "%s.bn", name);
    x = zoe_batch_norm(graph, part, x, &bn);
    snprintf(part, sizeof part, "%s.relu", name);
    return zoe_relu(graph, part, x);
}

zoe_value zoe__residual_conv(zoe_graph *graph, const char *conv_name, const char *bn_name, zoe_value x, int filters,
                             int kernel, int stride, int pad)
{
    zoe_conv2d_options conv = zoe__conv_options(filters, kernel, stride, pad);
    conv.weight_options.init = ZOE_INIT_HE_FAN_OUT;
    const zoe_batch_norm_options bn = zoe_batch_norm_options_default();
    return zoe_batch_norm(graph, bn_name, zoe_conv2d(graph, conv_name, x, &conv), &bn);
}

zoe_value zoe__basic_block(zoe_graph *graph, const char *block, zoe_value x, int filters, int stride)
{
    char conv[64], bn[64], other[64];
    zoe_value shortcut = x;
    snprintf(conv, sizeof conv, "%s.conv1", block);
    snprintf(bn, sizeof bn, "%s.bn1", block);
    zoe_value y = zoe__residual_conv(graph, conv, bn, x, filters, 3, stride, 1);
    snprintf(other, sizeof other, "%s.relu1", block);
    y = zoe_relu(graph, other, y);
    snprintf(conv, sizeof conv, "%s.conv2", block);
    snprintf(bn, sizeof bn, "%s.bn2", block);
    y = zoe__residual_conv(graph, conv, bn, y, filters, 3, 1, 1);
    if (stride != 1 || zoe_graph_shape(graph, x).c != filters) {
        snprintf(conv, sizeof conv, "%s.downsample.0", block);
        snprintf(bn, sizeof bn, "%s.downsample.1", block);
        shortcut = zoe__residual_conv(graph, conv, bn, x, filters, 1, stride, 0);
    }
    snprintf(other, sizeof other, "%s.add", block);
    y = zoe_add(graph, other, y, shortcut);
    snprintf(other, sizeof other, "%s.relu2", block);
    return zoe_relu(graph, other, y);
}
