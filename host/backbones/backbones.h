/* SPDX-License-Identifier: Apache-2.0
 *
 * What backbones share. A backbone is a descriptor zoe__backbone_NAME at the end of NAME.c. Internal. */
#ifndef ZOE__BACKBONES_H
#define ZOE__BACKBONES_H

#include <zoe/backbone.h>
#include <zoe/op.h>

/* Square convolution without a bias, as before a batch norm. */
static inline zoe_conv2d_options zoe__conv_options(int filters, int kernel, int stride, int pad)
{
    zoe_conv2d_options options = zoe_conv2d_options_default();
    options.filters = filters;
    options.kernel_h = options.kernel_w = kernel;
    options.stride_h = options.stride_w = stride;
    options.pad_h = options.pad_w = pad;
    options.bias = false;
    return options;
}

/* A block of many networks: NAME.conv (without a bias), NAME.bn, NAME.relu. */
zoe_value zoe__conv_bn_relu(zoe_graph *graph, const char *name, zoe_value x, const zoe_conv2d_options *conv);

/* Convolution and batch norm of a ResNet, He normal by fan-out. */
zoe_value zoe__residual_conv(zoe_graph *graph, const char *conv_name, const char *bn_name, zoe_value x, int filters,
                             int kernel, int stride, int pad);

/* The block of the small ResNets, with torchvision's names: BLOCK.conv1, bn1, relu1, conv2, bn2, add, relu2. The first
 * convolution has the stride; where the shape changes the shortcut is BLOCK.downsample.0, a 1x1 convolution, and .1,
 * its batch norm. */
zoe_value zoe__basic_block(zoe_graph *graph, const char *block, zoe_value x, int filters, int stride);

/* A stream of L3-Net, for pictures or spectrograms (l3.c): 512 features. AVE-Net's first convolution has stride 2. */
zoe_value zoe__l3_build(zoe_graph *graph, zoe_value x, float dropout);
zoe_value zoe__ave_build(zoe_graph *graph, zoe_value x, float dropout);

/* A small stream (avc.c): 64 features; kernel: side of the last convolution. */
zoe_value zoe__avc_stream(zoe_graph *graph, zoe_value x, int kernel);

#endif
